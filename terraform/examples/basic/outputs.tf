# What the example gives.

output "answer" {
  description = "The answer to the question"
  value       = module.thread_run.output_text
}

output "id" {
  description = "The identifier of the run"
  value       = module.thread_run.id
}

output "thread_id" {
  description = "The ID of the thread"
  value       = module.thread_run.thread_id
}

output "physical_id" {
  description = "`thread_id:run_id`"
  value       = module.thread_run.physical_id
}

output "status" {
  description = "The status of the run"
  value       = module.thread_run.status
}

output "created_at" {
  description = "The Unix timestamp (in seconds) of when the run was created"
  value       = module.thread_run.created_at
}

output "usage" {
  description = "Tokens of the run"
  value       = module.thread_run.usage
}
