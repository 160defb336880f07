# `terraform test` with a mock provider needs Terraform 1.7; the module itself does not.
mock_provider "aws" {}

variables {
  name          = "thread-run"
  service_token = "arn:aws:lambda:us-east-1:123456789012:function:thread-run"
  model         = "gpt-5.4-mini"
  thread        = { messages = [{ role = "user", content = "Hello" }] }
}

run "adopted_run_needs_nothing_else" {
  command = plan

  variables {
    thread    = null
    model     = null
    import_id = "conv_1:resp_1"
  }

  assert {
    condition = yamldecode(aws_cloudformation_stack.this.template_body).Resources.ThreadRun.Properties == {
      ServiceToken   = var.service_token
      ServiceTimeout = 3600
      import_id      = "conv_1:resp_1"
    }
    error_message = "An import_id must be enough."
  }
}

run "no_tools_are_not_the_same_as_tools_left_out" {
  command = plan

  variables {
    tools = []
  }

  assert {
    condition     = length(yamldecode(aws_cloudformation_stack.this.template_body).Resources.ThreadRun.Properties.tools) == 0
    error_message = "An empty list of tools must be passed on."
  }
}

run "parameters_are_passed_on_exactly" {
  command = plan

  variables {
    # Neither order nor spacing nor numbers are those that jsonencode would write.
    tools = [{
      type = "function"
      function = {
        name       = "get_weather"
        parameters = "{ \"type\":\"object\",\n\t\"properties\": {\"b\": {\"minimum\": 1.50}, \"a\": {\"enum\": [\"Zürich\", \"<&>\", \"$${AWS::Region}\", \"\\u00e9\", null]}} }"
      }
    }]
  }

  assert {
    condition     = yamldecode(aws_cloudformation_stack.this.template_body).Resources.ThreadRun.Properties.tools[0].function.parameters == var.tools[0].function.parameters
    error_message = "JSON text must come out of the template as it went in."
  }
}

run "assistant_needs_no_model" {
  command = plan

  variables {
    assistant_id = "asst_1"
    model        = null
  }

  assert {
    condition     = yamldecode(aws_cloudformation_stack.this.template_body).Resources.ThreadRun.Properties.assistant_id == "asst_1"
    error_message = "An assistant_id must be enough."
  }

  assert {
    condition     = !can(yamldecode(aws_cloudformation_stack.this.template_body).Resources.ThreadRun.Properties.model)
    error_message = "The model must be left to the assistant."
  }
}

run "calls_that_are_left_are_read_from_their_attribute" {
  command = plan

  assert {
    condition = yamldecode(aws_cloudformation_stack.this.template_body).Outputs.RequiredAction == {
      Value = { "Fn::Base64" = { "Fn::GetAtt" = ["ThreadRun", "required_action"] } }
    }
    error_message = "Calls may have characters beyond ASCII: they must be encoded."
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
    condition     = aws_cloudformation_stack.this.timeouts.create == "25m" && yamldecode(aws_cloudformation_stack.this.template_body).Resources.ThreadRun.Properties.ServiceTimeout == 300
    error_message = "The stack's timeouts must follow service_timeout."
  }
}

run "thread_conflicts_with_existing_thread_id" {
  command = plan

  variables {
    existing_thread_id = "conv_1"
  }

  expect_failures = [aws_cloudformation_stack.this]
}

run "a_thread_is_required" {
  command = plan

  variables {
    thread = null
  }

  expect_failures = [aws_cloudformation_stack.this]
}

run "a_thread_needs_messages" {
  command = plan

  variables {
    thread = { messages = [] }
  }

  expect_failures = [aws_cloudformation_stack.this]
}

run "model_or_assistant_is_required" {
  command = plan

  variables {
    model = null
  }

  expect_failures = [aws_cloudformation_stack.this]
}
