# What cannot be used is refused at plan time, with the argument that it is about.

mock_provider "aws" {}

variables {
  name          = "thread"
  service_token = "arn:aws:lambda:us-east-1:123456789012:function:thread-run"
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

run "role_must_be_user" {
  command = plan

  variables {
    messages = [{ role = "assistant", content = "Hello" }]
  }

  expect_failures = [var.messages]
}

run "every_message_is_checked" {
  command = plan

  variables {
    messages = [{ role = "user", content = "Hello" }, { role = "system", content = "Hello" }]
  }

  expect_failures = [var.messages]
}

run "content_must_not_be_empty" {
  command = plan

  variables {
    messages = [{ role = "user", content = "" }]
  }

  expect_failures = [var.messages]
}

run "attachment_needs_a_file" {
  command = plan

  variables {
    messages = [{ role = "user", content = "Hello", attachments = [{ file_id = "" }] }]
  }

  expect_failures = [var.messages]
}

run "message_metadata_has_16_pairs_at_most" {
  command = plan

  variables {
    messages = [{ role = "user", content = "Hello", metadata = { for number in range(17) : "key${number}" => "value" } }]
  }

  expect_failures = [var.messages]
}

run "message_metadata_key_must_not_be_a_function" {
  command = plan

  variables {
    messages = [{ role = "user", content = "Hello", metadata = { "Fn::Sub" = "x" } }]
  }

  expect_failures = [var.messages]
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
