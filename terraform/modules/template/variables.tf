# What the module takes.

variable "description" {
  description = "What the stack is"
  type        = string
}

variable "logical_id" {
  description = "Name of the resource within the template"
  type        = string
}

variable "type" {
  description = "Type of the resource"
  type        = string
}

variable "service_token" {
  description = "ARN that serves the resource"
  type        = string
}

variable "service_timeout" {
  description = "Seconds that CloudFormation waits for an answer"
  type        = number
}

variable "arguments" {
  description = "The resource's other properties by name. One that is null is left out; null within a property is not"
  type        = any
}

variable "plain_outputs" {
  description = "Attributes of ASCII characters only, by key of the stack's output"
  type        = map(string)
}

variable "text_outputs" {
  description = "Attributes of any characters, by key of the stack's output, which holds them in Base64"
  type        = map(string)
}
