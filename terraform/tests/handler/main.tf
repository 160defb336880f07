# A function that answers calls, for handler.tftest.hcl.

terraform {
  required_version = ">= 1.5"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

provider "aws" {}

variable "name" {
  type = string
}

variable "service_token" {
  type = string
}

# Its output is not known before the apply, as is the ARN of a function that is made in it.
resource "terraform_data" "function" {
  input = "arn:aws:lambda:us-east-1:123456789012:function:get-weather"
}

module "expert" {
  source = "../../modules/assistant"

  name          = "${var.name}-expert"
  service_token = var.service_token
  model         = "gpt-5.4-mini"
  tools         = [{ type = "function", function = { name = "get_weather", handler_arn = terraform_data.function.output } }]
}

module "thread_run" {
  source = "../.."

  name          = var.name
  service_token = var.service_token
  model         = "gpt-5.4-mini"
  thread        = { messages = [{ role = "user", content = "Hello" }] }
  tools         = [{ type = "function", function = { name = "get_weather", handler_arn = terraform_data.function.output } }]
}
