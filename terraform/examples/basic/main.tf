# One question and its answer.

provider "aws" {}

module "thread_run" {
  source = "../.."

  name          = var.name
  service_token = var.service_token

  model        = var.model
  instructions = "You are a helpful Terraform expert assistant."

  thread = {
    messages = [
      {
        role    = "user"
        content = "Hello, can you help me with a question about Terraform?"
      },
      {
        role    = "user"
        content = var.question
      },
    ]
  }

  max_completion_tokens = 1024
  service_timeout       = var.service_timeout
}
