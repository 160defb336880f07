# What the example takes.

variable "name" {
  description = "Name of the CloudFormation stack of the first run; those of the others begin with it"
  type        = string
}

variable "service_token" {
  description = "ARN that serves all resource types: the application's output ServiceToken"
  type        = string
}

variable "documentation" {
  description = "What the run may read"
  type        = string
  default     = "Keep a module small, and give it one reason to change."
}

variable "service_timeout" {
  description = "Seconds that CloudFormation waits for the run"
  type        = number
  default     = 600
}
