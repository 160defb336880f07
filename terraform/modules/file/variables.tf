# `make reference` writes this file from the models of the resource types: change those.
# What the file takes.

variable "name" {
  description = "Name of the CloudFormation stack that holds the file. Another name is another stack and a new file"
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z][A-Za-z0-9-]{0,127}$", var.name))
    error_message = "name must start with a letter and have at most 128 letters, digits and hyphens."
  }
}

variable "service_token" {
  description = "ARN that serves Custom::OpenAIFile: the application's output ServiceToken"
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

variable "filename" {
  description = "Its name, which the model sees, 256 characters at most. A server takes the type from its ending"
  type        = string
  nullable    = false

  validation {
    condition     = length(var.filename) >= 1 && length(var.filename) <= 256
    error_message = "filename must have 1 to 256 characters."
  }
}

variable "content" {
  description = "What is in it, as text. CloudFormation bounds it, by the size of a template. Required unless `content_base64` or `source_uri` is given"
  type        = string
  default     = null

  validation {
    condition     = var.content == null ? true : length(var.content) >= 1
    error_message = "content must be text that is not empty."
  }
}

variable "content_base64" {
  description = "What is in it, in Base64"
  type        = string
  default     = null

  validation {
    condition     = var.content_base64 == null ? true : length(var.content_base64) >= 1
    error_message = "content_base64 must be text that is not empty."
  }
}

variable "source_uri" {
  description = "What is in it, as an object in S3, `s3://bucket/key`, of 512 MB at most. The application's `FileBuckets` say which buckets may be read. Another object under its key is not a change; another `source_version` is"
  type        = string
  default     = null

  validation {
    condition     = var.source_uri == null ? true : can(regex("^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/.+$", var.source_uri))
    error_message = "source_uri must match ^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/.+$."
  }
}

variable "source_version" {
  description = "The version of the object, in a bucket that keeps versions"
  type        = string
  default     = null

  validation {
    condition     = var.source_version == null ? true : length(var.source_version) >= 1
    error_message = "source_version must be text that is not empty."
  }
}

variable "purpose" {
  description = "What it is for: `assistants`, `batch`, `evals`, `fine-tune`, `user_data` or `vision`. Default: `user_data` (`assistants` where the server speaks Assistants v2)"
  type        = string
  default     = null

  validation {
    condition     = var.purpose == null ? true : contains(["assistants", "batch", "evals", "fine-tune", "user_data", "vision"], var.purpose)
    error_message = "purpose must be assistants, batch, evals, fine-tune, user_data or vision."
  }
}

variable "expires_after_seconds" {
  description = "Seconds after which the server deletes it, 3600 to 2592000 (30 days). The next update of the resource uploads it again, as another file. Default: never"
  type        = number
  default     = null

  validation {
    condition     = var.expires_after_seconds == null ? true : var.expires_after_seconds >= 3600 && var.expires_after_seconds <= 2592000 && floor(var.expires_after_seconds) == var.expires_after_seconds
    error_message = "expires_after_seconds must be a whole number from 3600 to 2592000."
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
