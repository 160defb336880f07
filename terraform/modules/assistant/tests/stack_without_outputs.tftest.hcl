# The attributes of a stack that could not be created are unknown, and not an error.

mock_provider "aws" {
  mock_resource "aws_cloudformation_stack" {
    defaults = {
      outputs = {}
    }
  }
}

variables {
  name          = "assistant"
  service_token = "arn:aws:lambda:us-east-1:123456789012:function:thread-run"
  model         = "gpt-5.4-mini"
}

run "attributes_of_a_stack_without_outputs_are_unknown" {
  assert {
    condition     = output.id == null && output.version == null && output.created_at == null && output.assistant_name == null && output.model == null
    error_message = "The attributes of a stack that could not be created are unknown and not an error."
  }
}
