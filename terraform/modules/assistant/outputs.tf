# What an assistant gives.

locals {
  # Empty after a create that failed.
  stack_outputs = aws_cloudformation_stack.this.outputs
}

output "id" {
  description = "The identifier of the assistant, which the `assistant_id` of a run takes"
  value       = try(local.stack_outputs["Id"], null)
}

output "version" {
  description = "The version of the assistant: an update in place raises it and keeps the `id`"
  value       = try(tonumber(local.stack_outputs["Version"]), null)
}

output "created_at" {
  description = "The Unix timestamp (in seconds) of when the assistant was created"
  value       = try(tonumber(local.stack_outputs["CreatedAt"]), null)
}

output "assistant_name" {
  description = "The name of the assistant, null without one"
  value       = try(local.stack_outputs["Name"] != "" ? base64decode(local.stack_outputs["Name"]) : null, null)
}

output "model" {
  description = "The model of the assistant"
  value       = try(local.stack_outputs["Model"], null)
}

output "stack_id" {
  description = "The ARN of the stack"
  value       = aws_cloudformation_stack.this.id
}
