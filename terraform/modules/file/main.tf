# `make reference` writes this file from the models of the resource types: change those.
# The stack with the file.

resource "aws_cloudformation_stack" "this" {
  name          = var.name
  template_body = module.template.body
  on_failure    = var.on_failure
  tags          = var.tags

  timeouts {
    create = module.template.stack_timeout
    update = module.template.stack_timeout
    delete = module.template.stack_timeout
  }

  lifecycle {
    # It says what a create does that fails. The provider does not read it back, and would replace a stack for it.
    ignore_changes = [on_failure]

    precondition {
      condition     = var.content != null || var.content_base64 != null || var.source_uri != null
      error_message = "content: is required, or content_base64 or source in its place."
    }

    precondition {
      condition     = var.content == null || var.content_base64 == null
      error_message = "content: conflicts with content_base64: give one of the two."
    }

    precondition {
      condition     = var.source_uri == null || var.content == null
      error_message = "source_uri: conflicts with content: give one of the two."
    }

    precondition {
      condition     = var.source_uri == null || var.content_base64 == null
      error_message = "source_uri: conflicts with content_base64: give one of the two."
    }

    precondition {
      condition     = var.source_version == null || var.source_uri != null
      error_message = "source_version: is the version of an object in S3: give its source, too."
    }
  }
}
