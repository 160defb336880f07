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
      messages = [{ role = "user", content = "Hello", attachments = [{ file_id = "file-1" }, { file_id = "file-2" }], metadata = { Position = "1" } }]
      metadata = { Topic = "greetings" }
    }
    instructions          = "Be brief."
    tools                 = [{ type = "code_interpreter" }]
    metadata              = { Team = "docs" }
    stream                = false
    max_completion_tokens = 16
    temperature           = 0.7
    top_p                 = 0.9
    response_format       = { type = "json_object" }
    timeout_seconds       = 120
    triggers              = { version = 2 }
    accept_statuses       = ["requires_action", "completed"]
    max_tool_rounds       = 4
    on_tool_error         = "fail"
    reason_key            = "why"
    deletion_policy       = "retain"
    service_timeout       = 300
  }

  assert {
    condition = yamldecode(aws_cloudformation_stack.this.template_body).Resources.ThreadRun.Properties == {
      ServiceToken   = var.service_token
      ServiceTimeout = 300
      assistant_id   = "asst_1"
      thread = {
        messages = [{ role = "user", content = "Hello", attachments = [{ file_id = "file-1" }, { file_id = "file-2" }], metadata = { Position = "1" } }]
        metadata = { Topic = "greetings" }
      }
      model                 = "gpt-5.4-mini"
      instructions          = "Be brief."
      tools                 = [{ type = "code_interpreter" }]
      metadata              = { Team = "docs" }
      stream                = false
      max_completion_tokens = 16
      temperature           = 0.7
      top_p                 = 0.9
      response_format       = { type = "json_object" }
      timeout_seconds       = 120
      triggers              = { version = "2" }
      accept_statuses       = ["completed", "requires_action"]
      max_tool_rounds       = 4
      on_tool_error         = "fail"
      reason_key            = "why"
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

run "tools_have_what_was_given_and_nothing_else" {
  command = plan

  variables {
    tools = [
      { type = "retrieval" },
      { type = "file_search", vector_store_ids = ["vs_1", "vs_2"] },
      { type = "code_interpreter", file_ids = ["file-1"] },
      { type = "function", function = { name = "now" } },
      { type = "function", function = { name = "get_weather", description = "Weather", parameters = "{}", strict = true } },
      { type = "function", function = { name = "get_time", handler_arn = "arn:aws:lambda:us-east-1:123456789012:function:get-time:live" } },
    ]
  }

  assert {
    condition = jsonencode(yamldecode(aws_cloudformation_stack.this.template_body).Resources.ThreadRun.Properties.tools) == jsonencode([
      { type = "retrieval" },
      { type = "file_search", vector_store_ids = ["vs_1", "vs_2"] },
      { type = "code_interpreter", file_ids = ["file-1"] },
      { type = "function", function = { name = "now" } },
      { type = "function", function = { name = "get_weather", description = "Weather", parameters = "{}", strict = true } },
      { type = "function", function = { name = "get_time", handler_arn = "arn:aws:lambda:us-east-1:123456789012:function:get-time:live" } },
    ])
    error_message = "A tool must have the given parts and nothing else."
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

run "text_arrives_in_ascii" {
  command = plan

  variables {
    instructions = "日本 🏃"
  }

  assert {
    condition     = strcontains(aws_cloudformation_stack.this.template_body, "instructions: \"\\u65e5\\u672c \\U0001f3c3\"")
    error_message = "A character beyond ASCII must be escaped."
  }
}

run "a_promised_schema_is_passed_on_as_it_is" {
  command = plan

  variables {
    response_format = { type = "json_schema", json_schema = { name = "verdict", schema = "{\"type\": \"object\"}", strict = true } }
  }

  assert {
    condition     = yamldecode(aws_cloudformation_stack.this.template_body).Resources.ThreadRun.Properties.response_format == { type = "json_schema", json_schema = { name = "verdict", schema = "{\"type\": \"object\"}", strict = true } }
    error_message = "The schema must arrive as the same text, and what was left out must stay out."
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
