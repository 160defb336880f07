# What the example gives.

output "answers" {
  description = "The answers by the names of their questions"
  value       = { for name, run in module.answers : name => run.output_text }
}

output "ids" {
  description = "The identifiers of the runs by the names of their questions"
  value       = { for name, run in module.answers : name => run.id }
}

output "total_tokens" {
  description = "The tokens of all runs together"
  value       = sum(concat([0], [for run in values(module.answers) : run.usage["total_tokens"] if run.usage["total_tokens"] != null]))
}
