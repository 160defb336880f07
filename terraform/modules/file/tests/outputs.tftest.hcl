# The stack's outputs become the module's, in their types.

mock_provider "aws" {
  mock_resource "aws_cloudformation_stack" {
    defaults = {
      outputs = {
        PhysicalId = "file-1"
        Id         = "file-1"
        Filename   = "w5xzLm1k"
        Bytes      = "5"
        Purpose    = "user_data"
        CreatedAt  = "1700000000"
        ExpiresAt  = ""
        Sha256     = "ab"
      }
    }
  }
}

variables {
  name          = "file"
  service_token = "arn:aws:lambda:us-east-1:123456789012:function:thread-run"
  filename      = "Üs.md"
  content       = "Text."
}

run "attributes_are_typed" {
  assert {
    condition     = output.id == "file-1" && output.filename == "Üs.md" && output.bytes == 5 && output.created_at == 1700000000
    error_message = "The identifier must be that of the stack, the name its text, size and time numbers."
  }

  assert {
    condition     = output.expires_at == null && output.sha256 == "ab"
    error_message = "A file that does not expire has no time for that."
  }
}

run "content_and_source_conflict" {
  command = plan

  variables {
    source_uri = "s3://documents/a"
  }

  expect_failures = [aws_cloudformation_stack.this]
}
