"""The outputs of each module: attributes of its resource, read from the stack's outputs, in their types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic.alias_generators import to_pascal

from local.modules.hcl import attributes, block, quoted

TEXT, NUMBER, BOOLEAN = "try({0}, null)", "try(tonumber({0}), null)", "try(tobool({0}), null)"
TEXT_OR_NULL = 'try({0} != "" ? {0} : null, null)'
ENCODED, ENCODED_OR_NULL = "can({0}) ? base64decode({0}) : null", 'try({0} != "" ? base64decode({0}) : null, null)'
IDS = "try(tolist([for id in jsondecode({0}) : tostring(id)]), null)"
USAGE = """\
tomap({{
  for name in ["prompt_tokens", "completion_tokens", "total_tokens"] :
  name => tonumber(try(jsondecode({0})[name], null))
}})"""
CALLS = """\
try(tolist([
  # Empty text, and not an empty list, where there are none.
  for call in jsondecode({0} == "" ? "[]" : base64decode({0})) :
  {{ call_id = tostring(call.call_id), name = tostring(call.name), arguments = tostring(call.arguments) }}
]), null)"""
OUTPUT = """\
tomap({{
  for key, digest in local.output_key_digests :
  key => tostring(can(local.stack_outputs[digest]) ? base64decode(local.stack_outputs[digest]) : null)
}})"""


@dataclass(frozen=True)
class Output:
    name: str
    form: str = TEXT
    """The value, with {0} for the stack's output."""
    description: str = ""
    """Where the attribute's own says something that is not so here."""
    attribute: str = ""
    """Where the name is another one."""
    is_attribute: bool = True

    @property
    def source(self) -> str:
        return self.attribute or self.name

    @property
    def key(self) -> str:
        """The stack's output that it is read from."""
        return to_pascal(self.source)

    @property
    def is_encoded(self) -> bool:
        """CloudFormation returns no characters beyond ASCII: text that may have some comes in Base64."""
        return "base64decode({0})" in self.form


PHYSICAL_ID = Output("physical_id", TEXT, "`thread_id:run_id`, the form that `import_id` takes", is_attribute=False)
OUTPUTS: Mapping[str, tuple[Output, ...]] = {
    "Custom::OpenAIThreadRun": (
        Output("id"),
        Output("thread_id"),
        PHYSICAL_ID,
        Output("assistant_id", TEXT_OR_NULL),
        Output("assistant_version", NUMBER),
        Output("created_at", NUMBER),
        Output("started_at", NUMBER),
        Output("completed_at", NUMBER),
        Output("object"),
        Output("status"),
        Output("file_ids", IDS, "The IDs of the files that the run had access to, a list"),
        Output(
            "usage",
            USAGE,
            "The tokens that were used, a map of numbers: prompt_tokens, completion_tokens and total_tokens, each null "
            "if unknown",
        ),
        Output("model"),
        Output(
            "required_action",
            CALLS,
            "The calls that the run waits for, a list of objects with `call_id`, `name` and `arguments`; empty "
            "unless its status is requires_action. `arguments` are JSON text, as the model wrote it",
        ),
        Output("output_text", ENCODED),
        Output(
            "output_value",
            'try(jsondecode(base64decode(local.stack_outputs["OutputText"])), null)',
            "The answer as a value, where it is JSON and whole; else null",
            is_attribute=False,
        ),
        Output("output_truncated", BOOLEAN),
        Output("output", OUTPUT, "The values of `output_keys` by key, a map of strings", is_attribute=False),
    ),
    "Custom::OpenAIThread": (Output("id"), Output("created_at", NUMBER)),
    "Custom::OpenAIAssistant": (
        Output("id"),
        Output("version", NUMBER),
        Output("created_at", NUMBER),
        Output("assistant_name", ENCODED_OR_NULL, attribute="name"),
        Output("model"),
    ),
}


def outputs(kind: str, descriptions: Mapping[str, str]) -> list[list[str]]:
    """The blocks of outputs.tf."""
    comment = "# Empty after a create that failed."
    found = [block("locals", [comment, "stack_outputs = aws_cloudformation_stack.this.outputs"])]
    for output in OUTPUTS[kind]:
        text = output.description or _text(descriptions[output.source])
        value = output.form.format(f'local.stack_outputs["{output.key}"]')
        found.append(block(f'output "{output.name}"', attributes([("description", quoted(text)), ("value", value)])))
    last = [("description", quoted("The ARN of the stack")), ("value", "aws_cloudformation_stack.this.id")]
    return [*found, block('output "stack_id"', attributes(last))]


def stack_outputs(kind: str, is_encoded: bool) -> list[str]:
    """A map in HCL of the stack's outputs to attributes of the resource."""
    wanted = [each for each in OUTPUTS[kind] if each.is_attribute and each.is_encoded == is_encoded]
    return ["{", *(f"  {line}" for line in attributes([(each.key, quoted(each.source)) for each in wanted])), "}"]


def _text(attribute: str) -> str:
    """What is said of an attribute, which is text in CloudFormation, where it is a value."""
    return attribute.removesuffix(".").replace("; empty where", "; null where")
