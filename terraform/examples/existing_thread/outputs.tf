# What the example gives.

output "id" {
  description = "The identifier of the run"
  value       = module.on_existing.id
}

output "thread_id" {
  description = "The ID of the thread that the run is on"
  value       = module.on_existing.thread_id
}

output "physical_id" {
  description = "`thread_id:run_id`"
  value       = module.on_existing.physical_id
}

output "assistant_id" {
  description = "The ID of the assistant that the run used"
  value       = module.on_existing.assistant_id
}

output "assistant_version" {
  description = "The version of the assistant that the run used"
  value       = module.on_existing.assistant_version
}

output "created_at" {
  description = "The Unix timestamp (in seconds) of when the run was created"
  value       = module.on_existing.created_at
}

output "started_at" {
  description = "The Unix timestamp (in seconds) of when the run was started"
  value       = module.on_existing.started_at
}

output "completed_at" {
  description = "The Unix timestamp (in seconds) of when the run was completed"
  value       = module.on_existing.completed_at
}

output "object" {
  description = "The object type"
  value       = module.on_existing.object
}

output "status" {
  description = "The status of the run"
  value       = module.on_existing.status
}

output "file_ids" {
  description = "The IDs of the files that the run has access to"
  value       = module.on_existing.file_ids
}

output "usage" {
  description = "Tokens of the run"
  value       = module.on_existing.usage
}

output "output_text" {
  description = "The answer"
  value       = module.on_existing.output_text
}

output "existing_thread_id" {
  description = "The ID of the thread"
  value       = module.existing.id
}

output "expert_id" {
  description = "The ID of the assistant"
  value       = module.expert.id
}
