# What a thread takes.

################################################################################
# Stack
################################################################################

variable "name" {
  description = "Name of the CloudFormation stack that holds the thread. Another name is another stack and a new thread"
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z][A-Za-z0-9-]{0,127}$", var.name))
    error_message = "name must start with a letter and have at most 128 letters, digits and hyphens."
  }
}

variable "service_token" {
  description = "ARN that serves Custom::OpenAIThread: the application's output ServiceToken"
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
# Thread
################################################################################

variable "messages" {
  description = "The messages of the thread, any number of them"
  type = list(object({
    role    = string
    content = string
    attachments = optional(list(object({
      file_id = string
    })))
    metadata = optional(map(string))
  }))
  default  = []
  nullable = false

  validation {
    condition     = alltrue([for message in var.messages : message.role == "user"])
    error_message = "messages: role must be user."
  }

  validation {
    condition     = alltrue([for message in var.messages : try(length(message.content) > 0, false)])
    error_message = "messages: content must not be empty."
  }

  validation {
    condition = alltrue(flatten([
      for message in var.messages : message.attachments == null ? [] : [
        for attachment in message.attachments : try(length(attachment.file_id) > 0, false)
      ]
    ]))
    error_message = "messages: file_id of an attachment must not be empty."
  }

  validation {
    condition = alltrue([
      for metadata in var.messages[*].metadata : metadata == null ? true : alltrue(concat(
        [length(metadata) <= 16],
        [for key, value in metadata : try(length(key) >= 1 && length(key) <= 64 && length(value) <= 512, false)],
      ))
    ])
    error_message = "messages: metadata takes at most 16 pairs, keys of 1 to 64 and values of at most 512 characters."
  }

  validation {
    condition = alltrue(flatten([
      for metadata in var.messages[*].metadata : metadata == null ? [] : [
        for key in keys(metadata) : key != "Ref" && !startswith(key, "Fn::")
      ]
    ]))
    error_message = "messages: a metadata key must not be Ref or start with Fn::, CloudFormation takes these for functions."
  }
}

variable "metadata" {
  description = "Key-value pairs to attach to the thread"
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
  description = "What happens to the thread when the stack lets go of it: delete or retain. It is deleted where left out"
  type        = string
  default     = null

  validation {
    condition     = var.deletion_policy == null ? true : contains(["delete", "retain"], var.deletion_policy)
    error_message = "deletion_policy must be delete or retain."
  }
}
