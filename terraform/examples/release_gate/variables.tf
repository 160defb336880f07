# What the example takes.

variable "name" {
  description = "Name of the CloudFormation stack, and first part of the parameter's name"
  type        = string
}

variable "service_token" {
  description = "ARN that serves Custom::OpenAIThreadRun: the application's output ServiceToken"
  type        = string
}

variable "changes" {
  description = "What has changed, a line each"
  type        = string
  default     = "Speed up the search by an index on the orders' dates.\nDrop the column customers.email, which nothing reads any more."
}

variable "model" {
  description = "The model that reviews"
  type        = string
  default     = "gpt-5.4-mini"
}

variable "service_timeout" {
  description = "Seconds that CloudFormation waits for the review"
  type        = number
  default     = 600
}
