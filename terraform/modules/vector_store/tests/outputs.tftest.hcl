# The stack's outputs become the module's, in their types.

mock_provider "aws" {
  mock_resource "aws_cloudformation_stack" {
    defaults = {
      outputs = {
        PhysicalId = "vs_1"
        Id         = "vs_1"
        Name       = ""
        Status     = "completed"
        FileCounts = "{\"completed\": 2, \"total\": 2}"
        UsageBytes = "5"
        CreatedAt  = "1700000000"
      }
    }
  }
}

variables {
  name          = "store"
  service_token = "arn:aws:lambda:us-east-1:123456789012:function:thread-run"
}

run "attributes_are_typed" {
  assert {
    condition     = output.id == "vs_1" && output.vector_store_name == null && output.status == "completed"
    error_message = "The identifier and the status must be those of the stack, a missing name null."
  }

  assert {
    condition     = output.file_counts.completed + output.file_counts.total == 4 && output.usage_bytes == 5
    error_message = "Counts and sizes are numbers."
  }
}
