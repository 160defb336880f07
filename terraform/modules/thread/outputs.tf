# `make reference` writes this file from the models of the resource types: change those.
# What the thread gives.

locals {
  # Empty after a create that failed.
  stack_outputs = aws_cloudformation_stack.this.outputs
}

output "id" {
  description = "The ID of the thread"
  value       = try(local.stack_outputs["Id"], null)
}

output "created_at" {
  description = "The Unix timestamp of when it was created"
  value       = try(tonumber(local.stack_outputs["CreatedAt"]), null)
}

output "stack_id" {
  description = "The ARN of the stack"
  value       = aws_cloudformation_stack.this.id
}
