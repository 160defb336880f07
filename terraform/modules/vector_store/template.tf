# `make reference` writes this file from the models of the resource types: change those.
# The template of the stack with the vector store.

locals {
  chunking_strategy = var.chunking_strategy == null ? null : {
    for key, value in {
      type = tostring(var.chunking_strategy.type)
      static = try(var.chunking_strategy.static, null) == null ? null : {
        for key, value in {
          max_chunk_size_tokens = tonumber(var.chunking_strategy.static.max_chunk_size_tokens)
          chunk_overlap_tokens  = tonumber(var.chunking_strategy.static.chunk_overlap_tokens)
        } : key => value if value != null
      }
    } : key => value if value != null
  }
}

module "template" {
  source          = "../template"
  description     = "A vector store at OpenAI."
  logical_id      = "VectorStore"
  type            = "Custom::OpenAIVectorStore"
  service_token   = var.service_token
  service_timeout = var.service_timeout

  arguments = {
    name               = var.vector_store_name
    file_ids           = var.file_ids
    chunking_strategy  = local.chunking_strategy
    expires_after_days = var.expires_after_days
    metadata           = var.metadata
    deletion_policy    = var.deletion_policy
  }

  plain_outputs = {
    Id         = "id"
    Status     = "status"
    FileCounts = "file_counts"
    UsageBytes = "usage_bytes"
    CreatedAt  = "created_at"
  }

  text_outputs = {
    Name = "name"
  }
}
