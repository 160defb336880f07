# The template has what was given, and nothing else.

mock_provider "aws" {}

variables {
  name          = "thread"
  service_token = "arn:aws:lambda:us-east-1:123456789012:function:thread-run"
}

run "any_number_of_messages" {
  command = plan

  variables {
    messages = [for number in range(120) : { role = "user", content = "Message ${number}" }]
  }

  assert {
    condition     = yamldecode(aws_cloudformation_stack.this.template_body).Resources.Thread.Properties.messages[*].content == [for number in range(120) : "Message ${number}"]
    error_message = "Messages must be passed on in their order."
  }
}
