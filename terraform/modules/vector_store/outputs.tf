# `make reference` writes this file from the models of the resource types: change those.
# What the vector store gives.

locals {
  # Empty after a create that failed.
  stack_outputs = aws_cloudformation_stack.this.outputs
}

output "id" {
  description = "The ID of the store"
  value       = try(local.stack_outputs["Id"], null)
}

output "vector_store_name" {
  description = "Its name; null where it has none"
  value       = try(local.stack_outputs["Name"] != "" ? base64decode(local.stack_outputs["Name"]) : null, null)
}

output "status" {
  description = "Its status, `completed` when its files were indexed"
  value       = try(local.stack_outputs["Status"], null)
}

output "file_counts" {
  description = "How many files there are in each state, a map of numbers"
  value       = try(tomap({ for state, count in jsondecode(local.stack_outputs["FileCounts"]) : state => tonumber(count) }), null)
}

output "usage_bytes" {
  description = "What it takes"
  value       = try(tonumber(local.stack_outputs["UsageBytes"]), null)
}

output "created_at" {
  description = "The Unix timestamp, in seconds, of when it was created"
  value       = try(tonumber(local.stack_outputs["CreatedAt"]), null)
}

output "stack_id" {
  description = "The ARN of the stack"
  value       = aws_cloudformation_stack.this.id
}
