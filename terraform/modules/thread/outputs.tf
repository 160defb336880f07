# What a thread gives.

locals {
  # Empty after a create that failed.
  stack_outputs = aws_cloudformation_stack.this.outputs
}

output "id" {
  description = "The identifier of the thread, which the `existing_thread_id` of a run takes"
  value       = try(local.stack_outputs["Id"], null)
}

output "created_at" {
  description = "The Unix timestamp (in seconds) of when the thread was created"
  value       = try(tonumber(local.stack_outputs["CreatedAt"]), null)
}

output "stack_id" {
  description = "The ARN of the stack"
  value       = aws_cloudformation_stack.this.id
}
