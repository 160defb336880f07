# The stack's outputs become the module's, in their types.

mock_provider "aws" {
  mock_resource "aws_cloudformation_stack" {
    defaults = {
      outputs = {
        PhysicalId = "conv_1"
        Id         = "conv_1"
        CreatedAt  = "1700000000"
      }
    }
  }
}

variables {
  name          = "thread"
  service_token = "arn:aws:lambda:us-east-1:123456789012:function:thread-run"
}

run "attributes_are_typed" {
  assert {
    condition     = output.id == "conv_1" && output.created_at == 1700000000
    error_message = "The identifier must be that of the stack, the time a number."
  }
}
