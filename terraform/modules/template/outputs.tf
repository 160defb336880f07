# What the module gives.

output "body" {
  description = "The template, in ASCII"
  value       = local.body

  # The messages name no text, nor its size: it may be sensitive.
  precondition {
    condition     = local.body_bytes <= local.body_bytes_limit
    error_message = "The arguments take a CloudFormation template of more than ${local.body_bytes_limit} bytes: shorten messages or instructions (a character beyond ASCII takes 6 bytes, an emoji 10)."
  }

  precondition {
    condition     = !local.has_dynamic_reference
    error_message = "Text with \"{{resolve:\" cannot be passed on as it is: CloudFormation would put a parameter or a secret in its place."
  }
}

output "stack_timeout" {
  description = "The longest time that a stack of this template takes for one operation"
  # CloudFormation's longest chain is an update, its rollback and the clean-up, or three tries of a delete.
  value = "${3 * ceil(var.service_timeout / 60) + 10}m"
}
