# The output of a name that was not given is null.

mock_provider "aws" {
  mock_resource "aws_cloudformation_stack" {
    defaults = {
      outputs = { Id = "asst_1", Name = "" }
    }
  }
}

variables {
  name          = "assistant"
  service_token = "arn:aws:lambda:us-east-1:123456789012:function:thread-run"
  model         = "gpt-5.4-mini"
}

run "no_name_is_null" {
  assert {
    condition     = output.id == "asst_1" && output.assistant_name == null
    error_message = "The name of an assistant without one must be null."
  }
}
