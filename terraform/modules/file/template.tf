# `make reference` writes this file from the models of the resource types: change those.
# The template of the stack with the file.

module "template" {
  source          = "../template"
  description     = "A file at OpenAI."
  logical_id      = "File"
  type            = "Custom::OpenAIFile"
  service_token   = var.service_token
  service_timeout = var.service_timeout

  arguments = {
    filename              = var.filename
    content               = var.content
    content_base64        = var.content_base64
    source                = var.source_uri
    source_version        = var.source_version
    purpose               = var.purpose
    expires_after_seconds = var.expires_after_seconds
    deletion_policy       = var.deletion_policy
  }

  plain_outputs = {
    Id        = "id"
    Bytes     = "bytes"
    Purpose   = "purpose"
    CreatedAt = "created_at"
    ExpiresAt = "expires_at"
    Sha256    = "sha256"
  }

  text_outputs = {
    Filename = "filename"
  }
}
