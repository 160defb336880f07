# What the example gives.

output "id" {
  description = "The identifier of the run"
  value       = module.example.id
}

output "thread_id" {
  description = "The ID of the thread that the run is on"
  value       = module.example.thread_id
}

output "physical_id" {
  description = "`thread_id:run_id`"
  value       = module.example.physical_id
}

output "assistant_id" {
  description = "The ID of the assistant that the run used"
  value       = module.example.assistant_id
}

output "assistant_version" {
  description = "The version of the assistant that the run used"
  value       = module.example.assistant_version
}

output "created_at" {
  description = "The Unix timestamp (in seconds) of when the run was created"
  value       = module.example.created_at
}

output "started_at" {
  description = "The Unix timestamp (in seconds) of when the run was started"
  value       = module.example.started_at
}

output "completed_at" {
  description = "The Unix timestamp (in seconds) of when the run was completed"
  value       = module.example.completed_at
}

output "object" {
  description = "The object type"
  value       = module.example.object
}

output "status" {
  description = "The status of the run: requires_action where the model calls get_weather"
  value       = module.example.status
}

output "file_ids" {
  description = "The IDs of the files that the run has access to"
  value       = module.example.file_ids
}

output "usage" {
  description = "Tokens of the run"
  value       = module.example.usage
}

output "output_text" {
  description = "The answer"
  value       = module.example.output_text
}

output "documentation_id" {
  description = "The ID of the file, as openai_file.documentation.id"
  value       = module.documentation.id
}

output "existing_thread_id" {
  description = "The ID of the thread that the second run is on, as openai_thread.existing.id"
  value       = module.existing.id
}

output "on_existing" {
  description = "The answer of the run on the existing thread"
  value       = module.on_existing.output_text
}
