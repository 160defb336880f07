# The same run in two regions, each by the application that is deployed there.

provider "aws" {
  alias  = "first"
  region = var.first.region
}

provider "aws" {
  alias  = "second"
  region = var.second.region
}

# CloudFormation takes a function of the stack's own region only, so the application is deployed in both.
data "aws_cloudformation_export" "first" {
  provider = aws.first
  name     = "${var.application}-ServiceToken"
}

data "aws_cloudformation_export" "second" {
  provider = aws.second
  name     = "${var.application}-ServiceToken"
}

module "first" {
  source    = "../.."
  providers = { aws = aws.first }

  name          = var.name
  service_token = data.aws_cloudformation_export.first.value

  model        = var.model
  instructions = "Translate into ${var.first.language}. Answer with the translation only."

  thread = {
    messages = [{ role = "user", content = var.notice }]
  }

  service_timeout = var.service_timeout
}

module "second" {
  source    = "../.."
  providers = { aws = aws.second }

  name          = var.name
  service_token = data.aws_cloudformation_export.second.value

  model        = var.model
  instructions = "Translate into ${var.second.language}. Answer with the translation only."

  thread = {
    messages = [{ role = "user", content = var.notice }]
  }

  service_timeout = var.service_timeout
}
