# What the example gives.

output "notices" {
  description = "The notices by region"
  value = {
    (var.first.region)  = module.first.output_text
    (var.second.region) = module.second.output_text
  }
}

output "ids" {
  description = "The identifiers of the runs by region"
  value = {
    (var.first.region)  = module.first.id
    (var.second.region) = module.second.id
  }
}

output "stack_ids" {
  description = "The ARNs of the stacks by region"
  value = {
    (var.first.region)  = module.first.stack_id
    (var.second.region) = module.second.stack_id
  }
}
