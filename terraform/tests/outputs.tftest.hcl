# The stack's outputs become the module's, in their types.

mock_provider "aws" {
  mock_resource "aws_cloudformation_stack" {
    defaults = {
      outputs = {
        PhysicalId       = "conv_1:resp_1"
        Id               = "resp_1"
        ThreadId         = "conv_1"
        AssistantId      = "asst_1"
        AssistantVersion = "3"
        CreatedAt        = "1700000000"
        StartedAt        = ""
        CompletedAt      = "1700000009"
        Object           = "thread.run"
        Status           = "completed"
        FileIds          = "[\"file_1\"]"
        Usage            = "{\"prompt_tokens\": 3, \"completion_tokens\": 4, \"total_tokens\": null, \"cached_tokens\": 1}"
        Model            = "gpt-5.4-mini-2026-03-17"
        RequiredAction   = ""
        Refusal          = ""
        Citations        = "W3sidXJsIjogImh0dHBzOi8vZXhhbXBsZS5jb20vw7wiLCAiZmlsZSI6IG51bGwsICJ0aXRsZSI6ICJBIiwgInN0YXJ0IjogMCwgImVuZCI6IDR9XQ=="
        OutputText       = "eyJ0aXRsZSI6ICJHcsO8w59lIPCfkYsifQ=="
        OutputTruncated  = "false"

        Outputd5d3db1765287eef77d7927cc956f50a = "R3LDvMOfZSDwn5GL"
      }
    }
  }
}

variables {
  name          = "thread-run"
  service_token = "arn:aws:lambda:us-east-1:123456789012:function:thread-run"
  model         = "gpt-5.4-mini"
  thread        = { messages = [{ role = "user", content = "Hello" }] }
}

run "attributes_are_typed" {
  assert {
    condition     = output.physical_id == "conv_1:resp_1" && output.id == "resp_1" && output.thread_id == "conv_1"
    error_message = "Identifiers must be those of the stack."
  }

  assert {
    condition     = output.assistant_id == "asst_1" && output.assistant_version == 3
    error_message = "The assistant must be that of the stack, its version a number."
  }

  assert {
    condition     = output.created_at == 1700000000 && output.started_at == null && output.completed_at == 1700000009
    error_message = "Times must be numbers, an unknown one null."
  }

  assert {
    condition     = output.object == "thread.run" && output.status == "completed" && output.model == "gpt-5.4-mini-2026-03-17"
    error_message = "Object, status and model must be those of the stack."
  }

  assert {
    condition     = output.file_ids == tolist(["file_1"])
    error_message = "file_ids must be a list of strings."
  }

  assert {
    condition     = output.usage == tomap({ prompt_tokens = 3, completion_tokens = 4, total_tokens = null, cached_tokens = 1, reasoning_tokens = null })
    error_message = "usage must be a map of numbers, an unknown one null."
  }

  assert {
    condition     = output.refusal == null && output.citations[0].url == "https://example.com/ü" && output.citations[0].end == 4
    error_message = "A refusal must be null where there is none, citations must be objects."
  }

  assert {
    condition     = length(output.required_action) == 0
    error_message = "A run that waits for nothing must have an empty list of calls."
  }

  assert {
    condition     = output.output_value.title == "Grüße 👋"
    error_message = "An answer that is JSON must be a value."
  }

  assert {
    condition     = output.output_text == "{\"title\": \"Grüße 👋\"}" && output.output_truncated == false
    error_message = "The answer must be readable text."
  }

  assert {
    condition     = length(output.output) == 0
    error_message = "Without output_keys there is no output by key."
  }
}

run "keys_of_the_output" {
  variables {
    output_keys = ["title", "title"]
  }

  assert {
    condition     = output.output == tomap({ title = "Grüße 👋" })
    error_message = "A key of the output must be returned by its own name, once."
  }

  assert {
    condition = yamldecode(aws_cloudformation_stack.this.template_body).Outputs.Outputd5d3db1765287eef77d7927cc956f50a == {
      Value = { "Fn::Base64" = { "Fn::GetAtt" = ["ThreadRun", "output.title"] } }
    }
    error_message = "A key of the output must be read from its attribute."
  }
}
