# What the example takes.

variable "name" {
  description = "Name of the CloudFormation stack"
  type        = string
}

variable "service_token" {
  description = "ARN that serves Custom::OpenAIThreadRun: the application's output ServiceToken"
  type        = string
}

variable "assistant_id" {
  description = "The ID of an assistant"
  type        = string
}

variable "file_id" {
  description = "The ID of a file with documentation, uploaded for the purpose assistants"
  type        = string
}

variable "service_timeout" {
  description = "Seconds that CloudFormation waits for the run"
  type        = number
  default     = 600
}
