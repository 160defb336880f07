# `make reference` writes this file from the models of the resource types: change those.
# The template of the stack with the thread.

locals {
  messages = var.messages == null ? null : [
    for message in var.messages : {
      for key, value in {
        role    = tostring(message.role)
        content = tostring(message.content)
        attachments = try([
          for attachment in message.attachments : {
            for key, value in {
              file_id  = try(tostring(attachment.file_id), null)
              type     = try(tostring(attachment.type), null)
              file_url = try(tostring(attachment.file_url), null)
              detail   = try(tostring(attachment.detail), null)
            } : key => value if value != null
          }
        ], null)
        metadata = try({ for key, text in message.metadata : key => tostring(text) }, null)
      } : key => value if value != null
    }
  ]
}

module "template" {
  source          = "../template"
  description     = "A thread at OpenAI."
  logical_id      = "Thread"
  type            = "Custom::OpenAIThread"
  service_token   = var.service_token
  service_timeout = var.service_timeout

  arguments = {
    messages        = local.messages
    metadata        = var.metadata
    deletion_policy = var.deletion_policy
  }

  plain_outputs = {
    Id        = "id"
    CreatedAt = "created_at"
  }

  text_outputs = {
  }
}
