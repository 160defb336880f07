# What a run takes.

################################################################################
# Stack
################################################################################

variable "name" {
  description = "Name of the CloudFormation stack that holds the run. Another name is another stack and a new run"
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z][A-Za-z0-9-]{0,127}$", var.name))
    error_message = "name must start with a letter and have at most 128 letters, digits and hyphens."
  }
}

variable "service_token" {
  description = "ARN that serves Custom::OpenAIThreadRun: the application's output ServiceToken"
  type        = string
  nullable    = false

  validation {
    condition     = startswith(var.service_token, "arn:")
    error_message = "service_token must be an ARN."
  }
}

variable "service_timeout" {
  description = "Seconds that CloudFormation waits for the application to answer, 1 to 3600. The resource's timeouts follow it"
  type        = number
  default     = 3600
  nullable    = false

  validation {
    condition     = var.service_timeout >= 1 && var.service_timeout <= 3600 && floor(var.service_timeout) == var.service_timeout
    error_message = "service_timeout must be a whole number from 1 to 3600."
  }
}

variable "on_failure" {
  description = "What CloudFormation does with a stack that could not be created: ROLLBACK, DELETE or DO_NOTHING. It rolls back where left out"
  type        = string
  # Not "ROLLBACK": the provider does not read it back, so an imported stack would be replaced.
  default = null

  validation {
    condition     = var.on_failure == null ? true : contains(["ROLLBACK", "DELETE", "DO_NOTHING"], var.on_failure)
    error_message = "on_failure must be ROLLBACK, DELETE or DO_NOTHING."
  }
}

variable "tags" {
  description = "Tags of the stack"
  type        = map(string)
  default     = {}
}

################################################################################
# Run
################################################################################

variable "assistant_id" {
  description = "The ID of the assistant to use for the run. May be left out when `model` is given"
  type        = string
  default     = null

  validation {
    condition     = var.assistant_id == null ? true : length(var.assistant_id) > 0
    error_message = "assistant_id must not be empty: leave it out instead."
  }
}

variable "thread" {
  description = "The new thread to start the run on. Conflicts with `existing_thread_id`"
  type = object({
    messages = optional(list(object({
      role    = string
      content = string
      attachments = optional(list(object({
        file_id = string
      })))
      metadata = optional(map(string))
    })), [])
    metadata = optional(map(string))
  })
  default = null

  validation {
    condition     = var.thread == null ? true : alltrue([for message in var.thread.messages : message.role == "user"])
    error_message = "thread.messages: role must be user."
  }

  validation {
    condition     = var.thread == null ? true : alltrue([for message in var.thread.messages : try(length(message.content) > 0, false)])
    error_message = "thread.messages: content must not be empty."
  }

  validation {
    condition = var.thread == null ? true : alltrue(flatten([
      for message in var.thread.messages : message.attachments == null ? [] : [
        for attachment in message.attachments : try(length(attachment.file_id) > 0, false)
      ]
    ]))
    error_message = "thread.messages: file_id of an attachment must not be empty."
  }

  validation {
    condition = var.thread == null ? true : alltrue([
      for metadata in concat([var.thread.metadata], var.thread.messages[*].metadata) : metadata == null ? true : alltrue(concat(
        [length(metadata) <= 16],
        [for key, value in metadata : try(length(key) >= 1 && length(key) <= 64 && length(value) <= 512, false)],
      ))
    ])
    error_message = "thread: metadata takes at most 16 pairs, keys of 1 to 64 and values of at most 512 characters."
  }

  validation {
    condition = var.thread == null ? true : alltrue(flatten([
      for metadata in concat([var.thread.metadata], var.thread.messages[*].metadata) : metadata == null ? [] : [
        for key in keys(metadata) : key != "Ref" && !startswith(key, "Fn::")
      ]
    ]))
    error_message = "thread: a metadata key must not be Ref or start with Fn::, CloudFormation takes these for functions."
  }
}

variable "existing_thread_id" {
  description = "The ID of an existing thread to use for this run. Conflicts with `thread`"
  type        = string
  default     = null

  validation {
    condition     = var.existing_thread_id == null ? true : length(var.existing_thread_id) > 0
    error_message = "existing_thread_id must not be empty."
  }
}

variable "model" {
  description = "The ID of the model to use for the run. The assistant's own where left out"
  type        = string
  default     = null

  validation {
    condition     = var.model == null ? true : length(var.model) > 0
    error_message = "model must not be empty: leave it out instead."
  }
}

variable "instructions" {
  description = "Instructions that override the assistant's instructions for this run only"
  type        = string
  default     = null

  validation {
    condition     = var.instructions == null ? true : length(var.instructions) > 0
    error_message = "instructions must not be empty: leave them out instead."
  }
}

