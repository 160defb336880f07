# What the example takes.

variable "name" {
  description = "Name of the CloudFormation stack of the run, and what the names of the other two begin with"
  type        = string
}

variable "service_token" {
  description = "ARN that serves the resources: the application's output ServiceToken"
  type        = string
}

variable "service_timeout" {
  description = "Seconds that CloudFormation waits for the run"
  type        = number
  default     = 600
}
