# `make reference` writes this file from the models of the resource types: change those.
# What the assistant takes.

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
  description = "Seconds that CloudFormation waits for the application to answer, 60 to 3600. The resource's timeouts follow it"
  type        = number
  default     = 3600
  nullable    = false

  validation {
    condition     = var.service_timeout >= 60 && var.service_timeout <= 3600 && floor(var.service_timeout) == var.service_timeout
    error_message = "service_timeout must be a whole number from 60 to 3600."
  }
}

variable "on_failure" {
  description = "What CloudFormation does with a stack that could not be created: ROLLBACK, DELETE or DO_NOTHING. It rolls back where left out"
  type        = string
  default     = null

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

variable "model" {
  description = "The ID of the model"
  type        = string
  nullable    = false

  validation {
    condition     = length(var.model) >= 1
    error_message = "model must be text that is not empty."
  }
}

variable "instructions" {
  description = "Instructions for the model, before the messages"
  type        = string
  default     = null

  validation {
    condition     = var.instructions == null ? true : length(var.instructions) >= 1
    error_message = "instructions must be text that is not empty."
  }
}

variable "tools" {
  description = "The tools that may be used, 128 at most. Type: `list(object({ type = string, function = optional(object({ name = string, description = optional(string), parameters = optional(any), strict = optional(bool), handler_arn = optional(string) })), vector_store_ids = optional(list(string)), file_ids = optional(list(string)), max_num_results = optional(number), filters = optional(any), ranking_options = optional(object({ ranker = optional(string), score_threshold = optional(number), hybrid_search = optional(object({ embedding_weight = number, text_weight = number })) })), memory_limit = optional(string), allowed_domains = optional(list(string)), user_location = optional(object({ type = optional(string), city = optional(string), country = optional(string), region = optional(string), timezone = optional(string) })), search_context_size = optional(string), server_label = optional(string), server_url = optional(string), allowed_tools = optional(list(string)), authorization_secret_arn = optional(string), headers_secret_arn = optional(string) }))`"
  type        = any
  default     = null

  validation {
    condition = length(flatten([
      [for each in [var.tools] : "tools must be a list of objects." if !startswith(jsonencode(each), "[") && !startswith(jsonencode(each), "n")],
      [
        for tools in [var.tools] : [
          for i, each in [for each in tools : each] :
          "tools[${i}] must be an object." if !startswith(jsonencode(each), "{")
        ] if startswith(jsonencode(tools), "[")
      ],
      [
        for tools in [var.tools] : [
          for i, tool in [for each in tools : each] : [
            [
              for key in setsubtract(keys(tool), ["type", "function", "vector_store_ids", "file_ids", "max_num_results", "filters", "ranking_options", "memory_limit", "allowed_domains", "user_location", "search_context_size", "server_label", "server_url", "allowed_tools", "authorization_secret_arn", "headers_secret_arn"]) :
              "tools[${i}]: unknown key \"${key}\"; known are type, function, vector_store_ids, file_ids, max_num_results, filters, ranking_options, memory_limit, allowed_domains, user_location, search_context_size, server_label, server_url, allowed_tools, authorization_secret_arn, headers_secret_arn."
            ],
            [
              for key in setsubtract(["type"], keys(tool)) :
              "tools[${i}]: ${key} is required."
            ],
          ] if startswith(jsonencode(tool), "{")
        ] if startswith(jsonencode(tools), "[")
      ],
    ])) == 0
    error_message = nonsensitive(sensitive(join("\n", flatten([
      [for each in [var.tools] : "tools must be a list of objects." if !startswith(jsonencode(each), "[") && !startswith(jsonencode(each), "n")],
      [
        for tools in [var.tools] : [
          for i, each in [for each in tools : each] :
          "tools[${i}] must be an object." if !startswith(jsonencode(each), "{")
        ] if startswith(jsonencode(tools), "[")
      ],
      [
        for tools in [var.tools] : [
          for i, tool in [for each in tools : each] : [
            [
              for key in setsubtract(keys(tool), ["type", "function", "vector_store_ids", "file_ids", "max_num_results", "filters", "ranking_options", "memory_limit", "allowed_domains", "user_location", "search_context_size", "server_label", "server_url", "allowed_tools", "authorization_secret_arn", "headers_secret_arn"]) :
              "tools[${i}]: unknown key \"${key}\"; known are type, function, vector_store_ids, file_ids, max_num_results, filters, ranking_options, memory_limit, allowed_domains, user_location, search_context_size, server_label, server_url, allowed_tools, authorization_secret_arn, headers_secret_arn."
            ],
            [
              for key in setsubtract(["type"], keys(tool)) :
              "tools[${i}]: ${key} is required."
            ],
          ] if startswith(jsonencode(tool), "{")
        ] if startswith(jsonencode(tools), "[")
      ],
    ]))))
  }

  validation {
    condition = alltrue([
      for tools in [var.tools] : alltrue([
        for tool in tools : alltrue([
          for key, value in tool : value == null ? true : try(contains(["function"], tool.type), false) if key == "function"
        ]) if startswith(jsonencode(tool), "{")
      ]) if startswith(jsonencode(tools), "[")
    ])
    error_message = "tools[*]: function is possible for type function only."
  }

  validation {
    condition = alltrue([
      for tools in [var.tools] : alltrue([
        for tool in tools : alltrue([
          !try(contains(["function"], tool.type), false) || try(tool.function, null) != null
        ]) if startswith(jsonencode(tool), "{")
      ]) if startswith(jsonencode(tools), "[")
    ])
    error_message = "tools[*]: function is required for type function."
  }

  validation {
    condition = alltrue([
      for tools in [var.tools] : alltrue([
        for tool in tools : alltrue([
          for key, value in tool : value == null ? true : try(contains(["retrieval", "file_search"], tool.type), false) if key == "vector_store_ids"
        ]) if startswith(jsonencode(tool), "{")
      ]) if startswith(jsonencode(tools), "[")
    ])
    error_message = "tools[*]: vector_store_ids is possible for type retrieval or file_search only."
  }

  validation {
    condition = alltrue([
      for tools in [var.tools] : alltrue([
        for tool in tools : alltrue([
          for key, value in tool : value == null ? true : try(contains(["retrieval", "file_search"], tool.type), false) if key == "max_num_results"
        ]) if startswith(jsonencode(tool), "{")
      ]) if startswith(jsonencode(tools), "[")
    ])
    error_message = "tools[*]: max_num_results is possible for type retrieval or file_search only."
  }

  validation {
    condition = alltrue([
      for tools in [var.tools] : alltrue([
        for tool in tools : alltrue([
          for key, value in tool : value == null ? true : try(contains(["retrieval", "file_search"], tool.type), false) if key == "filters"
        ]) if startswith(jsonencode(tool), "{")
      ]) if startswith(jsonencode(tools), "[")
    ])
    error_message = "tools[*]: filters is possible for type retrieval or file_search only."
  }

  validation {
    condition = alltrue([
      for tools in [var.tools] : alltrue([
        for tool in tools : alltrue([
          for key, value in tool : value == null ? true : try(contains(["retrieval", "file_search"], tool.type), false) if key == "ranking_options"
        ]) if startswith(jsonencode(tool), "{")
      ]) if startswith(jsonencode(tools), "[")
    ])
    error_message = "tools[*]: ranking_options is possible for type retrieval or file_search only."
  }

  validation {
    condition = alltrue([
      for tools in [var.tools] : alltrue([
        for tool in tools : alltrue([
          for key, value in tool : value == null ? true : try(contains(["code_interpreter"], tool.type), false) if key == "file_ids"
        ]) if startswith(jsonencode(tool), "{")
      ]) if startswith(jsonencode(tools), "[")
    ])
    error_message = "tools[*]: file_ids is possible for type code_interpreter only."
  }

  validation {
    condition = alltrue([
      for tools in [var.tools] : alltrue([
        for tool in tools : alltrue([
          for key, value in tool : value == null ? true : try(contains(["code_interpreter"], tool.type), false) if key == "memory_limit"
        ]) if startswith(jsonencode(tool), "{")
      ]) if startswith(jsonencode(tools), "[")
    ])
    error_message = "tools[*]: memory_limit is possible for type code_interpreter only."
  }

  validation {
    condition = alltrue([
      for tools in [var.tools] : alltrue([
        for tool in tools : alltrue([
          for key, value in tool : value == null ? true : try(contains(["web_search"], tool.type), false) if key == "allowed_domains"
        ]) if startswith(jsonencode(tool), "{")
      ]) if startswith(jsonencode(tools), "[")
    ])
    error_message = "tools[*]: allowed_domains is possible for type web_search only."
  }

  validation {
    condition = alltrue([
      for tools in [var.tools] : alltrue([
        for tool in tools : alltrue([
          for key, value in tool : value == null ? true : try(contains(["web_search"], tool.type), false) if key == "user_location"
        ]) if startswith(jsonencode(tool), "{")
      ]) if startswith(jsonencode(tools), "[")
    ])
    error_message = "tools[*]: user_location is possible for type web_search only."
  }

  validation {
    condition = alltrue([
      for tools in [var.tools] : alltrue([
        for tool in tools : alltrue([
          for key, value in tool : value == null ? true : try(contains(["web_search"], tool.type), false) if key == "search_context_size"
        ]) if startswith(jsonencode(tool), "{")
      ]) if startswith(jsonencode(tools), "[")
    ])
    error_message = "tools[*]: search_context_size is possible for type web_search only."
  }

  validation {
    condition = alltrue([
      for tools in [var.tools] : alltrue([
        for tool in tools : alltrue([
          for key, value in tool : value == null ? true : try(contains(["mcp"], tool.type), false) if key == "server_label"
        ]) if startswith(jsonencode(tool), "{")
      ]) if startswith(jsonencode(tools), "[")
    ])
    error_message = "tools[*]: server_label is possible for type mcp only."
  }

  validation {
    condition = alltrue([
      for tools in [var.tools] : alltrue([
        for tool in tools : alltrue([
          !try(contains(["mcp"], tool.type), false) || try(tool.server_label, null) != null
        ]) if startswith(jsonencode(tool), "{")
      ]) if startswith(jsonencode(tools), "[")
    ])
    error_message = "tools[*]: server_label is required for type mcp."
  }

  validation {
    condition = alltrue([
      for tools in [var.tools] : alltrue([
        for tool in tools : alltrue([
          for key, value in tool : value == null ? true : try(contains(["mcp"], tool.type), false) if key == "server_url"
        ]) if startswith(jsonencode(tool), "{")
      ]) if startswith(jsonencode(tools), "[")
    ])
    error_message = "tools[*]: server_url is possible for type mcp only."
  }

  validation {
    condition = alltrue([
      for tools in [var.tools] : alltrue([
        for tool in tools : alltrue([
          !try(contains(["mcp"], tool.type), false) || try(tool.server_url, null) != null
        ]) if startswith(jsonencode(tool), "{")
      ]) if startswith(jsonencode(tools), "[")
    ])
    error_message = "tools[*]: server_url is required for type mcp."
  }

  validation {
    condition = alltrue([
      for tools in [var.tools] : alltrue([
        for tool in tools : alltrue([
          for key, value in tool : value == null ? true : try(contains(["mcp"], tool.type), false) if key == "allowed_tools"
        ]) if startswith(jsonencode(tool), "{")
      ]) if startswith(jsonencode(tools), "[")
    ])
    error_message = "tools[*]: allowed_tools is possible for type mcp only."
  }

  validation {
    condition = alltrue([
      for tools in [var.tools] : alltrue([
        for tool in tools : alltrue([
          for key, value in tool : value == null ? true : try(contains(["mcp"], tool.type), false) if key == "authorization_secret_arn"
        ]) if startswith(jsonencode(tool), "{")
      ]) if startswith(jsonencode(tools), "[")
    ])
    error_message = "tools[*]: authorization_secret_arn is possible for type mcp only."
  }

  validation {
    condition = alltrue([
      for tools in [var.tools] : alltrue([
        for tool in tools : alltrue([
          for key, value in tool : value == null ? true : try(contains(["mcp"], tool.type), false) if key == "headers_secret_arn"
        ]) if startswith(jsonencode(tool), "{")
      ]) if startswith(jsonencode(tools), "[")
    ])
    error_message = "tools[*]: headers_secret_arn is possible for type mcp only."
  }

  validation {
    condition = alltrue([
      for tools in [var.tools] : alltrue([
        for tool in tools : alltrue([
          for key, value in tool : try(contains(["code_interpreter", "retrieval", "file_search", "function", "web_search", "mcp"], value), false) if key == "type"
        ]) if startswith(jsonencode(tool), "{")
      ]) if startswith(jsonencode(tools), "[")
    ])
    error_message = "tools[*].type must be code_interpreter, retrieval, file_search, function, web_search or mcp."
  }

  validation {
    condition = alltrue([
      for tools in [var.tools] : alltrue([
        for tool in tools : alltrue([
          for key, value in tool : value == null ? true : try(startswith(jsonencode(value), "[") && alltrue([for each in value : length(tostring(each)) >= 1]), false) if key == "vector_store_ids"
        ]) if startswith(jsonencode(tool), "{")
      ]) if startswith(jsonencode(tools), "[")
    ])
    error_message = "tools[*].vector_store_ids must be a list, each of which must be text that is not empty."
  }

  validation {
    condition = alltrue([
      for tools in [var.tools] : alltrue([
        for tool in tools : alltrue([
          for key, value in tool : value == null ? true : try(startswith(jsonencode(value), "[") && alltrue([for each in value : length(tostring(each)) >= 1]), false) if key == "file_ids"
        ]) if startswith(jsonencode(tool), "{")
      ]) if startswith(jsonencode(tools), "[")
    ])
    error_message = "tools[*].file_ids must be a list, each of which must be text that is not empty."
  }

  validation {
    condition = alltrue([
      for tools in [var.tools] : alltrue([
        for tool in tools : alltrue([
          for key, value in tool : value == null ? true : try(tonumber(value) >= 1 && tonumber(value) <= 50 && floor(tonumber(value)) == tonumber(value), false) if key == "max_num_results"
        ]) if startswith(jsonencode(tool), "{")
      ]) if startswith(jsonencode(tools), "[")
    ])
    error_message = "tools[*].max_num_results must be a whole number from 1 to 50."
  }

  validation {
    condition = alltrue([
      for tools in [var.tools] : alltrue([
        for tool in tools : alltrue([
          for key, value in tool : value == null ? true : try(can(keys(jsondecode(tostring(value)))) || can(keys(value)), false) if key == "filters"
        ]) if startswith(jsonencode(tool), "{")
      ]) if startswith(jsonencode(tools), "[")
    ])
    error_message = "tools[*].filters must be a JSON object, as text or as a map."
  }

  validation {
    condition = alltrue([
      for tools in [var.tools] : alltrue([
        for tool in tools : alltrue([
          for key, value in tool : value == null ? true : try(contains(["1g", "4g", "16g", "64g"], value), false) if key == "memory_limit"
        ]) if startswith(jsonencode(tool), "{")
      ]) if startswith(jsonencode(tools), "[")
    ])
    error_message = "tools[*].memory_limit must be 1g, 4g, 16g or 64g."
  }

  validation {
    condition = alltrue([
      for tools in [var.tools] : alltrue([
        for tool in tools : alltrue([
          for key, value in tool : value == null ? true : try(startswith(jsonencode(value), "[") && alltrue([for each in value : can(regex("^[^\\s:/]+$", each))]), false) if key == "allowed_domains"
        ]) if startswith(jsonencode(tool), "{")
      ]) if startswith(jsonencode(tools), "[")
    ])
    error_message = "tools[*].allowed_domains must be a list, each of which must be a domain without https:// and path, as docs.python.org."
  }

  validation {
    condition = alltrue([
      for tools in [var.tools] : alltrue([
        for tool in tools : alltrue([
          for key, value in tool : value == null ? true : try(contains(["low", "medium", "high"], value), false) if key == "search_context_size"
        ]) if startswith(jsonencode(tool), "{")
      ]) if startswith(jsonencode(tools), "[")
    ])
    error_message = "tools[*].search_context_size must be low, medium or high."
  }

  validation {
    condition = alltrue([
      for tools in [var.tools] : alltrue([
        for tool in tools : alltrue([
          for key, value in tool : value == null ? true : try(can(regex("^[a-zA-Z0-9_-]{1,64}$", value)), false) if key == "server_label"
        ]) if startswith(jsonencode(tool), "{")
      ]) if startswith(jsonencode(tools), "[")
    ])
    error_message = "tools[*].server_label must be 1 to 64 letters, digits, _ or -."
  }

  validation {
    condition = alltrue([
      for tools in [var.tools] : alltrue([
        for tool in tools : alltrue([
          for key, value in tool : value == null ? true : try(can(regex("^https?://[^\\s]+$", value)), false) if key == "server_url"
        ]) if startswith(jsonencode(tool), "{")
      ]) if startswith(jsonencode(tools), "[")
    ])
    error_message = "tools[*].server_url must be a URL that begins with https:// or http://."
  }

  validation {
    condition = alltrue([
      for tools in [var.tools] : alltrue([
        for tool in tools : alltrue([
          for key, value in tool : value == null ? true : try(startswith(jsonencode(value), "[") && alltrue([for each in value : length(tostring(each)) >= 1]), false) if key == "allowed_tools"
        ]) if startswith(jsonencode(tool), "{")
      ]) if startswith(jsonencode(tools), "[")
    ])
    error_message = "tools[*].allowed_tools must be a list, each of which must be text that is not empty."
  }

  validation {
    condition = alltrue([
      for tools in [var.tools] : alltrue([
        for tool in tools : alltrue([
          for key, value in tool : value == null ? true : try(can(regex("^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\\d{12}:secret:[a-zA-Z0-9/_+=.@-]+$", value)), false) if key == "authorization_secret_arn"
        ]) if startswith(jsonencode(tool), "{")
      ]) if startswith(jsonencode(tools), "[")
    ])
    error_message = "tools[*].authorization_secret_arn must be the ARN of a secret, as `!Ref MySecret` of a secret of this template."
  }

  validation {
    condition = alltrue([
      for tools in [var.tools] : alltrue([
        for tool in tools : alltrue([
          for key, value in tool : value == null ? true : try(can(regex("^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\\d{12}:secret:[a-zA-Z0-9/_+=.@-]+$", value)), false) if key == "headers_secret_arn"
        ]) if startswith(jsonencode(tool), "{")
      ]) if startswith(jsonencode(tools), "[")
    ])
    error_message = "tools[*].headers_secret_arn must be the ARN of a secret, as `!Ref MySecret` of a secret of this template."
  }

  validation {
    condition = length(flatten([
      for tools in [var.tools] : [
        for i, tool in [for each in tools : each] : [
          for key, value in tool : [
            [for each in [value] : "tools[${i}].function must be an object." if !startswith(jsonencode(each), "{") && !startswith(jsonencode(each), "n")],
            [
              for function in [value] : [
                [
                  for key in setsubtract(keys(function), ["name", "description", "parameters", "strict", "handler_arn"]) :
                  "tools[${i}].function: unknown key \"${key}\"; known are name, description, parameters, strict, handler_arn."
                ],
                [
                  for key in setsubtract(["name"], keys(function)) :
                  "tools[${i}].function: ${key} is required."
                ],
              ] if startswith(jsonencode(function), "{")
            ],
          ] if key == "function"
        ] if startswith(jsonencode(tool), "{")
      ] if startswith(jsonencode(tools), "[")
    ])) == 0
    error_message = nonsensitive(sensitive(join("\n", flatten([
      for tools in [var.tools] : [
        for i, tool in [for each in tools : each] : [
          for key, value in tool : [
            [for each in [value] : "tools[${i}].function must be an object." if !startswith(jsonencode(each), "{") && !startswith(jsonencode(each), "n")],
            [
              for function in [value] : [
                [
                  for key in setsubtract(keys(function), ["name", "description", "parameters", "strict", "handler_arn"]) :
                  "tools[${i}].function: unknown key \"${key}\"; known are name, description, parameters, strict, handler_arn."
                ],
                [
                  for key in setsubtract(["name"], keys(function)) :
                  "tools[${i}].function: ${key} is required."
                ],
              ] if startswith(jsonencode(function), "{")
            ],
          ] if key == "function"
        ] if startswith(jsonencode(tool), "{")
      ] if startswith(jsonencode(tools), "[")
    ]))))
  }

  validation {
    condition = alltrue([
      for tools in [var.tools] : alltrue([
        for tool in tools : alltrue([
          for key, value in tool : alltrue([
            for function in [value] : alltrue([
              for key, value in function : try(can(regex("^[a-zA-Z0-9_-]{1,64}$", value)), false) if key == "name"
            ]) if startswith(jsonencode(function), "{")
          ]) if key == "function"
        ]) if startswith(jsonencode(tool), "{")
      ]) if startswith(jsonencode(tools), "[")
    ])
    error_message = "tools[*].function.name must be 1 to 64 letters, digits, _ or -."
  }

  validation {
    condition = alltrue([
      for tools in [var.tools] : alltrue([
        for tool in tools : alltrue([
          for key, value in tool : alltrue([
            for function in [value] : alltrue([
              for key, value in function : value == null ? true : try(length(tostring(value)) >= 1, false) if key == "description"
            ]) if startswith(jsonencode(function), "{")
          ]) if key == "function"
        ]) if startswith(jsonencode(tool), "{")
      ]) if startswith(jsonencode(tools), "[")
    ])
    error_message = "tools[*].function.description must be text that is not empty."
  }

  validation {
    condition = alltrue([
      for tools in [var.tools] : alltrue([
        for tool in tools : alltrue([
          for key, value in tool : alltrue([
            for function in [value] : alltrue([
              for key, value in function : value == null ? true : try(can(keys(jsondecode(tostring(value)))) || can(keys(value)), false) if key == "parameters"
            ]) if startswith(jsonencode(function), "{")
          ]) if key == "function"
        ]) if startswith(jsonencode(tool), "{")
      ]) if startswith(jsonencode(tools), "[")
    ])
    error_message = "tools[*].function.parameters must be a JSON object, as text or as a map."
  }

  validation {
    condition = alltrue([
      for tools in [var.tools] : alltrue([
        for tool in tools : alltrue([
          for key, value in tool : alltrue([
            for function in [value] : alltrue([
              for key, value in function : value == null ? true : try(tobool(value) != null, false) if key == "strict"
            ]) if startswith(jsonencode(function), "{")
          ]) if key == "function"
        ]) if startswith(jsonencode(tool), "{")
      ]) if startswith(jsonencode(tools), "[")
    ])
    error_message = "tools[*].function.strict must be true or false."
  }

  validation {
    condition = alltrue([
      for tools in [var.tools] : alltrue([
        for tool in tools : alltrue([
          for key, value in tool : alltrue([
            for function in [value] : alltrue([
              for key, value in function : value == null ? true : try(can(regex("^arn:aws[a-z-]*:lambda:[a-z0-9-]+:\\d{12}:function:[a-zA-Z0-9_-]{1,64}(:[a-zA-Z0-9_$-]+)?$", value)), false) if key == "handler_arn"
            ]) if startswith(jsonencode(function), "{")
          ]) if key == "function"
        ]) if startswith(jsonencode(tool), "{")
      ]) if startswith(jsonencode(tools), "[")
    ])
    error_message = "tools[*].function.handler_arn must be the ARN of a Lambda function, as `!GetAtt MyFunction.Arn` of a function of this template."
  }

  validation {
    condition = length(flatten([
      for tools in [var.tools] : [
        for i, tool in [for each in tools : each] : [
          for key, value in tool : [
            [for each in [value] : "tools[${i}].ranking_options must be an object." if !startswith(jsonencode(each), "{") && !startswith(jsonencode(each), "n")],
            [
              for ranking_options in [value] : [
                [
                  for key in setsubtract(keys(ranking_options), ["ranker", "score_threshold", "hybrid_search"]) :
                  "tools[${i}].ranking_options: unknown key \"${key}\"; known are ranker, score_threshold, hybrid_search."
                ],
              ] if startswith(jsonencode(ranking_options), "{")
            ],
          ] if key == "ranking_options"
        ] if startswith(jsonencode(tool), "{")
      ] if startswith(jsonencode(tools), "[")
    ])) == 0
    error_message = nonsensitive(sensitive(join("\n", flatten([
      for tools in [var.tools] : [
        for i, tool in [for each in tools : each] : [
          for key, value in tool : [
            [for each in [value] : "tools[${i}].ranking_options must be an object." if !startswith(jsonencode(each), "{") && !startswith(jsonencode(each), "n")],
            [
              for ranking_options in [value] : [
                [
                  for key in setsubtract(keys(ranking_options), ["ranker", "score_threshold", "hybrid_search"]) :
                  "tools[${i}].ranking_options: unknown key \"${key}\"; known are ranker, score_threshold, hybrid_search."
                ],
              ] if startswith(jsonencode(ranking_options), "{")
            ],
          ] if key == "ranking_options"
        ] if startswith(jsonencode(tool), "{")
      ] if startswith(jsonencode(tools), "[")
    ]))))
  }

  validation {
    condition = alltrue([
      for tools in [var.tools] : alltrue([
        for tool in tools : alltrue([
          for key, value in tool : alltrue([
            for ranking_options in [value] : alltrue([
              for key, value in ranking_options : value == null ? true : try(length(tostring(value)) >= 1, false) if key == "ranker"
            ]) if startswith(jsonencode(ranking_options), "{")
          ]) if key == "ranking_options"
        ]) if startswith(jsonencode(tool), "{")
      ]) if startswith(jsonencode(tools), "[")
    ])
    error_message = "tools[*].ranking_options.ranker must be text that is not empty."
  }

  validation {
    condition = alltrue([
      for tools in [var.tools] : alltrue([
        for tool in tools : alltrue([
          for key, value in tool : alltrue([
            for ranking_options in [value] : alltrue([
              for key, value in ranking_options : value == null ? true : try(tonumber(value) >= 0 && tonumber(value) <= 1, false) if key == "score_threshold"
            ]) if startswith(jsonencode(ranking_options), "{")
          ]) if key == "ranking_options"
        ]) if startswith(jsonencode(tool), "{")
      ]) if startswith(jsonencode(tools), "[")
    ])
    error_message = "tools[*].ranking_options.score_threshold must be a number from 0 to 1."
  }

  validation {
    condition = length(flatten([
      for tools in [var.tools] : [
        for i, tool in [for each in tools : each] : [
          for key, value in tool : [
            for ranking_options in [value] : [
              for key, value in ranking_options : [
                [for each in [value] : "tools[${i}].ranking_options.hybrid_search must be an object." if !startswith(jsonencode(each), "{") && !startswith(jsonencode(each), "n")],
                [
                  for hybrid_search in [value] : [
                    [
                      for key in setsubtract(keys(hybrid_search), ["embedding_weight", "text_weight"]) :
                      "tools[${i}].ranking_options.hybrid_search: unknown key \"${key}\"; known are embedding_weight, text_weight."
                    ],
                    [
                      for key in setsubtract(["embedding_weight", "text_weight"], keys(hybrid_search)) :
                      "tools[${i}].ranking_options.hybrid_search: ${key} is required."
                    ],
                  ] if startswith(jsonencode(hybrid_search), "{")
                ],
              ] if key == "hybrid_search"
            ] if startswith(jsonencode(ranking_options), "{")
          ] if key == "ranking_options"
        ] if startswith(jsonencode(tool), "{")
      ] if startswith(jsonencode(tools), "[")
    ])) == 0
    error_message = nonsensitive(sensitive(join("\n", flatten([
      for tools in [var.tools] : [
        for i, tool in [for each in tools : each] : [
          for key, value in tool : [
            for ranking_options in [value] : [
              for key, value in ranking_options : [
                [for each in [value] : "tools[${i}].ranking_options.hybrid_search must be an object." if !startswith(jsonencode(each), "{") && !startswith(jsonencode(each), "n")],
                [
                  for hybrid_search in [value] : [
                    [
                      for key in setsubtract(keys(hybrid_search), ["embedding_weight", "text_weight"]) :
                      "tools[${i}].ranking_options.hybrid_search: unknown key \"${key}\"; known are embedding_weight, text_weight."
                    ],
                    [
                      for key in setsubtract(["embedding_weight", "text_weight"], keys(hybrid_search)) :
                      "tools[${i}].ranking_options.hybrid_search: ${key} is required."
                    ],
                  ] if startswith(jsonencode(hybrid_search), "{")
                ],
              ] if key == "hybrid_search"
            ] if startswith(jsonencode(ranking_options), "{")
          ] if key == "ranking_options"
        ] if startswith(jsonencode(tool), "{")
      ] if startswith(jsonencode(tools), "[")
    ]))))
  }

  validation {
    condition = alltrue([
      for tools in [var.tools] : alltrue([
        for tool in tools : alltrue([
          for key, value in tool : alltrue([
            for ranking_options in [value] : alltrue([
              for key, value in ranking_options : alltrue([
                for hybrid_search in [value] : alltrue([
                  for key, value in hybrid_search : try(tonumber(value) != null, false) if key == "embedding_weight"
                ]) if startswith(jsonencode(hybrid_search), "{")
              ]) if key == "hybrid_search"
            ]) if startswith(jsonencode(ranking_options), "{")
          ]) if key == "ranking_options"
        ]) if startswith(jsonencode(tool), "{")
      ]) if startswith(jsonencode(tools), "[")
    ])
    error_message = "tools[*].ranking_options.hybrid_search.embedding_weight must be a number."
  }

  validation {
    condition = alltrue([
      for tools in [var.tools] : alltrue([
        for tool in tools : alltrue([
          for key, value in tool : alltrue([
            for ranking_options in [value] : alltrue([
              for key, value in ranking_options : alltrue([
                for hybrid_search in [value] : alltrue([
                  for key, value in hybrid_search : try(tonumber(value) != null, false) if key == "text_weight"
                ]) if startswith(jsonencode(hybrid_search), "{")
              ]) if key == "hybrid_search"
            ]) if startswith(jsonencode(ranking_options), "{")
          ]) if key == "ranking_options"
        ]) if startswith(jsonencode(tool), "{")
      ]) if startswith(jsonencode(tools), "[")
    ])
    error_message = "tools[*].ranking_options.hybrid_search.text_weight must be a number."
  }

  validation {
    condition = length(flatten([
      for tools in [var.tools] : [
        for i, tool in [for each in tools : each] : [
          for key, value in tool : [
            [for each in [value] : "tools[${i}].user_location must be an object." if !startswith(jsonencode(each), "{") && !startswith(jsonencode(each), "n")],
            [
              for user_location in [value] : [
                [
                  for key in setsubtract(keys(user_location), ["type", "city", "country", "region", "timezone"]) :
                  "tools[${i}].user_location: unknown key \"${key}\"; known are type, city, country, region, timezone."
                ],
              ] if startswith(jsonencode(user_location), "{")
            ],
          ] if key == "user_location"
        ] if startswith(jsonencode(tool), "{")
      ] if startswith(jsonencode(tools), "[")
    ])) == 0
    error_message = nonsensitive(sensitive(join("\n", flatten([
      for tools in [var.tools] : [
        for i, tool in [for each in tools : each] : [
          for key, value in tool : [
            [for each in [value] : "tools[${i}].user_location must be an object." if !startswith(jsonencode(each), "{") && !startswith(jsonencode(each), "n")],
            [
              for user_location in [value] : [
                [
                  for key in setsubtract(keys(user_location), ["type", "city", "country", "region", "timezone"]) :
                  "tools[${i}].user_location: unknown key \"${key}\"; known are type, city, country, region, timezone."
                ],
              ] if startswith(jsonencode(user_location), "{")
            ],
          ] if key == "user_location"
        ] if startswith(jsonencode(tool), "{")
      ] if startswith(jsonencode(tools), "[")
    ]))))
  }

  validation {
    condition = alltrue([
      for tools in [var.tools] : alltrue([
        for tool in tools : alltrue([
          for key, value in tool : alltrue([
            for user_location in [value] : alltrue([
              for key, value in user_location : value == null ? true : try(contains(["approximate"], value), false) if key == "type"
            ]) if startswith(jsonencode(user_location), "{")
          ]) if key == "user_location"
        ]) if startswith(jsonencode(tool), "{")
      ]) if startswith(jsonencode(tools), "[")
    ])
    error_message = "tools[*].user_location.type must be approximate."
  }

  validation {
    condition = alltrue([
      for tools in [var.tools] : alltrue([
        for tool in tools : alltrue([
          for key, value in tool : alltrue([
            for user_location in [value] : alltrue([
              for key, value in user_location : value == null ? true : try(length(tostring(value)) >= 1, false) if key == "city"
            ]) if startswith(jsonencode(user_location), "{")
          ]) if key == "user_location"
        ]) if startswith(jsonencode(tool), "{")
      ]) if startswith(jsonencode(tools), "[")
    ])
    error_message = "tools[*].user_location.city must be text that is not empty."
  }

  validation {
    condition = alltrue([
      for tools in [var.tools] : alltrue([
        for tool in tools : alltrue([
          for key, value in tool : alltrue([
            for user_location in [value] : alltrue([
              for key, value in user_location : value == null ? true : try(can(regex("^[A-Z]{2}$", value)), false) if key == "country"
            ]) if startswith(jsonencode(user_location), "{")
          ]) if key == "user_location"
        ]) if startswith(jsonencode(tool), "{")
      ]) if startswith(jsonencode(tools), "[")
    ])
    error_message = "tools[*].user_location.country must be two capital letters, as DE."
  }

  validation {
    condition = alltrue([
      for tools in [var.tools] : alltrue([
        for tool in tools : alltrue([
          for key, value in tool : alltrue([
            for user_location in [value] : alltrue([
              for key, value in user_location : value == null ? true : try(length(tostring(value)) >= 1, false) if key == "region"
            ]) if startswith(jsonencode(user_location), "{")
          ]) if key == "user_location"
        ]) if startswith(jsonencode(tool), "{")
      ]) if startswith(jsonencode(tools), "[")
    ])
    error_message = "tools[*].user_location.region must be text that is not empty."
  }

  validation {
    condition = alltrue([
      for tools in [var.tools] : alltrue([
        for tool in tools : alltrue([
          for key, value in tool : alltrue([
            for user_location in [value] : alltrue([
              for key, value in user_location : value == null ? true : try(length(tostring(value)) >= 1, false) if key == "timezone"
            ]) if startswith(jsonencode(user_location), "{")
          ]) if key == "user_location"
        ]) if startswith(jsonencode(tool), "{")
      ]) if startswith(jsonencode(tools), "[")
    ])
    error_message = "tools[*].user_location.timezone must be text that is not empty."
  }
}

variable "temperature" {
  description = "The sampling temperature, 0 to 2: higher is more random. Reasoning models take none"
  type        = number
  default     = null

  validation {
    condition     = var.temperature == null ? true : var.temperature >= 0 && var.temperature <= 2
    error_message = "temperature must be a number from 0 to 2."
  }
}

variable "top_p" {
  description = "The probability mass that is considered, 0 to 1: an alternative to `temperature`"
  type        = number
  default     = null

  validation {
    condition     = var.top_p == null ? true : var.top_p >= 0 && var.top_p <= 1
    error_message = "top_p must be a number from 0 to 1."
  }
}

variable "response_format" {
  description = "The form of the answer. Type: `object({ type = string, json_schema = optional(object({ name = string, description = optional(string), schema = any, strict = optional(bool) })) })`"
  type        = any
  default     = null

  validation {
    condition = length(flatten([
      [for each in [var.response_format] : "response_format must be an object." if !startswith(jsonencode(each), "{") && !startswith(jsonencode(each), "n")],
      [
        for response_format in [var.response_format] : [
          [
            for key in setsubtract(keys(response_format), ["type", "json_schema"]) :
            "response_format: unknown key \"${key}\"; known are type, json_schema."
          ],
          [
            for key in setsubtract(["type"], keys(response_format)) :
            "response_format: ${key} is required."
          ],
        ] if startswith(jsonencode(response_format), "{")
      ],
    ])) == 0
    error_message = nonsensitive(sensitive(join("\n", flatten([
      [for each in [var.response_format] : "response_format must be an object." if !startswith(jsonencode(each), "{") && !startswith(jsonencode(each), "n")],
      [
        for response_format in [var.response_format] : [
          [
            for key in setsubtract(keys(response_format), ["type", "json_schema"]) :
            "response_format: unknown key \"${key}\"; known are type, json_schema."
          ],
          [
            for key in setsubtract(["type"], keys(response_format)) :
            "response_format: ${key} is required."
          ],
        ] if startswith(jsonencode(response_format), "{")
      ],
    ]))))
  }

  validation {
    condition = alltrue([
      for response_format in [var.response_format] : alltrue([
        for key, value in response_format : value == null ? true : try(contains(["json_schema"], response_format.type), false) if key == "json_schema"
      ]) if startswith(jsonencode(response_format), "{")
    ])
    error_message = "response_format: json_schema is possible for type json_schema only."
  }

  validation {
    condition = alltrue([
      for response_format in [var.response_format] : alltrue([
        !try(contains(["json_schema"], response_format.type), false) || try(response_format.json_schema, null) != null
      ]) if startswith(jsonencode(response_format), "{")
    ])
    error_message = "response_format: json_schema is required for type json_schema."
  }

  validation {
    condition = alltrue([
      for response_format in [var.response_format] : alltrue([
        for key, value in response_format : try(contains(["text", "json_object", "json_schema"], value), false) if key == "type"
      ]) if startswith(jsonencode(response_format), "{")
    ])
    error_message = "response_format.type must be text, json_object or json_schema."
  }

  validation {
    condition = length(flatten([
      for response_format in [var.response_format] : [
        for key, value in response_format : [
          [for each in [value] : "response_format.json_schema must be an object." if !startswith(jsonencode(each), "{") && !startswith(jsonencode(each), "n")],
          [
            for json_schema in [value] : [
              [
                for key in setsubtract(keys(json_schema), ["name", "description", "schema", "strict"]) :
                "response_format.json_schema: unknown key \"${key}\"; known are name, description, schema, strict."
              ],
              [
                for key in setsubtract(["name", "schema"], keys(json_schema)) :
                "response_format.json_schema: ${key} is required."
              ],
            ] if startswith(jsonencode(json_schema), "{")
          ],
        ] if key == "json_schema"
      ] if startswith(jsonencode(response_format), "{")
    ])) == 0
    error_message = nonsensitive(sensitive(join("\n", flatten([
      for response_format in [var.response_format] : [
        for key, value in response_format : [
          [for each in [value] : "response_format.json_schema must be an object." if !startswith(jsonencode(each), "{") && !startswith(jsonencode(each), "n")],
          [
            for json_schema in [value] : [
              [
                for key in setsubtract(keys(json_schema), ["name", "description", "schema", "strict"]) :
                "response_format.json_schema: unknown key \"${key}\"; known are name, description, schema, strict."
              ],
              [
                for key in setsubtract(["name", "schema"], keys(json_schema)) :
                "response_format.json_schema: ${key} is required."
              ],
            ] if startswith(jsonencode(json_schema), "{")
          ],
        ] if key == "json_schema"
      ] if startswith(jsonencode(response_format), "{")
    ]))))
  }

  validation {
    condition = alltrue([
      for response_format in [var.response_format] : alltrue([
        for key, value in response_format : alltrue([
          for json_schema in [value] : alltrue([
            for key, value in json_schema : try(can(regex("^[a-zA-Z0-9_-]{1,64}$", value)), false) if key == "name"
          ]) if startswith(jsonencode(json_schema), "{")
        ]) if key == "json_schema"
      ]) if startswith(jsonencode(response_format), "{")
    ])
    error_message = "response_format.json_schema.name must be 1 to 64 letters, digits, _ or -."
  }

  validation {
    condition = alltrue([
      for response_format in [var.response_format] : alltrue([
        for key, value in response_format : alltrue([
          for json_schema in [value] : alltrue([
            for key, value in json_schema : value == null ? true : try(length(tostring(value)) >= 1, false) if key == "description"
          ]) if startswith(jsonencode(json_schema), "{")
        ]) if key == "json_schema"
      ]) if startswith(jsonencode(response_format), "{")
    ])
    error_message = "response_format.json_schema.description must be text that is not empty."
  }

  validation {
    condition = alltrue([
      for response_format in [var.response_format] : alltrue([
        for key, value in response_format : alltrue([
          for json_schema in [value] : alltrue([
            for key, value in json_schema : try(can(keys(jsondecode(tostring(value)))) || can(keys(value)), false) if key == "schema"
          ]) if startswith(jsonencode(json_schema), "{")
        ]) if key == "json_schema"
      ]) if startswith(jsonencode(response_format), "{")
    ])
    error_message = "response_format.json_schema.schema must be a JSON object, as text or as a map."
  }

  validation {
    condition = alltrue([
      for response_format in [var.response_format] : alltrue([
        for key, value in response_format : alltrue([
          for json_schema in [value] : alltrue([
            for key, value in json_schema : value == null ? true : try(tobool(value) != null, false) if key == "strict"
          ]) if startswith(jsonencode(json_schema), "{")
        ]) if key == "json_schema"
      ]) if startswith(jsonencode(response_format), "{")
    ])
    error_message = "response_format.json_schema.strict must be true or false."
  }
}

variable "reasoning_effort" {
  description = "How much a reasoning model thinks: `none`, `minimal`, `low`, `medium`, `high`, `xhigh` or `max`. A model takes some of them"
  type        = string
  default     = null

  validation {
    condition     = var.reasoning_effort == null ? true : contains(["none", "minimal", "low", "medium", "high", "xhigh", "max"], var.reasoning_effort)
    error_message = "reasoning_effort must be none, minimal, low, medium, high, xhigh or max."
  }
}

variable "verbosity" {
  description = "How many words the answer takes: `low`, `medium` or `high`. On the Responses API only"
  type        = string
  default     = null

  validation {
    condition     = var.verbosity == null ? true : contains(["low", "medium", "high"], var.verbosity)
    error_message = "verbosity must be low, medium or high."
  }
}

variable "assistant_name" {
  description = "A name for people, 256 characters at most"
  type        = string
  default     = null

  validation {
    condition     = var.assistant_name == null ? true : length(var.assistant_name) >= 1 && length(var.assistant_name) <= 256
    error_message = "assistant_name must have 1 to 256 characters."
  }
}

variable "description" {
  description = "What it is for, 512 characters at most"
  type        = string
  default     = null

  validation {
    condition     = var.description == null ? true : length(var.description) >= 1 && length(var.description) <= 512
    error_message = "description must have 1 to 512 characters."
  }
}

variable "metadata" {
  description = "Key-value pairs on the assistant, at most 16"
  type        = map(string)
  default     = null

  validation {
    condition     = var.metadata == null ? true : try(startswith(jsonencode(var.metadata), "{") && length(var.metadata) <= 16 && alltrue([for key, text in var.metadata : length(key) >= 1 && length(key) <= 64 && length(tostring(text)) <= 512]), false)
    error_message = "metadata takes at most 16 pairs, keys of 1 to 64 and values of at most 512 characters."
  }

  validation {
    condition     = var.metadata == null ? true : try(!can(keys(var.metadata)) || alltrue([for key in keys(var.metadata) : key != "Ref" && !startswith(key, "Fn::")]), false)
    error_message = "metadata must not have a key Ref, or one that starts with Fn::, as CloudFormation takes these for functions."
  }
}

variable "deletion_policy" {
  description = "`delete` or `retain`: what happens at OpenAI when the resource is deleted. By default what was created is deleted and what was adopted stays"
  type        = string
  default     = null

  validation {
    condition     = var.deletion_policy == null ? true : contains(["delete", "retain"], var.deletion_policy)
    error_message = "deletion_policy must be delete or retain."
  }
}
