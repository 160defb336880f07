# The attributes of a stack that could not be created are unknown, and not an error.

mock_provider "aws" {
  mock_resource "aws_cloudformation_stack" {
    defaults = {
      outputs = {}
    }
  }
}

variables {
  name          = "thread-run"
  service_token = "arn:aws:lambda:us-east-1:123456789012:function:thread-run"
  model         = "gpt-5.4-mini"
  thread        = { messages = [{ role = "user", content = "Hello" }] }
}

run "attributes_of_a_stack_without_outputs_are_unknown" {
  variables {
    output_keys = ["title"]
  }

  assert {
    condition     = output.id == null && output.created_at == null && output.file_ids == null && output.usage.total_tokens == null
    error_message = "The attributes of a stack that could not be created are unknown and not an error."
  }

  assert {
    condition     = output.assistant_id == null && output.assistant_version == null
    error_message = "The assistant of a stack that could not be created is unknown and not an error."
  }

  assert {
    condition     = output.output_text == null && output.output_value == null && output.output_truncated == null && output.output.title == null
    error_message = "The answer of a stack that could not be created is unknown and not an error."
  }

  assert {
    condition     = output.required_action == null
    error_message = "The calls of a stack that could not be created are unknown and not an error."
  }
}
