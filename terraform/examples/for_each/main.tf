# Several runs from a map.

provider "aws" {}

module "answers" {
  source   = "../.."
  for_each = var.questions

  name          = "${var.name}-${each.key}"
  service_token = var.service_token

  model        = var.model
  instructions = "Answer in one sentence, for somebody who knows Terraform."

  thread = {
    messages = [{ role = "user", content = each.value }]
  }

  service_timeout = var.service_timeout
}
