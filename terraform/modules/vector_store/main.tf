# `make reference` writes this file from the models of the resource types: change those.
# The stack with the vector store.

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
  }
}
