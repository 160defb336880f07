# What comes after the gate is deployed only where a review of the changes says yes.

provider "aws" {}

module "gate" {
  source = "../.."

  name          = var.name
  service_token = var.service_token

  model        = var.model
  instructions = "You review changes before they are released. Your verdict is no where one of them can lose data or cannot be taken back."

  thread = {
    messages = [{ role = "user", content = var.changes }]
  }

  response_format = {
    type = "json_schema"
    json_schema = {
      name = "review"
      schema = jsonencode({
        type = "object"
        properties = {
          # An answer that is anything else breaks the promise, and with it the apply.
          verdict = { type = "string", const = "yes" }
          summary = { type = "string", maxLength = 500 }
        }
        required             = ["verdict", "summary"]
        additionalProperties = false
      })
    }
  }

  # The error of the apply tells this key of an answer that fails.
  reason_key  = "summary"
  output_keys = ["summary"]

  service_timeout = var.service_timeout
}

# What is released: it needs the gate's answer, so it is left as it is where the verdict is no.
resource "aws_ssm_parameter" "release_notes" {
  name  = "/${var.name}/release-notes"
  type  = "String"
  value = module.gate.output["summary"]
}
