# `make reference` writes this file from the models of the resource types: change those.
# What the assistant gives.

locals {
  # Empty after a create that failed.
  stack_outputs = aws_cloudformation_stack.this.outputs
}

output "id" {
  description = "The ID of the assistant"
  value       = try(local.stack_outputs["Id"], null)
}

output "version" {
  description = "Its version, 1 at first and raised by each change"
  value       = try(tonumber(local.stack_outputs["Version"]), null)
}

output "created_at" {
  description = "The Unix timestamp of when it was created"
  value       = try(tonumber(local.stack_outputs["CreatedAt"]), null)
}

output "assistant_name" {
  description = "Its name; null where it has none"
  value       = try(local.stack_outputs["Name"] != "" ? base64decode(local.stack_outputs["Name"]) : null, null)
}

output "model" {
  description = "Its model"
  value       = try(local.stack_outputs["Model"], null)
}

output "stack_id" {
  description = "The ARN of the stack"
  value       = aws_cloudformation_stack.this.id
}
