# The first example of the resource openai_thread_run, as a module call.

provider "aws" {}

module "example" {
  source = "../.."

  name          = var.name
  service_token = var.service_token

  assistant_id = var.assistant_id

  thread = {
    messages = [
      {
        role    = "user"
        content = "Hello, can you help me with a question about Terraform?"
      },
      {
        role    = "user"
        content = "What are the best practices for organizing Terraform modules?"
        attachments = [{
          file_id = var.file_id
        }]
      },
    ]
  }

  instructions = "You are a helpful Terraform expert assistant."
  model        = "gpt-4o"

  tools = [
    {
      type = "retrieval"
    },
    {
      type = "function"
      function = {
        name        = "get_weather"
        description = "Get the current weather in a given location"
        parameters = jsonencode({
          type = "object",
          properties = {
            location = {
              type        = "string",
              description = "The city and state, e.g., San Francisco, CA"
            }
          },
          required = ["location"]
        })
      }
    },
  ]

  temperature           = 0.7
  max_completion_tokens = 1024

  service_timeout = var.service_timeout
}
