# The stack with a run, and nothing else.

locals {
  has_thread = var.existing_thread_id != null || length(try(var.thread.messages, [])) > 0
}

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
  }
}
