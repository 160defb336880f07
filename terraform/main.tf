locals {
  # CloudFormation's longest chain is an update, its rollback and the clean-up, or three tries of a delete.
  stack_timeout = "${3 * ceil(var.service_timeout / 60) + 10}m"

  has_thread = var.existing_thread_id != null || length(try(var.thread.messages, [])) > 0

  # An error shows the values that its condition names: these keep the texts themselves out of it.
  template_bytes        = length(local.template_body)
  template_bytes_limit  = 51200
  has_dynamic_reference = strcontains(local.template_text, "{{resolve:")
}

resource "aws_cloudformation_stack" "this" {
  name          = var.name
  template_body = local.template_body
  on_failure    = var.on_failure
  tags          = var.tags

  timeouts {
    create = local.stack_timeout
    update = local.stack_timeout
    delete = local.stack_timeout
  }

  lifecycle {
    # Preconditions and not variable validation: that sees other variables from Terraform 1.9 on only.
    precondition {
      condition     = var.thread == null || var.existing_thread_id == null
      error_message = "thread conflicts with existing_thread_id: give one of the two."
    }

    precondition {
      condition     = var.import_id != null || local.has_thread
      error_message = "A thread with messages or an existing_thread_id is required."
    }

    precondition {
      condition     = var.import_id != null || var.assistant_id != null || var.model != null
      error_message = "An assistant_id or a model is required."
    }

    precondition {
      condition     = local.template_bytes <= local.template_bytes_limit
      error_message = "The run takes a CloudFormation template of ${local.template_bytes} bytes, ${local.template_bytes_limit} are possible: shorten messages or instructions (a character beyond ASCII takes 6 bytes, an emoji 10)."
    }

    precondition {
      condition     = !local.has_dynamic_reference
      error_message = "Text with \"{{resolve:\" cannot be passed on as it is: CloudFormation would put a parameter or a secret in its place."
    }
  }
}
