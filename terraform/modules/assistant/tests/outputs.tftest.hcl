# The stack's outputs become the module's, in their types.

mock_provider "aws" {
  mock_resource "aws_cloudformation_stack" {
    defaults = {
      outputs = {
        PhysicalId = "asst_1"
        Id         = "asst_1"
        Version    = "2"
        CreatedAt  = "1700000000"
        Model      = "gpt-5.4-mini"
        Name       = "R3LDvMOfZSDwn5GL"
      }
    }
  }
}

variables {
  name          = "assistant"
  service_token = "arn:aws:lambda:us-east-1:123456789012:function:thread-run"
  model         = "gpt-5.4-mini"
}

run "attributes_are_typed" {
  assert {
    condition     = output.id == "asst_1" && output.version == 2 && output.created_at == 1700000000
    error_message = "The identifier must be that of the stack, version and time numbers."
  }

  assert {
    condition     = output.assistant_name == "Grüße 👋" && output.model == "gpt-5.4-mini"
    error_message = "Name and model must be readable text."
  }
}
