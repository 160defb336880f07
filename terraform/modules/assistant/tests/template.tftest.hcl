# The template has what was given, and nothing else.

mock_provider "aws" {}

variables {
  name          = "assistant"
  service_token = "arn:aws:lambda:us-east-1:123456789012:function:thread-run"
  model         = "gpt-5.4-mini"
}

run "arguments_left_out_are_absent" {
  command = plan

  assert {
    condition = yamldecode(aws_cloudformation_stack.this.template_body).Resources == {
      Assistant = {
        Type = "Custom::OpenAIAssistant"
        Properties = {
          ServiceToken   = var.service_token
          ServiceTimeout = 3600
          model          = "gpt-5.4-mini"
        }
      }
    }
    error_message = "The template must have the given arguments and nothing else."
  }
}

run "every_argument_is_passed_on" {
  command = plan

  variables {
    assistant_name  = "Expert"
    description     = "Knows Terraform"
    instructions    = "Be brief."
    tools           = [{ type = "code_interpreter", file_ids = ["file-1"] }]
    temperature     = 0.7
    top_p           = 0.9
    response_format = { type = "json_object" }
    metadata        = { Team = "docs" }
    deletion_policy = "retain"
  }

  assert {
    condition = yamldecode(aws_cloudformation_stack.this.template_body).Resources.Assistant.Properties == {
      ServiceToken    = var.service_token
      ServiceTimeout  = 3600
      name            = "Expert"
      description     = "Knows Terraform"
      model           = "gpt-5.4-mini"
      instructions    = "Be brief."
      tools           = [{ type = "code_interpreter", file_ids = ["file-1"] }]
      temperature     = 0.7
      top_p           = 0.9
      response_format = { type = "json_object" }
      metadata        = { Team = "docs" }
      deletion_policy = "retain"
    }
    error_message = "Every argument must reach the custom resource under its own name."
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
    condition = jsonencode(yamldecode(aws_cloudformation_stack.this.template_body).Resources.Assistant.Properties.tools) == jsonencode([
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
    condition     = length(yamldecode(aws_cloudformation_stack.this.template_body).Resources.Assistant.Properties.tools) == 0
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
    condition     = yamldecode(aws_cloudformation_stack.this.template_body).Resources.Assistant.Properties.tools[0].function.parameters == var.tools[0].function.parameters
    error_message = "JSON text must come out of the template as it went in."
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
    condition     = aws_cloudformation_stack.this.timeouts.create == "25m" && yamldecode(aws_cloudformation_stack.this.template_body).Resources.Assistant.Properties.ServiceTimeout == 300
    error_message = "The stack's timeouts must follow service_timeout."
  }
}

run "a_promised_schema_is_passed_on_as_it_is" {
  command = plan

  variables {
    response_format = { type = "json_schema", json_schema = { name = "verdict", schema = "{\"type\": \"object\"}", strict = true } }
  }

  assert {
    condition     = yamldecode(aws_cloudformation_stack.this.template_body).Resources.Assistant.Properties.response_format == { type = "json_schema", json_schema = { name = "verdict", schema = "{\"type\": \"object\"}", strict = true } }
    error_message = "The schema must arrive as the same text, and what was left out must stay out."
  }
}
