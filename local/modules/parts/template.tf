# The template of every module, as files.py puts it into template.tf.

module "template" {
  source          = "<source>"
  description     = "<article> <thing> at OpenAI."
  logical_id      = "<logical_id>"
  type            = "<kind>"
  service_token   = var.service_token
  service_timeout = var.service_timeout

  arguments = {
    <arguments>
  }

  plain_outputs = {
    <plain_outputs>
  }

  <text_outputs>
}
