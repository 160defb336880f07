# The template of a stack with an assistant.

locals {
  # What was left out is null in a typed object, and is taken out here.
  tools = var.tools == null ? null : [
    for tool in var.tools : {
      for name, value in merge(tool, {
        function = tool.function == null ? null : { for key, part in tool.function : key => part if part != null }
      }) : name => value if value != null
    }
  ]

  response_format = var.response_format == null ? null : {
    for name, value in merge(var.response_format, {
      json_schema = try({ for key, part in var.response_format.json_schema : key => part if part != null }, null)
    }) : name => value if value != null
  }
}

module "template" {
  source = "../template"

  description = "An OpenAI assistant."
  logical_id  = "Assistant"
  type        = "Custom::OpenAIAssistant"

  service_token   = var.service_token
  service_timeout = var.service_timeout

  arguments = {
    name            = var.assistant_name
    description     = var.description
    model           = var.model
    instructions    = var.instructions
    tools           = local.tools
    temperature     = var.temperature
    top_p           = var.top_p
    response_format = local.response_format
    metadata        = var.metadata
    deletion_policy = var.deletion_policy
  }

  plain_outputs = {
    Id        = "id"
    Version   = "version"
    CreatedAt = "created_at"
    Model     = "model"
  }

  text_outputs = {
    Name = "name"
  }
}
