# `make reference` writes this file from the models of the resource types: change those.
# What the vector store takes.

variable "name" {
  description = "Name of the CloudFormation stack that holds the vector store. Another name is another stack and a new vector store"
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z][A-Za-z0-9-]{0,127}$", var.name))
    error_message = "name must start with a letter and have at most 128 letters, digits and hyphens."
  }
}

variable "service_token" {
  description = "ARN that serves Custom::OpenAIVectorStore: the application's output ServiceToken"
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

variable "vector_store_name" {
  description = "A name for people, 256 characters at most"
  type        = string
  default     = null

  validation {
    condition     = var.vector_store_name == null ? true : length(var.vector_store_name) >= 1 && length(var.vector_store_name) <= 256
    error_message = "vector_store_name must have 1 to 256 characters."
  }
}

variable "file_ids" {
  description = "The files in it, 500 at most. They are added and removed in place; what was put into the store by others stays"
  type        = list(string)
  default     = null

  validation {
    condition     = var.file_ids == null ? true : try(startswith(jsonencode(var.file_ids), "[") && alltrue([for each in var.file_ids : length(tostring(each)) >= 1]), false)
    error_message = "file_ids must be a list, each of which must be text that is not empty."
  }
}

variable "chunking_strategy" {
  description = "How the files are cut into what is searched. Default: `auto`. Type: `object({ type = string, static = optional(object({ max_chunk_size_tokens = number, chunk_overlap_tokens = number })) })`"
  type        = any
  default     = null

  validation {
    condition = length(flatten([
      [for each in [var.chunking_strategy] : "chunking_strategy must be an object." if !startswith(jsonencode(each), "{") && !startswith(jsonencode(each), "n")],
      [
        for chunking_strategy in [var.chunking_strategy] : [
          [
            for key in setsubtract(keys(chunking_strategy), ["type", "static"]) :
            "chunking_strategy: unknown key \"${key}\"; known are type, static."
          ],
          [
            for key in setsubtract(["type"], keys(chunking_strategy)) :
            "chunking_strategy: ${key} is required."
          ],
        ] if startswith(jsonencode(chunking_strategy), "{")
      ],
    ])) == 0
    error_message = nonsensitive(sensitive(join("\n", flatten([
      [for each in [var.chunking_strategy] : "chunking_strategy must be an object." if !startswith(jsonencode(each), "{") && !startswith(jsonencode(each), "n")],
      [
        for chunking_strategy in [var.chunking_strategy] : [
          [
            for key in setsubtract(keys(chunking_strategy), ["type", "static"]) :
            "chunking_strategy: unknown key \"${key}\"; known are type, static."
          ],
          [
            for key in setsubtract(["type"], keys(chunking_strategy)) :
            "chunking_strategy: ${key} is required."
          ],
        ] if startswith(jsonencode(chunking_strategy), "{")
      ],
    ]))))
  }

  validation {
    condition = alltrue([
      for chunking_strategy in [var.chunking_strategy] : alltrue([
        for key, value in chunking_strategy : value == null ? true : try(contains(["static"], chunking_strategy.type), false) if key == "static"
      ]) if startswith(jsonencode(chunking_strategy), "{")
    ])
    error_message = "chunking_strategy: static is possible for type static only."
  }

  validation {
    condition = alltrue([
      for chunking_strategy in [var.chunking_strategy] : alltrue([
        !try(contains(["static"], chunking_strategy.type), false) || try(chunking_strategy.static, null) != null
      ]) if startswith(jsonencode(chunking_strategy), "{")
    ])
    error_message = "chunking_strategy: static is required for type static."
  }

  validation {
    condition = alltrue([
      for chunking_strategy in [var.chunking_strategy] : alltrue([
        for key, value in chunking_strategy : try(contains(["auto", "static"], value), false) if key == "type"
      ]) if startswith(jsonencode(chunking_strategy), "{")
    ])
    error_message = "chunking_strategy.type must be auto or static."
  }

  validation {
    condition = length(flatten([
      for chunking_strategy in [var.chunking_strategy] : [
        for key, value in chunking_strategy : [
          [for each in [value] : "chunking_strategy.static must be an object." if !startswith(jsonencode(each), "{") && !startswith(jsonencode(each), "n")],
          [
            for static in [value] : [
              [
                for key in setsubtract(keys(static), ["max_chunk_size_tokens", "chunk_overlap_tokens"]) :
                "chunking_strategy.static: unknown key \"${key}\"; known are max_chunk_size_tokens, chunk_overlap_tokens."
              ],
              [
                for key in setsubtract(["max_chunk_size_tokens", "chunk_overlap_tokens"], keys(static)) :
                "chunking_strategy.static: ${key} is required."
              ],
            ] if startswith(jsonencode(static), "{")
          ],
        ] if key == "static"
      ] if startswith(jsonencode(chunking_strategy), "{")
    ])) == 0
    error_message = nonsensitive(sensitive(join("\n", flatten([
      for chunking_strategy in [var.chunking_strategy] : [
        for key, value in chunking_strategy : [
          [for each in [value] : "chunking_strategy.static must be an object." if !startswith(jsonencode(each), "{") && !startswith(jsonencode(each), "n")],
          [
            for static in [value] : [
              [
                for key in setsubtract(keys(static), ["max_chunk_size_tokens", "chunk_overlap_tokens"]) :
                "chunking_strategy.static: unknown key \"${key}\"; known are max_chunk_size_tokens, chunk_overlap_tokens."
              ],
              [
                for key in setsubtract(["max_chunk_size_tokens", "chunk_overlap_tokens"], keys(static)) :
                "chunking_strategy.static: ${key} is required."
              ],
            ] if startswith(jsonencode(static), "{")
          ],
        ] if key == "static"
      ] if startswith(jsonencode(chunking_strategy), "{")
    ]))))
  }

  validation {
    condition = alltrue([
      for chunking_strategy in [var.chunking_strategy] : alltrue([
        for key, value in chunking_strategy : alltrue([
          for static in [value] : alltrue([
            for key, value in static : try(tonumber(value) >= 100 && tonumber(value) <= 4096 && floor(tonumber(value)) == tonumber(value), false) if key == "max_chunk_size_tokens"
          ]) if startswith(jsonencode(static), "{")
        ]) if key == "static"
      ]) if startswith(jsonencode(chunking_strategy), "{")
    ])
    error_message = "chunking_strategy.static.max_chunk_size_tokens must be a whole number from 100 to 4096."
  }

  validation {
    condition = alltrue([
      for chunking_strategy in [var.chunking_strategy] : alltrue([
        for key, value in chunking_strategy : alltrue([
          for static in [value] : alltrue([
            for key, value in static : try(tonumber(value) >= 0 && floor(tonumber(value)) == tonumber(value), false) if key == "chunk_overlap_tokens"
          ]) if startswith(jsonencode(static), "{")
        ]) if key == "static"
      ]) if startswith(jsonencode(chunking_strategy), "{")
    ])
    error_message = "chunking_strategy.static.chunk_overlap_tokens must be a whole number, 0 at least."
  }
}

variable "expires_after_days" {
  description = "Days without use after which it expires at the server, 1 to 365. The next update of the resource makes it again, as another store. Default: never"
  type        = number
  default     = null

  validation {
    condition     = var.expires_after_days == null ? true : var.expires_after_days >= 1 && var.expires_after_days <= 365 && floor(var.expires_after_days) == var.expires_after_days
    error_message = "expires_after_days must be a whole number from 1 to 365."
  }
}

variable "metadata" {
  description = "Key-value pairs on the store, at most 16"
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
