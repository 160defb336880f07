# The calls that a run ends with are a list of objects; the assistant of a run without one is null.

mock_provider "aws" {
  mock_resource "aws_cloudformation_stack" {
    defaults = {
      outputs = {
        Id               = "resp_1"
        AssistantId      = ""
        AssistantVersion = ""
        Status           = "requires_action"
        RequiredAction   = "W3siY2FsbF9pZCI6ICJjYWxsXzEiLCAibmFtZSI6ICJnZXRfd2VhdGhlciIsICJhcmd1bWVudHMiOiAie1wibG9jYXRpb25cIjogXCJaw7xyaWNoXCJ9In0sIHsiY2FsbF9pZCI6ICJjYWxsXzIiLCAibmFtZSI6ICJnZXRfdGltZSIsICJhcmd1bWVudHMiOiAie30ifV0="
      }
    }
  }
}

variables {
  name          = "thread-run"
  service_token = "arn:aws:lambda:us-east-1:123456789012:function:thread-run"
  model         = "gpt-5.4-mini"
  thread        = { messages = [{ role = "user", content = "Hello" }] }
  tools         = [{ type = "function", function = { name = "get_weather" } }]
}

run "calls_are_a_list_of_objects" {
  assert {
    condition = output.required_action == tolist([
      { call_id = "call_1", name = "get_weather", arguments = "{\"location\": \"Zürich\"}" },
      { call_id = "call_2", name = "get_time", arguments = "{}" },
    ])
    error_message = "Each call must have its identifier, the function's name and the arguments as text."
  }

  assert {
    condition     = output.id == "resp_1" && output.assistant_id == null && output.assistant_version == null
    error_message = "The assistant of a run without one must be null, ID and version."
  }
}
