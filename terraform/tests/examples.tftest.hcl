# The examples can be planned, and give what they say.

mock_provider "aws" {
  mock_resource "aws_cloudformation_stack" {
    defaults = {
      outputs = { Id = "id_of_the_stack" }
    }
  }
}

variables {
  name          = "example"
  service_token = "arn:aws:lambda:us-east-1:123456789012:function:thread-run"
}

run "basic" {
  module {
    source = "./examples/basic"
  }

  assert {
    condition     = output.id == "id_of_the_stack"
    error_message = "The example must return its run."
  }
}

run "seed" {
  module {
    source = "./examples/seed"
  }

  variables {
    assistant_id = "asst_1"
    file_id      = "file-1"
  }

  assert {
    condition     = output.id == "id_of_the_stack"
    error_message = "The example must return its run."
  }
}

run "existing_thread" {
  module {
    source = "./examples/existing_thread"
  }

  assert {
    condition     = output.id == "id_of_the_stack" && output.existing_thread_id == "id_of_the_stack" && output.expert_id == "id_of_the_stack"
    error_message = "The example must return its run, thread and assistant."
  }
}

run "for_each" {
  module {
    source = "./examples/for_each"
  }

  assert {
    condition     = output.ids == { count = "id_of_the_stack", for-each = "id_of_the_stack" } && output.total_tokens == 0
    error_message = "The example must return a run for each question."
  }
}

run "release_gate" {
  module {
    source = "./examples/release_gate"
  }

  # The stack's output of a key is named by its digest.
  override_resource {
    target = module.gate.aws_cloudformation_stack.this
    values = {
      outputs = { Id = "id_of_the_stack", Outputa80da1282f2c775bbc5f2c92c836968b = "RmFzdGVyIHNlYXJjaC4=" }
    }
  }

  assert {
    condition     = output.id == "id_of_the_stack" && output.summary == "Faster search."
    error_message = "The example must return its run and the review's summary."
  }
}