variable "tools" {
  description = "The tools of the run, instead of the assistant's. Their `type` is code_interpreter (with `file_ids`), retrieval, file_search (OpenAI's name for retrieval today) or function; a function's `parameters` are the JSON text of a JSON Schema object, its `handler_arn` is the Lambda function that answers its calls, one that the application's ToolFunctionArns allow. Without it the run ends as requires_action"
  type = list(object({
    type = string
    function = optional(object({
      name        = optional(string)
      description = optional(string)
      parameters  = optional(string)
      strict      = optional(bool)
      handler_arn = optional(string)
    }))
    vector_store_ids = optional(list(string))
    file_ids         = optional(list(string))
  }))
  default = null

  validation {
    condition = var.tools == null ? true : alltrue([
      for tool in var.tools : try(contains(["code_interpreter", "retrieval", "file_search", "function"], tool.type), false)
    ])
    error_message = "tools: type must be code_interpreter, retrieval, file_search or function."
  }

  validation {
    condition     = var.tools == null ? true : alltrue([for tool in var.tools : try(tool.type != "function" || tool.function != null, true)])
    error_message = "tools: function is required when type is function."
  }

  validation {
    condition     = var.tools == null ? true : alltrue([for tool in var.tools : try(tool.type == "function" || tool.function == null, true)])
    error_message = "tools: function is possible when type is function only."
  }

  validation {
    condition = var.tools == null ? true : alltrue([
      for tool in var.tools : try(tool.function == null, true) ? true : can(regex("^[A-Za-z0-9_-]{1,64}$", tool.function.name))
    ])
    error_message = "tools: function needs a name of 1 to 64 letters, digits, underscores and hyphens."
  }

  validation {
    # keys fails for what is no object.
    condition = var.tools == null ? true : alltrue([
      for tool in var.tools : try(tool.function.parameters == null, true) ? true : can(keys(jsondecode(tool.function.parameters)))
    ])
    error_message = "tools: parameters of a function must be the JSON text of an object, as jsonencode makes it."
  }

  validation {
    condition = var.tools == null ? true : alltrue([
      for tool in var.tools : try(tool.function.handler_arn == null, true) ? true : can(regex(
        "^arn:aws[a-z-]*:lambda:[a-z0-9-]+:[0-9]{12}:function:[A-Za-z0-9_-]{1,64}(:[A-Za-z0-9_$-]+)?$",
        tool.function.handler_arn,
      ))
    ])
    error_message = "tools: handler_arn of a function must be the ARN of a Lambda function, with or without a qualifier."
  }

  validation {
    condition = var.tools == null ? true : alltrue([
      for tool in var.tools : try(tool.vector_store_ids == null, true) ? true : try(contains(["retrieval", "file_search"], tool.type), true)
    ])
    error_message = "tools: vector_store_ids are possible when type is retrieval or file_search only."
  }

  validation {
    condition = var.tools == null ? true : alltrue(flatten([
      for tool in var.tools : try(tool.vector_store_ids == null, true) ? [] : [for id in tool.vector_store_ids : try(length(id) > 0, false)]
    ]))
    error_message = "tools: vector_store_ids must not have an empty ID."
  }

  validation {
    condition = var.tools == null ? true : alltrue([
      for tool in var.tools : try(tool.file_ids == null, true) ? true : try(tool.type == "code_interpreter", true)
    ])
    error_message = "tools: file_ids are possible when type is code_interpreter only."
  }

  validation {
    condition = var.tools == null ? true : alltrue(flatten([
      for tool in var.tools : try(tool.file_ids == null, true) ? [] : [for id in tool.file_ids : try(length(id) > 0, false)]
    ]))
    error_message = "tools: file_ids must not have an empty ID."
  }
}

variable "metadata" {
  description = "Key-value pairs to attach to the run"
  type        = map(string)
  default     = null

  validation {
    condition = var.metadata == null ? true : alltrue(concat(
      [length(var.metadata) <= 16],
      [for key, value in var.metadata : try(length(key) >= 1 && length(key) <= 64 && length(value) <= 512, false)],
    ))
    error_message = "metadata takes at most 16 pairs, keys of 1 to 64 and values of at most 512 characters."
  }

  validation {
    condition     = var.metadata == null ? true : alltrue([for key in keys(var.metadata) : key != "Ref" && !startswith(key, "Fn::")])
    error_message = "metadata: a key must not be Ref or start with Fn::, CloudFormation takes these for functions."
  }
}

variable "stream" {
  description = "Whether to stream the run. It changes nothing: the stack sees a run when it has ended"
  type        = bool
  default     = null
}

variable "max_completion_tokens" {
  description = "The maximum number of tokens that can be generated in the run completion, 16 at least"
  type        = number
  default     = null

  validation {
    condition     = var.max_completion_tokens == null ? true : var.max_completion_tokens >= 16 && floor(var.max_completion_tokens) == var.max_completion_tokens
    error_message = "max_completion_tokens must be a whole number, 16 at least."
  }
}

variable "temperature" {
  description = "The sampling temperature, 0 to 2. Higher values make the output more random, lower ones more deterministic"
  type        = number
  default     = null

  validation {
    condition     = var.temperature == null ? true : var.temperature >= 0 && var.temperature <= 2
    error_message = "temperature must be from 0 to 2."
  }
}

