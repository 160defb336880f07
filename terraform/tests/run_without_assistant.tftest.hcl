# The assistant of a run without one is null.

mock_provider "aws" {
  mock_resource "aws_cloudformation_stack" {
    defaults = {
      outputs = {
        Id               = "resp_1"
        AssistantId      = ""
        AssistantVersion = ""
      }
    }
  }
}

variables {
  name          = "thread-run"
  service_token = "arn:aws:lambda:us-east-1:123456789012:function:thread-run"
  model         = "gpt-5.4-mini"
  thread        = { messages = [{ role = "user", content = "Hello" }] }
}

run "no_assistant_is_null" {
  assert {
    condition     = output.id == "resp_1" && output.assistant_id == null && output.assistant_version == null
    error_message = "The assistant of a run without one must be null, ID and version."
  }
}
