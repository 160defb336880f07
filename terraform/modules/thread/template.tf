# The template of a stack with a thread.

locals {
  # What was left out is null in a typed object, and is taken out here.
  messages = [
    for message in var.messages : { for name, value in message : name => value if value != null }
  ]
}

module "template" {
  source = "../template"

  description = "An OpenAI thread."
  logical_id  = "Thread"
  type        = "Custom::OpenAIThread"

  service_token   = var.service_token
  service_timeout = var.service_timeout

  arguments = {
    messages        = length(local.messages) == 0 ? null : local.messages
    metadata        = var.metadata
    deletion_policy = var.deletion_policy
  }

  plain_outputs = {
    Id        = "id"
    CreatedAt = "created_at"
  }

  text_outputs = {}
}
