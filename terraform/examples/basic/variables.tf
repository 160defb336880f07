# What the example takes.

variable "name" {
  description = "Name of the CloudFormation stack"
  type        = string
}

variable "service_token" {
  description = "ARN that serves Custom::OpenAIThreadRun: the application's output ServiceToken"
  type        = string
}

variable "question" {
  description = "What to ask"
  type        = string
  default     = "What are the best practices for organizing Terraform modules?"
}

variable "model" {
  description = "The model to ask"
  type        = string
  default     = "gpt-5.4-mini"
}

variable "service_timeout" {
  description = "Seconds that CloudFormation waits for the answer"
  type        = number
  default     = 600
}
