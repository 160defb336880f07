# What cannot be used is refused at plan time, with the argument that it is about.

mock_provider "aws" {}

variables {
  name          = "thread-run"
  service_token = "arn:aws:lambda:us-east-1:123456789012:function:thread-run"
  model         = "gpt-5.4-mini"
  thread        = { messages = [{ role = "user", content = "Hello" }] }
}

run "name_must_be_a_stack_name" {
  command = plan

  variables {
    name = "thread_run"
  }

  expect_failures = [var.name]
}

run "service_token_must_be_an_arn" {
  command = plan

  variables {
    service_token = "thread-run"
  }

  expect_failures = [var.service_token]
}

run "service_timeout_is_an_hour_at_most" {
  command = plan

  variables {
    service_timeout = 3601
  }

  expect_failures = [var.service_timeout]
}

run "on_failure_is_one_of_three" {
  command = plan

  variables {
    on_failure = "KEEP"
  }

  expect_failures = [var.on_failure]
}

run "role_must_be_user" {
  command = plan

  variables {
    thread = { messages = [{ role = "assistant", content = "Hello" }] }
  }

  expect_failures = [var.thread]
}

run "content_must_not_be_empty" {
  command = plan

  variables {
    thread = { messages = [{ role = "user", content = "" }] }
  }

  expect_failures = [var.thread]
}

run "message_metadata_has_16_pairs_at_most" {
  command = plan

  variables {
    thread = { messages = [{ role = "user", content = "Hello", metadata = { for number in range(17) : "key${number}" => "value" } }] }
  }

  expect_failures = [var.thread]
}

run "thread_metadata_values_have_512_characters_at_most" {
  command = plan

  variables {
    thread = { messages = [{ role = "user", content = "Hello" }], metadata = { key = join("", [for number in range(513) : "x"]) } }
  }

  expect_failures = [var.thread]
}

run "thread_metadata_key_must_not_be_a_function" {
  command = plan

  variables {
    thread = { messages = [{ role = "user", content = "Hello" }], metadata = { "Fn::Sub" = "x" } }
  }

  expect_failures = [var.thread]
}

run "attachment_needs_a_file" {
  command = plan

  variables {
    thread = { messages = [{ role = "user", content = "Hello", attachments = [{ file_id = "" }] }] }
  }

  expect_failures = [var.thread]
}

run "assistant_id_must_not_be_empty" {
  command = plan

  variables {
    assistant_id = ""
  }

  expect_failures = [var.assistant_id]
}

run "existing_thread_id_must_not_be_empty" {
  command = plan

  variables {
    thread             = null
    existing_thread_id = ""
  }

  expect_failures = [var.existing_thread_id]
}

run "model_must_not_be_empty" {
  command = plan

  variables {
    model = ""
  }

  expect_failures = [var.model]
}

run "instructions_must_not_be_empty" {
  command = plan

  variables {
    instructions = ""
  }

  expect_failures = [var.instructions]
}

run "tool_type_must_exist" {
  command = plan

  variables {
    tools = [{ type = "web_search" }]
  }

  expect_failures = [var.tools]
}

run "every_tool_is_checked" {
  command = plan

  variables {
    tools = [{ type = "retrieval" }, { type = "functions" }]
  }

  expect_failures = [var.tools]
}

run "function_tool_needs_a_function" {
  command = plan

  variables {
    tools = [{ type = "function" }]
  }

  expect_failures = [var.tools]
}

run "function_needs_a_name" {
  command = plan

  variables {
    tools = [{ type = "function", function = { description = "Get the weather" } }]
  }

  expect_failures = [var.tools]
}

run "function_name_must_not_be_empty" {
  command = plan

  variables {
    tools = [{ type = "function", function = { name = "" } }]
  }

  expect_failures = [var.tools]
}

run "function_name_has_no_spaces" {
  command = plan

  variables {
    tools = [{ type = "function", function = { name = "get weather" } }]
  }

  expect_failures = [var.tools]
}

run "function_name_has_64_characters_at_most" {
  command = plan

  variables {
    tools = [{ type = "function", function = { name = join("", [for number in range(65) : "n"]) } }]
  }

  expect_failures = [var.tools]
}

