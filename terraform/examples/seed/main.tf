# The examples of the resource openai_thread_run, with all that they refer to: openai_file.documentation, openai_assistant.example and so on.

provider "aws" {}

module "documentation" {
  source = "../../modules/file"

  name          = "${var.name}-documentation"
  service_token = var.service_token

  filename = "documentation.md"
  content  = var.documentation

  service_timeout = var.service_timeout
}

module "assistant" {
  source = "../../modules/assistant"

  name          = "${var.name}-assistant"
  service_token = var.service_token

  assistant_name = "example"
  model          = "gpt-4o"

  service_timeout = var.service_timeout
}

module "example" {
  source = "../.."

  name          = var.name
  service_token = var.service_token

  assistant_id = module.assistant.id

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
          file_id = module.documentation.id
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

module "expert" {
  source = "../../modules/assistant"

  name          = "${var.name}-expert"
  service_token = var.service_token

  assistant_name = "expert"
  model          = "gpt-4o"

  service_timeout = var.service_timeout
}

module "existing" {
  source = "../../modules/thread"

  name          = "${var.name}-existing"
  service_token = var.service_token

  messages = [{
    role    = "user"
    content = "Applies this week: Monday 4, Tuesday 9, Wednesday 2."
  }]

  service_timeout = var.service_timeout
}

module "on_existing" {
  source = "../.."

  name          = "${var.name}-on-existing"
  service_token = var.service_token

  assistant_id       = module.expert.id
  existing_thread_id = module.existing.id

  instructions = "Please analyze the data in this thread."
  model        = "gpt-4o-mini"

  service_timeout = var.service_timeout
}
