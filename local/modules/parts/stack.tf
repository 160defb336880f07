# The variables of every module, as files.py puts them into variables.tf.

variable "name" {
  description = "Name of the CloudFormation stack that holds the <thing>. Another name is another stack and a new <thing>"
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z][A-Za-z0-9-]{0,127}$", var.name))
    error_message = "name must start with a letter and have at most 128 letters, digits and hyphens."
  }
}

variable "service_token" {
  description = "ARN that serves <kind>: the application's output ServiceToken"
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
