# What an assistant takes.

################################################################################
# Stack
################################################################################

variable "name" {
  description = "Name of the CloudFormation stack that holds the assistant. Another name is another stack and a new assistant"
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z][A-Za-z0-9-]{0,127}$", var.name))
    error_message = "name must start with a letter and have at most 128 letters, digits and hyphens."
  }
}

variable "service_token" {
  description = "ARN that serves Custom::OpenAIAssistant: the application's output ServiceToken"
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
# Assistant
################################################################################

variable "assistant_name" {
  description = "The name of the assistant, 256 characters at most; `name` is that of the stack"
  type        = string
  default     = null

  validation {
    condition     = var.assistant_name == null ? true : length(var.assistant_name) >= 1 && length(var.assistant_name) <= 256
    error_message = "assistant_name must have 1 to 256 characters: leave it out instead of an empty one."
  }
}

variable "description" {
  description = "The description of the assistant, 512 characters at most"
  type        = string
  default     = null

  validation {
    condition     = var.description == null ? true : length(var.description) >= 1 && length(var.description) <= 512
    error_message = "description must have 1 to 512 characters: leave it out instead of an empty one."
  }
}

variable "model" {
  description = "The ID of the model of the assistant's runs, unless a run names another"
  type        = string
  nullable    = false

  validation {
    condition     = length(var.model) > 0
    error_message = "model must not be empty."
  }
}

variable "instructions" {
  description = "Instructions of the assistant's runs, unless a run has its own"
  type        = string
  default     = null

  validation {
    condition     = var.instructions == null ? true : length(var.instructions) > 0
    error_message = "instructions must not be empty: leave them out instead."
  }
}

variable "tools" {
  description = "The tools of the assistant's runs, unless a run has its own. Their `type` is code_interpreter (with `file_ids`), retrieval, file_search (OpenAI's name for retrieval today) or function; a function's `parameters` are the JSON text of a JSON Schema object, its `handler_arn` is the Lambda function that answers its calls, one that the application's ToolFunctionArns allow. Without it the run ends as requires_action"
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

variable "metadata" {
  description = "Key-value pairs to attach to the assistant"
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

variable "deletion_policy" {
  description = "What happens to the assistant when the stack lets go of it: delete or retain. It is deleted where left out"
  type        = string
  default     = null

  validation {
    condition     = var.deletion_policy == null ? true : contains(["delete", "retain"], var.deletion_policy)
    error_message = "deletion_policy must be delete or retain."
  }
}
