# The attributes of a stack that could not be created are unknown, and not an error.

mock_provider "aws" {
  mock_resource "aws_cloudformation_stack" {
    defaults = {
      outputs = {}
    }
  }
}

variables {
  name          = "thread"
  service_token = "arn:aws:lambda:us-east-1:123456789012:function:thread-run"
}

run "attributes_of_a_stack_without_outputs_are_unknown" {
  assert {
    condition     = output.id == null && output.created_at == null
    error_message = "The attributes of a stack that could not be created are unknown and not an error."
  }
}
