# The template has what was given, and nothing else.

mock_provider "aws" {}

variables {
  name          = "thread"
  service_token = "arn:aws:lambda:us-east-1:123456789012:function:thread-run"
}

run "thread_may_be_empty" {
  command = plan

  assert {
    condition = yamldecode(aws_cloudformation_stack.this.template_body).Resources == {
      Thread = {
        Type = "Custom::OpenAIThread"
        Properties = {
          ServiceToken   = var.service_token
          ServiceTimeout = 3600
        }
      }
    }
    error_message = "The template must have the given arguments and nothing else."
  }
}

run "every_argument_is_passed_on" {
  command = plan

  variables {
    messages = [
      { role = "user", content = "Hello" },
      { role = "user", content = "Grüße 👋", attachments = [{ file_id = "file-1" }], metadata = { Position = "2" } },
    ]
    metadata        = { Topic = "greetings" }
    deletion_policy = "retain"
  }

  assert {
    condition = jsonencode(yamldecode(aws_cloudformation_stack.this.template_body).Resources.Thread.Properties) == jsonencode({
      ServiceToken   = var.service_token
      ServiceTimeout = 3600
      messages = [
        { role = "user", content = "Hello" },
        { role = "user", content = "Grüße 👋", attachments = [{ file_id = "file-1" }], metadata = { Position = "2" } },
      ]
      metadata        = { Topic = "greetings" }
      deletion_policy = "retain"
    })
    error_message = "Every argument must reach the custom resource under its own name."
  }
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

run "stack_has_what_was_given" {
  command = plan

  variables {
    service_timeout = 300
    on_failure      = "DELETE"
    tags            = { Team = "docs" }
  }

  assert {
    condition     = aws_cloudformation_stack.this.name == var.name && aws_cloudformation_stack.this.on_failure == "DELETE" && aws_cloudformation_stack.this.tags == tomap({ Team = "docs" })
    error_message = "Name, on_failure and tags must be the stack's."
  }

  assert {
    condition     = aws_cloudformation_stack.this.timeouts.create == "25m" && yamldecode(aws_cloudformation_stack.this.template_body).Resources.Thread.Properties.ServiceTimeout == 300
    error_message = "The stack's timeouts must follow service_timeout."
  }
}
