# `make reference` writes this file from the models of the resource types: change those.
# What the file gives.

locals {
  # Empty after a create that failed.
  stack_outputs = aws_cloudformation_stack.this.outputs
}

output "id" {
  description = "The ID of the file"
  value       = try(local.stack_outputs["Id"], null)
}

output "filename" {
  description = "Its name"
  value       = can(local.stack_outputs["Filename"]) ? base64decode(local.stack_outputs["Filename"]) : null
}

output "bytes" {
  description = "Its size"
  value       = try(tonumber(local.stack_outputs["Bytes"]), null)
}

output "purpose" {
  description = "What it is for"
  value       = try(local.stack_outputs["Purpose"], null)
}

output "created_at" {
  description = "The Unix timestamp, in seconds, of when it was uploaded"
  value       = try(tonumber(local.stack_outputs["CreatedAt"]), null)
}

output "expires_at" {
  description = "The Unix timestamp of when the server deletes it; null where it does not"
  value       = try(tonumber(local.stack_outputs["ExpiresAt"]), null)
}

output "sha256" {
  description = "The SHA-256 digest of its content, in hexadecimal; a trigger for what depends on the content"
  value       = try(local.stack_outputs["Sha256"], null)
}

output "stack_id" {
  description = "The ARN of the stack"
  value       = aws_cloudformation_stack.this.id
}