run "function_is_for_function_tools_only" {
  command = plan

  variables {
    tools = [{ type = "retrieval", function = { name = "get_weather" } }]
  }

  expect_failures = [var.tools]
}

run "parameters_must_be_json" {
  command = plan

  variables {
    tools = [{ type = "function", function = { name = "get_weather", parameters = "type: object" } }]
  }

  expect_failures = [var.tools]
}

run "parameters_must_not_be_a_json_list" {
  command = plan

  variables {
    tools = [{ type = "function", function = { name = "get_weather", parameters = jsonencode(["location"]) } }]
  }

  expect_failures = [var.tools]
}

run "parameters_must_not_be_json_text" {
  command = plan

  variables {
    tools = [{ type = "function", function = { name = "get_weather", parameters = jsonencode("{}") } }]
  }

  expect_failures = [var.tools]
}

run "parameters_must_not_be_json_null" {
  command = plan

  variables {
    tools = [{ type = "function", function = { name = "get_weather", parameters = "null" } }]
  }

  expect_failures = [var.tools]
}

run "handler_must_be_an_arn" {
  command = plan

  variables {
    tools = [{ type = "function", function = { name = "get_weather", handler_arn = "get-weather" } }]
  }

  expect_failures = [var.tools]
}

run "handler_must_be_the_function_itself" {
  command = plan

  variables {
    tools = [{ type = "function", function = { name = "get_weather", handler_arn = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:get-weather/invocations" } }]
  }

  expect_failures = [var.tools]
}

run "handler_must_not_be_a_pattern" {
  command = plan

  variables {
    tools = [{ type = "function", function = { name = "get_weather", handler_arn = "arn:aws:lambda:us-east-1:123456789012:function:get-*" } }]
  }

  expect_failures = [var.tools]
}

run "vector_stores_are_not_for_code_interpreter" {
  command = plan

  variables {
    tools = [{ type = "code_interpreter", vector_store_ids = ["vs_1"] }]
  }

  expect_failures = [var.tools]
}

run "vector_stores_are_not_for_functions" {
  command = plan

  variables {
    tools = [{ type = "function", function = { name = "get_weather" }, vector_store_ids = ["vs_1"] }]
  }

  expect_failures = [var.tools]
}

run "vector_store_ids_must_not_be_empty" {
  command = plan

  variables {
    tools = [{ type = "file_search", vector_store_ids = [""] }]
  }

  expect_failures = [var.tools]
}

run "files_are_not_for_retrieval" {
  command = plan

  variables {
    tools = [{ type = "retrieval", file_ids = ["file-1"] }]
  }

  expect_failures = [var.tools]
}

run "file_ids_must_not_be_empty" {
  command = plan

  variables {
    tools = [{ type = "code_interpreter", file_ids = [""] }]
  }

  expect_failures = [var.tools]
}

run "metadata_has_16_pairs_at_most" {
  command = plan

  variables {
    metadata = { for number in range(17) : "key${number}" => "value" }
  }

  expect_failures = [var.metadata]
}

run "metadata_keys_have_64_characters_at_most" {
  command = plan

  variables {
    metadata = { (join("", [for number in range(65) : "k"])) = "value" }
  }

  expect_failures = [var.metadata]
}

run "metadata_values_have_512_characters_at_most" {
  command = plan

  variables {
    metadata = { key = join("", [for number in range(513) : "x"]) }
  }

  expect_failures = [var.metadata]
}

run "metadata_values_must_not_be_null" {
  command = plan

  variables {
    metadata = { key = null }
  }

  expect_failures = [var.metadata]
}

run "metadata_key_must_not_be_a_function" {
  command = plan

  variables {
    metadata = { Ref = "x" }
  }

  expect_failures = [var.metadata]
}

run "max_completion_tokens_is_16_at_least" {
  command = plan

  variables {
    max_completion_tokens = 15
  }

  expect_failures = [var.max_completion_tokens]
}

run "max_completion_tokens_is_whole" {
  command = plan

  variables {
    max_completion_tokens = 16.5
  }

  expect_failures = [var.max_completion_tokens]
}

run "temperature_is_2_at_most" {
  command = plan

  variables {
    temperature = 2.1
  }

  expect_failures = [var.temperature]
}

run "temperature_is_0_at_least" {
  command = plan

  variables {
    temperature = -0.1
  }

  expect_failures = [var.temperature]
}

run "top_p_is_1_at_most" {
  command = plan

  variables {
    top_p = 1.1
  }

  expect_failures = [var.top_p]
}

run "response_format_is_one_of_three" {
  command = plan

  variables {
    response_format = { type = "xml" }
  }

  expect_failures = [var.response_format]
}

run "response_format_json_schema_needs_its_schema" {
  command = plan

  variables {
    response_format = { type = "json_schema" }
  }

  expect_failures = [var.response_format]
}

run "response_format_schema_is_json" {
  command = plan

  variables {
    response_format = { type = "json_schema", json_schema = { name = "verdict", schema = "[]" } }
  }

  expect_failures = [var.response_format]
}

run "import_id_has_two_parts" {
  command = plan

  variables {
    import_id = "resp_1"
  }

  expect_failures = [var.import_id]
}

run "timeout_seconds_is_an_hour_at_most" {
  command = plan

  variables {
    timeout_seconds = 3601
  }

  expect_failures = [var.timeout_seconds]
}

run "triggers_must_not_be_null" {
  command = plan

  variables {
    triggers = { key = null }
  }

  expect_failures = [var.triggers]
}

run "trigger_key_must_not_be_a_function" {
  command = plan

  variables {
    triggers = { Ref = "x" }
  }

  expect_failures = [var.triggers]
}

run "accept_statuses_are_final_ones" {
  command = plan

  variables {
    accept_statuses = ["completed", "queued"]
  }

  expect_failures = [var.accept_statuses]
}

run "accept_statuses_must_not_be_empty" {
  command = plan

  variables {
    accept_statuses = []
  }

  expect_failures = [var.accept_statuses]
}

run "max_tool_rounds_is_1_at_least" {
  command = plan

  variables {
    max_tool_rounds = 0
  }

  expect_failures = [var.max_tool_rounds]
}

run "max_tool_rounds_is_100_at_most" {
  command = plan

  variables {
    max_tool_rounds = 101
  }

  expect_failures = [var.max_tool_rounds]
}

run "max_tool_rounds_is_whole" {
  command = plan

  variables {
    max_tool_rounds = 1.5
  }

  expect_failures = [var.max_tool_rounds]
}

run "on_tool_error_is_report_or_fail" {
  command = plan

  variables {
    on_tool_error = "ignore"
  }

  expect_failures = [var.on_tool_error]
}

run "deletion_policy_is_delete_or_retain" {
  command = plan

  variables {
    deletion_policy = "Retain"
  }

  expect_failures = [var.deletion_policy]
}

run "output_keys_must_not_be_empty" {
  command = plan

  variables {
    output_keys = [""]
  }

  expect_failures = [var.output_keys]
}

run "thread_conflicts_with_existing_thread_id" {
  command = plan

  variables {
    existing_thread_id = "conv_1"
  }

  expect_failures = [aws_cloudformation_stack.this]
}

run "thread_or_existing_thread_id_is_required" {
  command = plan

  variables {
    thread = null
  }

  expect_failures = [aws_cloudformation_stack.this]
}

run "thread_without_messages_is_not_enough" {
  command = plan

  variables {
    thread = {}
  }

  expect_failures = [aws_cloudformation_stack.this]
}

run "assistant_id_or_model_is_required" {
  command = plan

  variables {
    model = null
  }

  expect_failures = [aws_cloudformation_stack.this]
}

run "limits_themselves_are_possible" {
  command = plan

  variables {
    name                  = join("", [for number in range(128) : "n"])
    thread                = { messages = [{ role = "user", content = join("", [for number in range(600) : "日日日日日日日日日日"]) }] }
    metadata              = { for number in range(16) : format("%064d", number) => join("", [for number in range(512) : "x"]) }
    max_completion_tokens = 16
    temperature           = 2
    top_p                 = 0
    max_tool_rounds       = 100
    tools                 = [{ type = "function", function = { name = "n", handler_arn = "arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:${join("", [for number in range(64) : "n"])}:$LATEST" } }]
    timeout_seconds       = 3600
    service_timeout       = 1
  }
}
