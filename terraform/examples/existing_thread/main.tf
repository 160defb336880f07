# A run on an existing thread, with the assistant and the thread that it refers to.

provider "aws" {}

module "expert" {
  source = "../../modules/assistant"

  name          = "${var.name}-expert"
  service_token = var.service_token

  assistant_name = "Terraform expert"
  model          = "gpt-4o"
  instructions   = "You are a helpful Terraform expert assistant."

  service_timeout = var.service_timeout
}

module "existing" {
  source = "../../modules/thread"

  name          = "${var.name}-existing"
  service_token = var.service_token

  messages = [{
    role    = "user"
    content = "Applies this week: Monday 4, Tuesday 9, Wednesday 2, Thursday 7, Friday 1."
  }]

  service_timeout = var.service_timeout
}

module "on_existing" {
  source = "../.."

  name          = var.name
  service_token = var.service_token

  assistant_id       = module.expert.id
  existing_thread_id = module.existing.id

  instructions = "Please analyze the data in this thread."
  model        = "gpt-4o-mini"

  service_timeout = var.service_timeout
}
