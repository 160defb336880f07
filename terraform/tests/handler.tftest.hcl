# A handler may be made in the same apply.

mock_provider "aws" {}

variables {
  name          = "thread-run"
  service_token = "arn:aws:lambda:us-east-1:123456789012:function:thread-run"
}

run "a_handler_may_be_made_in_the_same_apply" {
  module {
    source = "./tests/handler"
  }
}
