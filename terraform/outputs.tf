# `make reference` writes this file from the models of the resource types: change those.
# What the run gives.

locals {
  # Empty after a create that failed.
  stack_outputs = aws_cloudformation_stack.this.outputs
}

output "id" {
  description = "The ID of the run"
  value       = try(local.stack_outputs["Id"], null)
}

output "thread_id" {
  description = "The ID of its thread"
  value       = try(local.stack_outputs["ThreadId"], null)
}

output "physical_id" {
  description = "`thread_id:run_id`, the form that `import_id` takes"
  value       = try(local.stack_outputs["PhysicalId"], null)
}

output "assistant_id" {
  description = "The assistant that was used; null where none was"
  value       = try(local.stack_outputs["AssistantId"] != "" ? local.stack_outputs["AssistantId"] : null, null)
}

output "assistant_version" {
  description = "Its version; null where the server keeps none"
  value       = try(tonumber(local.stack_outputs["AssistantVersion"]), null)
}

output "created_at" {
  description = "The Unix timestamp, in seconds, of when the run was created"
  value       = try(tonumber(local.stack_outputs["CreatedAt"]), null)
}

output "started_at" {
  description = "The Unix timestamp of when the run was first seen at work"
  value       = try(tonumber(local.stack_outputs["StartedAt"]), null)
}

output "completed_at" {
  description = "The Unix timestamp of when the run was completed; null where it was not"
  value       = try(tonumber(local.stack_outputs["CompletedAt"]), null)
}

output "object" {
  description = "Always `thread.run`"
  value       = try(local.stack_outputs["Object"], null)
}

output "status" {
  description = "The final status of the run"
  value       = try(local.stack_outputs["Status"], null)
}

output "file_ids" {
  description = "The IDs of the files that the run had access to, a list"
  value       = try(tolist([for id in jsondecode(local.stack_outputs["FileIds"]) : tostring(id)]), null)
}

output "usage" {
  description = "The tokens that were used, a map of numbers: prompt_tokens, completion_tokens, total_tokens, and of these cached_tokens and reasoning_tokens, each null if unknown"
  value = tomap({
    for name in ["prompt_tokens", "completion_tokens", "total_tokens", "cached_tokens", "reasoning_tokens"] :
    name => tonumber(try(jsondecode(local.stack_outputs["Usage"])[name], null))
  })
}

output "model" {
  description = "The model that ran"
  value       = try(local.stack_outputs["Model"], null)
}

output "required_action" {
  description = "The calls that the run waits for, a list of objects with `call_id`, `name` and `arguments`; empty unless its status is requires_action. `arguments` are JSON text, as the model wrote it"
  value = try(tolist([
    # Empty text, and not an empty list, where there are none.
    for call in jsondecode(local.stack_outputs["RequiredAction"] == "" ? "[]" : base64decode(local.stack_outputs["RequiredAction"])) :
    { call_id = tostring(call.call_id), name = tostring(call.name), arguments = tostring(call.arguments) }
  ]), null)
}

output "refusal" {
  description = "What the model said where it refused to answer; else null"
  value       = try(local.stack_outputs["Refusal"] != "" ? base64decode(local.stack_outputs["Refusal"]) : null, null)
}

output "citations" {
  description = "The sources that the answer names, a list of objects with `url` or `file`, `title`, `start` and `end`; the first ones, as many as 4,000 bytes hold; null where the response of CloudFormation has no room"
  value = try(tolist([
    for each in jsondecode(base64decode(local.stack_outputs["Citations"])) : {
      url   = try(tostring(each.url), null)
      file  = try(tostring(each.file), null)
      title = try(tostring(each.title), null)
      start = try(tonumber(each.start), null)
      end   = try(tonumber(each.end), null)
    }
  ]), null)
}

output "output_text" {
  description = "The text of the answer, shortened where it does not fit CloudFormation's 4,096 bytes"
  value       = can(local.stack_outputs["OutputText"]) ? base64decode(local.stack_outputs["OutputText"]) : null
}

output "output_value" {
  description = "The answer as a value, where it is JSON and whole; else null"
  value       = try(jsondecode(base64decode(local.stack_outputs["OutputText"])), null)
}

output "output_truncated" {
  description = "`true` where `output_text` is shortened, or another value is left out: a response of CloudFormation has 4,096 bytes"
  value       = try(tobool(local.stack_outputs["OutputTruncated"]), null)
}

output "output" {
  description = "The values of `output_keys` by key, a map of strings"
  value = tomap({
    for key, digest in local.output_key_digests :
    key => tostring(can(local.stack_outputs[digest]) ? base64decode(local.stack_outputs[digest]) : null)
  })
}

output "stack_id" {
  description = "The ARN of the stack"
  value       = aws_cloudformation_stack.this.id
}
