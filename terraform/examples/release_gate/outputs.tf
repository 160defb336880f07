# What the example gives.

output "summary" {
  description = "What the review says of the changes"
  value       = module.gate.output["summary"]
}

output "id" {
  description = "The identifier of the run"
  value       = module.gate.id
}

output "parameter_name" {
  description = "The name of the parameter that was released"
  value       = aws_ssm_parameter.release_notes.name
}
