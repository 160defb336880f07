# What the template and the outputs of a run have in common, as files.py puts it into template.tf.

locals {
  # The stack's outputs by key. Keys are alphanumeric, so that of an output key is its digest.
  output_key_digests = { for key in toset(var.output_keys) : key => "Output${md5(key)}" }
}
