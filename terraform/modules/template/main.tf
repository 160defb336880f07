# The template of a stack with one resource of the application.

locals {
  properties = merge({ ServiceToken = var.service_token, ServiceTimeout = var.service_timeout }, var.arguments)

  # A line for each property, so that a plan shows what changes.
  text = join("\n", concat(
    [
      "---",
      "AWSTemplateFormatVersion: \"2010-09-09\"",
      "Description: ${var.description}",
      "Resources:",
      "  ${var.logical_id}:",
      "    Type: ${var.type}",
      "    Properties:",
    ],
    [for name, value in local.properties : "      ${name}: ${jsonencode(value)}" if value != null],
    [
      "Outputs:",
      "  PhysicalId: ${jsonencode({ Value = { Ref = var.logical_id } })}",
    ],
    [
      for key, attribute in var.plain_outputs :
      "  ${key}: ${jsonencode({ Value = { "Fn::GetAtt" = [var.logical_id, attribute] } })}"
    ],
    # DescribeStacks returns "?" for every character beyond ASCII: text that may have some comes out encoded.
    [
      for key, attribute in var.text_outputs :
      "  ${key}: ${jsonencode({ Value = { "Fn::Base64" = { "Fn::GetAtt" = [var.logical_id, attribute] } } })}"
    ],
  ))

  # GetTemplate returns "?" for every character beyond ASCII, which would be a change at each plan, so they are escaped.
  # The template is YAML because the provider rewrites JSON, which would undo the escapes.
  # A code point is the sum of its UTF-8 bytes, each worth 64 times the next, less what the bytes' length marks add up to.
  utf8_marks = [0, 12416, 925824, 63447168]
  utf8_bytes = {
    for character in distinct(regexall("[^\\x00-\\x7E]", local.text)) : character => [
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

  body = join("", [
    for part in regexall("[\\x00-\\x7E]+|[^\\x00-\\x7E]", local.text) : lookup(local.escapes, part, part)
  ])

  # An error shows the values that its condition names: these keep the texts themselves out of it.
  body_bytes            = length(local.body)
  body_bytes_limit      = 51200
  has_dynamic_reference = strcontains(local.text, "{{resolve:")
}
