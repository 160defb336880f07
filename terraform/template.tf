# `make reference` writes this file from the models of the resource types: change those.
# The template of the stack with the run.

locals {
  tools = var.tools == null ? null : [
    for tool in var.tools : {
      for key, value in {
        type = tostring(tool.type)
        function = try(tool.function, null) == null ? null : {
          for key, value in {
            name        = tostring(tool.function.name)
            description = try(tostring(tool.function.description), null)
            parameters  = try(try(tostring(tool.function.parameters), jsonencode(tool.function.parameters)), null)
            strict      = try(tobool(tool.function.strict), null)
            handler_arn = try(tostring(tool.function.handler_arn), null)
          } : key => value if value != null
        }
        vector_store_ids = try([for each in tool.vector_store_ids : tostring(each)], null)
        file_ids         = try([for each in tool.file_ids : tostring(each)], null)
        max_num_results  = try(tonumber(tool.max_num_results), null)
        filters          = try(try(tostring(tool.filters), jsonencode(tool.filters)), null)
        ranking_options = try(tool.ranking_options, null) == null ? null : {
          for key, value in {
            ranker          = try(tostring(tool.ranking_options.ranker), null)
            score_threshold = try(tonumber(tool.ranking_options.score_threshold), null)
            hybrid_search = try(tool.ranking_options.hybrid_search, null) == null ? null : {
              for key, value in {
                embedding_weight = tonumber(tool.ranking_options.hybrid_search.embedding_weight)
                text_weight      = tonumber(tool.ranking_options.hybrid_search.text_weight)
              } : key => value if value != null
            }
          } : key => value if value != null
        }
        memory_limit    = try(tostring(tool.memory_limit), null)
        allowed_domains = try([for each in tool.allowed_domains : tostring(each)], null)
        user_location = try(tool.user_location, null) == null ? null : {
          for key, value in {
            type     = try(tostring(tool.user_location.type), null)
            city     = try(tostring(tool.user_location.city), null)
            country  = try(tostring(tool.user_location.country), null)
            region   = try(tostring(tool.user_location.region), null)
            timezone = try(tostring(tool.user_location.timezone), null)
          } : key => value if value != null
        }
        search_context_size      = try(tostring(tool.search_context_size), null)
        server_label             = try(tostring(tool.server_label), null)
        server_url               = try(tostring(tool.server_url), null)
        allowed_tools            = try([for each in tool.allowed_tools : tostring(each)], null)
        authorization_secret_arn = try(tostring(tool.authorization_secret_arn), null)
        headers_secret_arn       = try(tostring(tool.headers_secret_arn), null)
      } : key => value if value != null
    }
  ]

  response_format = var.response_format == null ? null : {
    for key, value in {
      type = tostring(var.response_format.type)
      json_schema = try(var.response_format.json_schema, null) == null ? null : {
        for key, value in {
          name        = tostring(var.response_format.json_schema.name)
          description = try(tostring(var.response_format.json_schema.description), null)
          schema      = try(tostring(var.response_format.json_schema.schema), jsonencode(var.response_format.json_schema.schema))
          strict      = try(tobool(var.response_format.json_schema.strict), null)
        } : key => value if value != null
      }
    } : key => value if value != null
  }

  thread = var.thread == null ? null : {
    for key, value in {
      messages = try([
        for message in var.thread.messages : {
          for key, value in {
            role    = tostring(message.role)
            content = tostring(message.content)
            attachments = try([
              for attachment in message.attachments : {
                for key, value in {
                  file_id  = try(tostring(attachment.file_id), null)
                  type     = try(tostring(attachment.type), null)
                  file_url = try(tostring(attachment.file_url), null)
                  detail   = try(tostring(attachment.detail), null)
                } : key => value if value != null
              }
            ], null)
            metadata = try({ for key, text in message.metadata : key => tostring(text) }, null)
          } : key => value if value != null
        }
      ], null)
      metadata = try({ for key, text in var.thread.metadata : key => tostring(text) }, null)
    } : key => value if value != null
  }

  additional_messages = var.additional_messages == null ? null : [
    for additional_message in var.additional_messages : {
      for key, value in {
        role    = tostring(additional_message.role)
        content = tostring(additional_message.content)
        attachments = try([
          for attachment in additional_message.attachments : {
            for key, value in {
              file_id  = try(tostring(attachment.file_id), null)
              type     = try(tostring(attachment.type), null)
              file_url = try(tostring(attachment.file_url), null)
              detail   = try(tostring(attachment.detail), null)
            } : key => value if value != null
          }
        ], null)
        metadata = try({ for key, text in additional_message.metadata : key => tostring(text) }, null)
      } : key => value if value != null
    }
  ]

  extra_body = var.extra_body == null ? null : try(tostring(var.extra_body), jsonencode(var.extra_body))
}

locals {
  # The stack's outputs by key. Keys are alphanumeric, so that of an output key is its digest.
  output_key_digests = { for key in toset(var.output_keys) : key => "Output${md5(key)}" }
}

module "template" {
  source          = "./modules/template"
  description     = "A run at OpenAI."
  logical_id      = "ThreadRun"
  type            = "Custom::OpenAIThreadRun"
  service_token   = var.service_token
  service_timeout = var.service_timeout

  arguments = {
    model                   = var.model
    instructions            = var.instructions
    tools                   = local.tools
    temperature             = var.temperature
    top_p                   = var.top_p
    response_format         = local.response_format
    reasoning_effort        = var.reasoning_effort
    verbosity               = var.verbosity
    assistant_id            = var.assistant_id
    thread                  = local.thread
    existing_thread_id      = var.existing_thread_id
    additional_messages     = local.additional_messages
    metadata                = var.metadata
    stream                  = var.stream
    max_completion_tokens   = var.max_completion_tokens
    service_tier            = var.service_tier
    prompt_cache_key        = var.prompt_cache_key
    safety_identifier       = var.safety_identifier
    parallel_tool_calls     = var.parallel_tool_calls
    max_tool_calls          = var.max_tool_calls
    tool_choice             = var.tool_choice
    additional_instructions = var.additional_instructions
    truncation              = var.truncation
    extra_body              = local.extra_body
    import_id               = var.import_id
    triggers                = var.triggers
    accept_statuses         = var.accept_statuses
    max_tool_rounds         = var.max_tool_rounds
    max_retries             = var.max_retries
    on_tool_error           = var.on_tool_error
    reason_key              = var.reason_key
    accept_refusal          = var.accept_refusal
    timeout_seconds         = var.timeout_seconds
    deletion_policy         = var.deletion_policy
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
    {
      RequiredAction = "required_action"
      Refusal        = "refusal"
      Citations      = "citations"
      OutputText     = "output_text"
    },
    { for key, digest in local.output_key_digests : digest => "output.${key}" },
  )
}
