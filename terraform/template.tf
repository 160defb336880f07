# The template of a stack with a run.

locals {
  # What was left out is null in a typed object, and is taken out here.
  messages = [
    for message in try(var.thread.messages, []) : { for name, value in message : name => value if value != null }
  ]

  thread = var.thread == null ? null : {
    for name, value in merge(var.thread, { messages = local.messages }) : name => value if value != null
  }

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

  # The stack's outputs by key. Keys are alphanumeric, so that of an output key is its digest.
  output_key_digests = { for key in toset(var.output_keys) : key => "Output${md5(key)}" }
}

module "template" {
  source = "./modules/template"

  description = "An OpenAI thread run."
  logical_id  = "ThreadRun"
  type        = "Custom::OpenAIThreadRun"

  service_token   = var.service_token
  service_timeout = var.service_timeout

  arguments = {
    assistant_id          = var.assistant_id
    thread                = local.thread
    existing_thread_id    = var.existing_thread_id
    model                 = var.model
    instructions          = var.instructions
    tools                 = local.tools
    metadata              = var.metadata
    stream                = var.stream
    max_completion_tokens = var.max_completion_tokens
    temperature           = var.temperature
    top_p                 = var.top_p
    response_format       = local.response_format

    import_id       = var.import_id
    timeout_seconds = var.timeout_seconds
    triggers        = var.triggers
    accept_statuses = var.accept_statuses
    max_tool_rounds = var.max_tool_rounds
    on_tool_error   = var.on_tool_error
    reason_key      = var.reason_key
    deletion_policy = var.deletion_policy
  }

  plain_outputs = {
    Id               = "id"
    ThreadId         = "thread_id"
    AssistantId      = "assistant_id"
    AssistantVersion = "assistant_version"
    CreatedAt        = "created_at"
    StartedAt        = "started_at"
    CompletedAt      = "completed_at"
    Object           = "object"
    Status           = "status"
    FileIds          = "file_ids"
    Usage            = "usage"
    Model            = "model"
    OutputTruncated  = "output_truncated"
  }

  text_outputs = merge(
    { RequiredAction = "required_action", OutputText = "output_text" },
    { for key, digest in local.output_key_digests : digest => "output.${key}" },
  )
}
