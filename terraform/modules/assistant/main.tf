# The stack with an assistant, and nothing else.

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
}
