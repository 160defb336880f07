# What the module needs.

terraform {
  required_version = ">= 1.5"
}
