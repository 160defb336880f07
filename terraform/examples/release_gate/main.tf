# What comes after the gate is deployed only if a review approves the changes.

provider "aws" {}

module "gate" {
  source = "../.."

  name          = var.name
  service_token = var.service_token

  model        = var.model
  instructions = "You review changes before they are released. Approve them only if none of them can lose data and all of them can be reverted."

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
          # Any other verdict does not match the schema, so the apply fails.
          verdict = { type = "string", const = "approve" }
          summary = { type = "string", maxLength = 500 }
        }
        required             = ["verdict", "summary"]
        additionalProperties = false
      })
    }
  }

  # The error of the apply shows this key of an answer that does not match.
  reason_key  = "summary"
  output_keys = ["summary"]

  service_timeout = var.service_timeout
}

# What is released: it needs the gate's answer, so it stays as it is unless the review approves.
resource "aws_ssm_parameter" "release_notes" {
  name  = "/${var.name}/release-notes"
  type  = "String"
  value = module.gate.output["summary"]
}
