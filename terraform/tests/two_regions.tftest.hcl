# The example of two regions has a stack in each.

mock_provider "aws" {
  alias = "first"

  mock_resource "aws_cloudformation_stack" {
    defaults = {
      outputs = { Id = "id_in_the_first_region" }
    }
  }

  mock_data "aws_cloudformation_export" {
    defaults = { value = "arn:aws:lambda:us-east-1:123456789012:function:thread-run" }
  }
}

mock_provider "aws" {
  alias = "second"

  mock_resource "aws_cloudformation_stack" {
    defaults = {
      outputs = { Id = "id_in_the_second_region" }
    }
  }

  mock_data "aws_cloudformation_export" {
    defaults = { value = "arn:aws:lambda:eu-central-1:123456789012:function:thread-run" }
  }
}

run "two_regions" {
  module {
    source = "./examples/two_regions"
  }

  providers = {
    aws.first  = aws.first
    aws.second = aws.second
  }

  variables {
    name = "example"
  }

  assert {
    condition     = output.ids == { us-east-1 = "id_in_the_first_region", eu-central-1 = "id_in_the_second_region" }
    error_message = "The example must return the run of each region."
  }
}
