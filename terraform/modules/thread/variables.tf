# `make reference` writes this file from the models of the resource types: change those.
# What the thread takes.

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

variable "messages" {
  description = "The messages of the thread, any number. Other messages make another thread. Type: `list(object({ role = string, content = string, attachments = optional(list(object({ file_id = optional(string), type = optional(string), file_url = optional(string), detail = optional(string) }))), metadata = optional(map(string)) }))`"
  type        = any
  default     = null

  validation {
    condition = length(flatten([
      [for each in [var.messages] : "messages must be a list of objects." if !startswith(jsonencode(each), "[") && !startswith(jsonencode(each), "n")],
      [
        for messages in [var.messages] : [
          for i, each in [for each in messages : each] :
          "messages[${i}] must be an object." if !startswith(jsonencode(each), "{")
        ] if startswith(jsonencode(messages), "[")
      ],
      [
        for messages in [var.messages] : [
          for i, message in [for each in messages : each] : [
            [
              for key in setsubtract(keys(message), ["role", "content", "attachments", "metadata"]) :
              "messages[${i}]: unknown key \"${key}\"; known are role, content, attachments, metadata."
            ],
            [
              for key in setsubtract(["role", "content"], keys(message)) :
              "messages[${i}]: ${key} is required."
            ],
          ] if startswith(jsonencode(message), "{")
        ] if startswith(jsonencode(messages), "[")
      ],
    ])) == 0
    error_message = nonsensitive(sensitive(join("\n", flatten([
      [for each in [var.messages] : "messages must be a list of objects." if !startswith(jsonencode(each), "[") && !startswith(jsonencode(each), "n")],
      [
        for messages in [var.messages] : [
          for i, each in [for each in messages : each] :
          "messages[${i}] must be an object." if !startswith(jsonencode(each), "{")
        ] if startswith(jsonencode(messages), "[")
      ],
      [
        for messages in [var.messages] : [
          for i, message in [for each in messages : each] : [
            [
              for key in setsubtract(keys(message), ["role", "content", "attachments", "metadata"]) :
              "messages[${i}]: unknown key \"${key}\"; known are role, content, attachments, metadata."
            ],
            [
              for key in setsubtract(["role", "content"], keys(message)) :
              "messages[${i}]: ${key} is required."
            ],
          ] if startswith(jsonencode(message), "{")
        ] if startswith(jsonencode(messages), "[")
      ],
    ]))))
  }

  validation {
    condition = alltrue([
      for messages in [var.messages] : alltrue([
        for message in messages : alltrue([
          for key, value in message : try(contains(["user"], value), false) if key == "role"
        ]) if startswith(jsonencode(message), "{")
      ]) if startswith(jsonencode(messages), "[")
    ])
    error_message = "messages[*].role must be user."
  }

  validation {
    condition = alltrue([
      for messages in [var.messages] : alltrue([
        for message in messages : alltrue([
          for key, value in message : try(length(tostring(value)) >= 1, false) if key == "content"
        ]) if startswith(jsonencode(message), "{")
      ]) if startswith(jsonencode(messages), "[")
    ])
    error_message = "messages[*].content must be text that is not empty."
  }

  validation {
    condition = alltrue([
      for messages in [var.messages] : alltrue([
        for message in messages : alltrue([
          for key, value in message : value == null ? true : try(startswith(jsonencode(value), "{") && length(value) <= 16 && alltrue([for key, text in value : length(key) >= 1 && length(key) <= 64 && length(tostring(text)) <= 512]), false) if key == "metadata"
        ]) if startswith(jsonencode(message), "{")
      ]) if startswith(jsonencode(messages), "[")
    ])
    error_message = "messages[*].metadata takes at most 16 pairs, keys of 1 to 64 and values of at most 512 characters."
  }

  validation {
    condition = alltrue([
      for messages in [var.messages] : alltrue([
        for message in messages : alltrue([
          for key, value in message : value == null ? true : try(!can(keys(value)) || alltrue([for key in keys(value) : key != "Ref" && !startswith(key, "Fn::")]), false) if key == "metadata"
        ]) if startswith(jsonencode(message), "{")
      ]) if startswith(jsonencode(messages), "[")
    ])
    error_message = "messages[*].metadata must not have a key Ref, or one that starts with Fn::, as CloudFormation takes these for functions."
  }

  validation {
    condition = length(flatten([
      for messages in [var.messages] : [
        for i, message in [for each in messages : each] : [
          for key, value in message : [
            [for each in [value] : "messages[${i}].attachments must be a list of objects." if !startswith(jsonencode(each), "[") && !startswith(jsonencode(each), "n")],
            [
              for attachments in [value] : [
                for j, each in [for each in attachments : each] :
                "messages[${i}].attachments[${j}] must be an object." if !startswith(jsonencode(each), "{")
              ] if startswith(jsonencode(attachments), "[")
            ],
            [
              for attachments in [value] : [
                for j, attachment in [for each in attachments : each] : [
                  [
                    for key in setsubtract(keys(attachment), ["file_id", "type", "file_url", "detail"]) :
                    "messages[${i}].attachments[${j}]: unknown key \"${key}\"; known are file_id, type, file_url, detail."
                  ],
                ] if startswith(jsonencode(attachment), "{")
              ] if startswith(jsonencode(attachments), "[")
            ],
          ] if key == "attachments"
        ] if startswith(jsonencode(message), "{")
      ] if startswith(jsonencode(messages), "[")
    ])) == 0
    error_message = nonsensitive(sensitive(join("\n", flatten([
      for messages in [var.messages] : [
        for i, message in [for each in messages : each] : [
          for key, value in message : [
            [for each in [value] : "messages[${i}].attachments must be a list of objects." if !startswith(jsonencode(each), "[") && !startswith(jsonencode(each), "n")],
            [
              for attachments in [value] : [
                for j, each in [for each in attachments : each] :
                "messages[${i}].attachments[${j}] must be an object." if !startswith(jsonencode(each), "{")
              ] if startswith(jsonencode(attachments), "[")
            ],
            [
              for attachments in [value] : [
                for j, attachment in [for each in attachments : each] : [
                  [
                    for key in setsubtract(keys(attachment), ["file_id", "type", "file_url", "detail"]) :
                    "messages[${i}].attachments[${j}]: unknown key \"${key}\"; known are file_id, type, file_url, detail."
                  ],
                ] if startswith(jsonencode(attachment), "{")
              ] if startswith(jsonencode(attachments), "[")
            ],
          ] if key == "attachments"
        ] if startswith(jsonencode(message), "{")
      ] if startswith(jsonencode(messages), "[")
    ]))))
  }

  validation {
    condition = alltrue([
      for messages in [var.messages] : alltrue([
        for message in messages : alltrue([
          for key, value in message : alltrue([
            for attachments in [value] : alltrue([
              for attachment in attachments : alltrue([
                for key, value in attachment : value == null ? true : try(contains(["image"], attachment.type), false) if key == "detail"
              ]) if startswith(jsonencode(attachment), "{")
            ]) if startswith(jsonencode(attachments), "[")
          ]) if key == "attachments"
        ]) if startswith(jsonencode(message), "{")
      ]) if startswith(jsonencode(messages), "[")
    ])
    error_message = "messages[*].attachments[*]: detail is possible for type image only."
  }

  validation {
    condition = alltrue([
      for messages in [var.messages] : alltrue([
        for message in messages : alltrue([
          for key, value in message : alltrue([
            for attachments in [value] : alltrue([
              for attachment in attachments : alltrue([
                length([for key in ["file_id", "file_url"] : key if try(attachment[key], null) != null]) == 1
              ]) if startswith(jsonencode(attachment), "{")
            ]) if startswith(jsonencode(attachments), "[")
          ]) if key == "attachments"
        ]) if startswith(jsonencode(message), "{")
      ]) if startswith(jsonencode(messages), "[")
    ])
    error_message = "messages[*].attachments[*]: exactly one of file_id and file_url is required."
  }

  validation {
    condition = alltrue([
      for messages in [var.messages] : alltrue([
        for message in messages : alltrue([
          for key, value in message : alltrue([
            for attachments in [value] : alltrue([
              for attachment in attachments : alltrue([
                for key, value in attachment : value == null ? true : try(length(tostring(value)) >= 1, false) if key == "file_id"
              ]) if startswith(jsonencode(attachment), "{")
            ]) if startswith(jsonencode(attachments), "[")
          ]) if key == "attachments"
        ]) if startswith(jsonencode(message), "{")
      ]) if startswith(jsonencode(messages), "[")
    ])
    error_message = "messages[*].attachments[*].file_id must be text that is not empty."
  }

  validation {
    condition = alltrue([
      for messages in [var.messages] : alltrue([
        for message in messages : alltrue([
          for key, value in message : alltrue([
            for attachments in [value] : alltrue([
              for attachment in attachments : alltrue([
                for key, value in attachment : value == null ? true : try(contains(["file", "image"], value), false) if key == "type"
              ]) if startswith(jsonencode(attachment), "{")
            ]) if startswith(jsonencode(attachments), "[")
          ]) if key == "attachments"
        ]) if startswith(jsonencode(message), "{")
      ]) if startswith(jsonencode(messages), "[")
    ])
    error_message = "messages[*].attachments[*].type must be file or image."
  }

  validation {
    condition = alltrue([
      for messages in [var.messages] : alltrue([
        for message in messages : alltrue([
          for key, value in message : alltrue([
            for attachments in [value] : alltrue([
              for attachment in attachments : alltrue([
                for key, value in attachment : value == null ? true : try(can(regex("^https?://[^\\s]+$", value)), false) if key == "file_url"
              ]) if startswith(jsonencode(attachment), "{")
            ]) if startswith(jsonencode(attachments), "[")
          ]) if key == "attachments"
        ]) if startswith(jsonencode(message), "{")
      ]) if startswith(jsonencode(messages), "[")
    ])
    error_message = "messages[*].attachments[*].file_url must be a URL that begins with https:// or http://."
  }

  validation {
    condition = alltrue([
      for messages in [var.messages] : alltrue([
        for message in messages : alltrue([
          for key, value in message : alltrue([
            for attachments in [value] : alltrue([
              for attachment in attachments : alltrue([
                for key, value in attachment : value == null ? true : try(contains(["low", "high", "auto", "original"], value), false) if key == "detail"
              ]) if startswith(jsonencode(attachment), "{")
            ]) if startswith(jsonencode(attachments), "[")
          ]) if key == "attachments"
        ]) if startswith(jsonencode(message), "{")
      ]) if startswith(jsonencode(messages), "[")
    ])
    error_message = "messages[*].attachments[*].detail must be low, high, auto or original."
  }
}

variable "metadata" {
  description = "Key-value pairs on the thread, at most 16; they change in place"
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