variable "top_p" {
  description = "An alternative to `temperature`: only the tokens of this probability mass are considered, 0 to 1"
  type        = number
  default     = null

  validation {
    condition     = var.top_p == null ? true : var.top_p >= 0 && var.top_p <= 1
    error_message = "top_p must be from 0 to 1."
  }
}

variable "response_format" {
  description = "The format of the response; its `type` is text, json_object or json_schema. For the last, `json_schema` has a name and the schema as JSON text; an answer that does not follow it fails the deployment"
  type = object({
    type = string
    json_schema = optional(object({
      name        = string
      description = optional(string)
      schema      = string
      strict      = optional(bool)
    }))
  })
  default = null

  validation {
    condition     = var.response_format == null ? true : try(contains(["text", "json_object", "json_schema"], var.response_format.type), false)
    error_message = "response_format: type must be text, json_object or json_schema."
  }

  validation {
    condition     = var.response_format == null ? true : (var.response_format.type == "json_schema") == (var.response_format.json_schema != null)
    error_message = "response_format: json_schema is required for type json_schema, and possible for no other."
  }

  validation {
    condition     = try(var.response_format.json_schema, null) == null ? true : can(keys(jsondecode(var.response_format.json_schema.schema)))
    error_message = "response_format: schema must be a JSON object, as text."
  }
}

################################################################################
# Life of the run
################################################################################

variable "import_id" {
  description = "`thread_id:run_id` of a run to adopt instead of starting one. It stays at OpenAI unless `deletion_policy` says delete"
  type        = string
  default     = null

  validation {
    condition     = var.import_id == null ? true : can(regex("^[^:\\s]+:[^:\\s]+$", var.import_id))
    error_message = "import_id must look like thread_id:run_id."
  }
}

variable "timeout_seconds" {
  description = "Longest time to wait for the run, 1 to 3600 seconds; `service_timeout` is the upper bound"
  type        = number
  default     = null

  validation {
    condition     = var.timeout_seconds == null ? true : var.timeout_seconds >= 1 && var.timeout_seconds <= 3600 && floor(var.timeout_seconds) == var.timeout_seconds
    error_message = "timeout_seconds must be a whole number from 1 to 3600."
  }
}

variable "triggers" {
  description = "Any change in this map starts a new run"
  type        = map(string)
  default     = null

  validation {
    condition     = var.triggers == null ? true : alltrue([for value in values(var.triggers) : value != null])
    error_message = "triggers must not have a null value."
  }

  validation {
    condition     = var.triggers == null ? true : alltrue([for key in keys(var.triggers) : key != "Ref" && !startswith(key, "Fn::")])
    error_message = "triggers: a key must not be Ref or start with Fn::, CloudFormation takes these for functions."
  }
}

variable "accept_statuses" {
  description = "Final statuses of the run that count as success. Where left out: completed, and requires_action if a function tool has no handler"
  type        = set(string)
  default     = null

  validation {
    condition = var.accept_statuses == null ? true : length(var.accept_statuses) > 0 && alltrue([
      for status in var.accept_statuses :
      contains(["completed", "requires_action", "failed", "incomplete", "cancelled", "expired"], status)
    ])
    error_message = "accept_statuses must name one or more of completed, requires_action, failed, incomplete, cancelled, expired."
  }
}

variable "max_tool_rounds" {
  description = "How often the run may call functions that have a handler, 1 to 100: calls at the same time are one round. 16 where left out"
  type        = number
  default     = null

  validation {
    condition     = var.max_tool_rounds == null ? true : var.max_tool_rounds >= 1 && var.max_tool_rounds <= 100 && floor(var.max_tool_rounds) == var.max_tool_rounds
    error_message = "max_tool_rounds must be a whole number from 1 to 100."
  }
}

variable "on_tool_error" {
  description = "What the failure of a handler means, after two retries: report (to the model, which goes on with that) or fail (the deployment). It is reported where left out"
  type        = string
  default     = null

  validation {
    condition     = var.on_tool_error == null ? true : contains(["report", "fail"], var.on_tool_error)
    error_message = "on_tool_error must be report or fail."
  }
}

variable "reason_key" {
  description = "A top-level key of the answer whose text is told with the failure when the answer does not keep to its json_schema"
  type        = string
  default     = null
}

variable "deletion_policy" {
  description = "What happens to thread and run when the stack lets go of them: delete or retain. What was created is deleted and what was adopted is retained where left out"
  type        = string
  default     = null

  validation {
    condition     = var.deletion_policy == null ? true : contains(["delete", "retain"], var.deletion_policy)
    error_message = "deletion_policy must be delete or retain."
  }
}

variable "output_keys" {
  description = "Top-level keys of an output that is a JSON object, to return as `output`. A key that the output does not have fails the stack"
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for key in var.output_keys : try(length(key) > 0, false)])
    error_message = "output_keys must not have an empty key."
  }
}
