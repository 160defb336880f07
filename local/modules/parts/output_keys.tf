# The last variable of a run, as files.py puts it into variables.tf.

variable "output_keys" {
  description = "Top-level keys of an output that is a JSON object, to return as `output`. A key that the output does not have fails the stack"
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for key in var.output_keys : try(length(key) > 0, false)])
    error_message = "output_keys must not have an empty key."
  }
}
