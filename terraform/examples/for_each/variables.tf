# What the example takes.

variable "name" {
  description = "What the names of the CloudFormation stacks begin with"
  type        = string
}

variable "service_token" {
  description = "ARN that serves Custom::OpenAIThreadRun: the application's output ServiceToken"
  type        = string
}

variable "questions" {
  description = "What to ask, by a name of letters, digits and hyphens"
  type        = map(string)
  default = {
    count    = "When is count better than for_each?"
    for-each = "When is for_each better than count?"
  }
}

variable "model" {
  description = "The model to ask"
  type        = string
  default     = "gpt-5.4-mini"
}

variable "service_timeout" {
  description = "Seconds that CloudFormation waits for each answer"
  type        = number
  default     = 600
}
