locals {
  messages = [
    for message in try(var.thread.messages, []) : { for name, value in message : name => value if value != null }
  ]

  thread = var.thread == null ? null : {
    for name, value in merge(var.thread, { messages = local.messages }) : name => value if value != null
  }

  arguments = {
    ServiceToken   = var.service_token
    ServiceTimeout = var.service_timeout

    assistant_id          = var.assistant_id
    thread                = local.thread
    existing_thread_id    = var.existing_thread_id
    model                 = var.model
    instructions          = var.instructions
    metadata              = var.metadata
    stream                = var.stream
    max_completion_tokens = var.max_completion_tokens
    temperature           = var.temperature
    top_p                 = var.top_p
    response_format       = var.response_format

    import_id       = var.import_id
    timeout_seconds = var.timeout_seconds
    triggers        = var.triggers
    accept_statuses = var.accept_statuses
    deletion_policy = var.deletion_policy
  }

  # The stack's outputs by key. Keys are alphanumeric, so that of an output key is its digest.
  plain_outputs = {
    Id              = "id"
    ThreadId        = "thread_id"
    CreatedAt       = "created_at"
    StartedAt       = "started_at"
    CompletedAt     = "completed_at"
    Object          = "object"
    Status          = "status"
    FileIds         = "file_ids"
    Usage           = "usage"
    Model           = "model"
    OutputTruncated = "output_truncated"
  }
  output_key_digests = { for key in toset(var.output_keys) : key => "Output${md5(key)}" }
  text_outputs = merge(
    { OutputText = "output_text" },
    { for key, digest in local.output_key_digests : digest => "output.${key}" },
  )

  # A line for each property, so that a plan shows what changes.
  template_text = join("\n", concat(
    [
      "---",
      "AWSTemplateFormatVersion: \"2010-09-09\"",
      "Description: An OpenAI thread run.",
      "Resources:",
      "  ThreadRun:",
      "    Type: Custom::OpenAIThreadRun",
      "    Properties:",
    ],
    [for name, value in local.arguments : "      ${name}: ${jsonencode(value)}" if value != null],
    [
      "Outputs:",
      "  PhysicalId: ${jsonencode({ Value = { Ref = "ThreadRun" } })}",
    ],
    [
      for key, attribute in local.plain_outputs :
      "  ${key}: ${jsonencode({ Value = { "Fn::GetAtt" = ["ThreadRun", attribute] } })}"
    ],
    # DescribeStacks returns "?" for every character beyond ASCII: text of the model comes out encoded.
    [
      for key, attribute in local.text_outputs :
      "  ${key}: ${jsonencode({ Value = { "Fn::Base64" = { "Fn::GetAtt" = ["ThreadRun", attribute] } } })}"
    ],
  ))

  # GetTemplate returns "?" for every character beyond ASCII, which would be a change at each plan, so they are escaped.
  # The template is YAML because the provider rewrites JSON, which would undo the escapes.
  # A code point is the sum of its UTF-8 bytes, each worth 64 times the next, less what the bytes' length marks add up to.
  utf8_marks = [0, 12416, 925824, 63447168]
  utf8_bytes = {
    for character in distinct(regexall("[^\\x00-\\x7E]", local.template_text)) : character => [
      for byte in split("%", trimprefix(urlencode(character), "%")) : parseint(byte, 16)
    ]
  }
  code_points = {
    for character, bytes in local.utf8_bytes : character =>
    sum([for index, byte in bytes : byte * pow(64, length(bytes) - 1 - index)]) - local.utf8_marks[length(bytes) - 1]
  }
  escapes = tomap({
    for character, code_point in local.code_points :
    character => format(code_point < 65536 ? "\\u%04x" : "\\U%08x", code_point)
  })

  template_body = join("", [
    for part in regexall("[\\x00-\\x7E]+|[^\\x00-\\x7E]", local.template_text) : lookup(local.escapes, part, part)
  ])
}
