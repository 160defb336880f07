# `make reference` writes this file from the models of the resource types: change those.
# The stack with the run.

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
      condition     = var.thread == null || var.existing_thread_id == null
      error_message = "thread: conflicts with existing_thread_id: give one of the two."
    }

    precondition {
      condition     = var.import_id != null || var.existing_thread_id != null || try(length(var.thread.messages), 0) > 0
      error_message = "thread: a thread with messages or an existing_thread_id is required."
    }

    precondition {
      condition     = var.additional_messages == null || var.existing_thread_id != null
      error_message = "additional_messages: is for a run on an existing thread: write the messages of a new one under thread.messages."
    }

    precondition {
      condition     = var.import_id != null || var.assistant_id != null || var.model != null
      error_message = "model: is required where there is no assistant_id to take it from."
    }
  }
}
