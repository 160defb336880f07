# What cannot be used is refused at plan time, with the argument that it is about.

mock_provider "aws" {}

variables {
  name          = "assistant"
  service_token = "arn:aws:lambda:us-east-1:123456789012:function:thread-run"
  model         = "gpt-5.4-mini"
}

run "name_must_be_a_stack_name" {
  command = plan

  variables {
    name = "my_stack"
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

run "assistant_name_has_256_characters_at_most" {
  command = plan

  variables {
    assistant_name = join("", [for number in range(257) : "n"])
  }

  expect_failures = [var.assistant_name]
}

run "description_has_512_characters_at_most" {
  command = plan

  variables {
    description = join("", [for number in range(513) : "d"])
  }

  expect_failures = [var.description]
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

run "metadata_key_must_not_be_a_function" {
  command = plan

  variables {
    metadata = { Ref = "x" }
  }

  expect_failures = [var.metadata]
}

run "deletion_policy_is_delete_or_retain" {
  command = plan

  variables {
    deletion_policy = "Retain"
  }

  expect_failures = [var.deletion_policy]
}

run "limits_themselves_are_possible" {
  command = plan

  variables {
    assistant_name = join("", [for number in range(256) : "n"])
    description    = join("", [for number in range(512) : "d"])
    tools          = [{ type = "function", function = { name = join("", [for number in range(64) : "n"]), parameters = "{}", handler_arn = "arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:${join("", [for number in range(64) : "n"])}:$LATEST" } }]
    temperature    = 2
    top_p          = 0
    metadata       = { for number in range(16) : format("%064d", number) => join("", [for number in range(512) : "x"]) }
  }
}
