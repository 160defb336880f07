# What the example takes.

variable "name" {
  description = "Name of the CloudFormation stack, the same in both regions"
  type        = string
}

variable "application" {
  description = "Name of the application's stack, the same in both regions"
  type        = string
  default     = "threadrun"
}

variable "first" {
  description = "A region, and the language of its notice"
  type        = object({ region = string, language = string })
  default     = { region = "us-east-1", language = "English" }
}

variable "second" {
  description = "Another region, and the language of its notice"
  type        = object({ region = string, language = string })
  default     = { region = "eu-central-1", language = "German" }
}

variable "notice" {
  description = "The notice for the users of both regions"
  type        = string
  default     = "Orders cannot be changed on Sunday from 2 to 3 o'clock UTC."
}

variable "model" {
  description = "The model that translates"
  type        = string
  default     = "gpt-5.4-mini"
}

variable "service_timeout" {
  description = "Seconds that CloudFormation waits for each translation"
  type        = number
  default     = 600
}
