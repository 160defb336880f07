# `terraform test` with a mock provider needs Terraform 1.7; the module itself does not.
mock_provider "aws" {}

variables {
  name          = "thread-run"
  service_token = "arn:aws:lambda:us-east-1:123456789012:function:thread-run"
  model         = "gpt-5.4-mini"
  thread        = { messages = [{ role = "user", content = "Hello" }] }
}

run "arguments_left_out_are_absent" {
  command = plan

  assert {
    condition = yamldecode(aws_cloudformation_stack.this.template_body).Resources == {
      ThreadRun = {
        Type = "Custom::OpenAIThreadRun"
        Properties = {
          ServiceToken   = var.service_token
          ServiceTimeout = 3600
          model          = "gpt-5.4-mini"
          thread         = { messages = [{ role = "user", content = "Hello" }] }
        }
      }
    }
    error_message = "The template must have the given arguments and nothing else."
  }
}

run "every_argument_is_passed_on" {
  command = plan

  variables {
    assistant_id = "asst_1"
    thread = {
      messages = [{ role = "user", content = "Hello", metadata = { Position = "1" } }]
      metadata = { Topic = "greetings" }
    }
    instructions          = "Be brief."
    metadata              = { Team = "docs" }
    stream                = false
    max_completion_tokens = 16
    temperature           = 0.7
    top_p                 = 0.9
    response_format       = { type = "json_object" }
    timeout_seconds       = 120
    triggers              = { version = 2 }
    accept_statuses       = ["requires_action", "completed"]
    deletion_policy       = "retain"
    service_timeout       = 300
  }

  assert {
    condition = yamldecode(aws_cloudformation_stack.this.template_body).Resources.ThreadRun.Properties == {
      ServiceToken   = var.service_token
      ServiceTimeout = 300
      assistant_id   = "asst_1"
      thread = {
        messages = [{ role = "user", content = "Hello", metadata = { Position = "1" } }]
        metadata = { Topic = "greetings" }
      }
      model                 = "gpt-5.4-mini"
      instructions          = "Be brief."
      metadata              = { Team = "docs" }
      stream                = false
      max_completion_tokens = 16
      temperature           = 0.7
      top_p                 = 0.9
      response_format       = { type = "json_object" }
      timeout_seconds       = 120
      triggers              = { version = "2" }
      accept_statuses       = ["completed", "requires_action"]
      deletion_policy       = "retain"
    }
    error_message = "Every argument must reach the custom resource under its own name."
  }

  assert {
    condition     = aws_cloudformation_stack.this.timeouts.update == "25m"
    error_message = "The stack's timeouts must follow service_timeout."
  }
}

run "run_on_an_existing_thread" {
  command = plan

  variables {
    thread             = null
    existing_thread_id = "conv_1"
  }

  assert {
    condition     = !can(yamldecode(aws_cloudformation_stack.this.template_body).Resources.ThreadRun.Properties.thread)
    error_message = "A run on an existing thread must have no thread of its own."
  }
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

run "text_is_passed_on_exactly_in_ascii" {
  command = plan

  variables {
    thread = {
      messages = [{
        role    = "user"
        content = "$${AWS::Region} %%{if} {{x}} \"quoted\" 'single' \\u00e9 \\ <a&b> # : -\n\ttab\r\n\u007f ü ß ߿ ࠀ 日本 \ufeff \uffff 🏃🏽 \U0010ffff"
      }]
    }
  }

  assert {
    condition     = yamldecode(aws_cloudformation_stack.this.template_body).Resources.ThreadRun.Properties.thread.messages[0].content == var.thread.messages[0].content
    error_message = "Text must come out of the template as it went in."
  }

  assert {
    condition     = can(regex("^[\\x00-\\x7E]*$", aws_cloudformation_stack.this.template_body))
    error_message = "A character beyond ASCII must be escaped: CloudFormation returns it as a question mark."
  }

  assert {
    condition     = strcontains(aws_cloudformation_stack.this.template_body, "\\u00fc \\u00df \\u07ff \\u0800 \\u65e5\\u672c \\ufeff \\uffff \\U0001f3c3\\U0001f3fd \\U0010ffff")
    error_message = "Escapes must be those of the characters' code points."
  }
}
