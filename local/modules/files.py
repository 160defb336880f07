"""The .tf files of each module: one `aws_cloudformation_stack` with one resource of the application."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel

from local.modules.bodies import body
from local.modules.checks import validations
from local.modules.hcl import attributes, block, file, indented, quoted
from local.modules.outputs import outputs, stack_outputs
from local.modules.shapes import Shape, shapes
from threadrun.schema.arguments import RESOURCE_MODELS, Desired

PARTS = Path(__file__).with_name("parts")
"""What is the same in every module, with <kind> for the type of its resource and <thing> for what that is."""
TYPE = ". Type: `"
"""What stands in a description before the type of a variable that is declared as `any`."""


@dataclass(frozen=True)
class Module:
    """A folder, and what is not in the models of its resource type."""

    folder: str
    kind: str
    logical_id: str
    thing: str
    left_out: frozenset[str] = frozenset()
    renamed: Mapping[str, str] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    """Arguments that the model's `conflicts` require in every case."""
    conflicts: tuple[tuple[str, str], ...] = ()
    """What the model's `conflicts` say beyond that: conditions in HCL, and sentences."""
    has_output_keys: bool = False


NO_RUN = frozenset({"timeout_seconds"})
"""Neither a thread nor an assistant waits for a run: `service_timeout` is enough."""
HAS_THREAD = "var.existing_thread_id != null || try(length(var.thread.messages), 0) > 0"
MODULES = (
    Module(
        ".",
        "Custom::OpenAIThreadRun",
        "ThreadRun",
        "run",
        conflicts=(
            (
                "var.thread == null || var.existing_thread_id == null",
                "thread conflicts with existing_thread_id: give one of the two.",
            ),
            (
                f"var.import_id != null || {HAS_THREAD}",
                "A thread with messages or an existing_thread_id is required.",
            ),
            (
                "var.import_id != null || var.assistant_id != null || var.model != null",
                "An assistant_id or a model is required.",
            ),
        ),
        has_output_keys=True,
    ),
    Module("modules/thread", "Custom::OpenAIThread", "Thread", "thread", NO_RUN),
    Module(
        "modules/assistant",
        "Custom::OpenAIAssistant",
        "Assistant",
        "assistant",
        NO_RUN,
        renamed={"name": "assistant_name"},
        required=frozenset({"model"}),
    ),
)


def files(tree: Path, attributes_of: Mapping[str, Mapping[str, str]]) -> Iterator[tuple[Path, str]]:
    """Each generated file of each module, and what it should be; `attributes_of` describes those of each type."""
    for module in MODULES:
        folder = tree / "terraform" / module.folder
        given = arguments(module)
        yield folder / "variables.tf", _variables(module, given)
        yield folder / "template.tf", _template(module, given)
        yield folder / "main.tf", file(f"The stack with the {module.thing}.", _stack(module))
        yield (
            folder / "outputs.tf",
            file(f"What the {module.thing} gives.", *outputs(module.kind, attributes_of[module.kind])),
        )
        yield folder / "versions.tf", file("What the module needs.", _part("versions", module))


def arguments(module: Module) -> list[tuple[str, Shape]]:
    """The arguments by the names of their variables."""
    model: type[BaseModel] = RESOURCE_MODELS[module.kind]
    found = [each for each in shapes(model) if each.name not in module.left_out]
    # What all types have comes last.
    found.sort(key=lambda each: each.name in Desired.model_fields)
    return [(module.renamed.get(each.name, each.name), each) for each in found]


def _variables(module: Module, given: list[tuple[str, Shape]]) -> str:
    written = [_variable(name, shape, shape.name in module.required) for name, shape in given]
    more = [_part("output_keys", module)] if module.has_output_keys else []
    return file(f"What the {module.thing} takes.", _part("stack", module), *written, *more)


def _variable(name: str, shape: Shape, is_required: bool) -> list[str]:
    description = shape.description.replace("ServiceTimeout", "`service_timeout`")
    if not shape.is_typed:
        description += f"{TYPE}{shape.type}`"
    pairs = [("description", quoted(description)), ("type", shape.type if shape.is_typed else "any")]
    pairs += [("nullable", "false")] if is_required else [("default", "null")]
    return block(f'variable "{name}"', attributes(pairs), *validations(shape, name, is_required))


def _template(module: Module, given: list[tuple[str, Shape]]) -> str:
    cleaned = [(name, shape) for name, shape in given if not shape.is_typed]
    values = [(name, f"var.{name} == null ? null : {body(shape, f'var.{name}')}") for name, shape in cleaned]
    made = [block("locals", *(attributes([pair]) for pair in values))] if values else []
    if module.has_output_keys:
        made.append(_part("output_key_digests", module))
    handed_on = [(shape.name, f"{'var' if shape.is_typed else 'local'}.{name}") for name, shape in given]
    folder = "./modules/template" if module.folder == "." else "../template"
    article = "An" if module.thing[0] in "aeiou" else "A"
    head = [
        ("source", quoted(folder)),
        ("description", quoted(f"{article} {module.thing} at OpenAI.")),
        ("logical_id", quoted(module.logical_id)),
        ("type", quoted(module.kind)),
        ("service_token", "var.service_token"),
        ("service_timeout", "var.service_timeout"),
    ]
    encoded = "\n".join(stack_outputs(module.kind, is_encoded=True))
    if module.has_output_keys:
        by_key = '{ for key, digest in local.output_key_digests : digest => "output.${key}" }'
        encoded = "\n".join(["merge(", *indented(f"{encoded},".split("\n")), f"  {by_key},", ")"])
    call = block(
        'module "template"',
        attributes(head),
        attributes([("arguments", "\n".join(["{", *indented(attributes(handed_on)), "}"]))]),
        attributes([("plain_outputs", "\n".join(stack_outputs(module.kind, is_encoded=False)))]),
        attributes([("text_outputs", encoded)]),
    )
    return file(f"The template of the stack with the {module.thing}.", *made, call)


def _stack(module: Module) -> list[str]:
    """The resource, with a precondition for each conflict."""
    lines = _part("main", module)
    if module.conflicts:
        conditions = [
            attributes([("condition", one), ("error_message", quoted(text))]) for one, text in module.conflicts
        ]
        written = [line for each in conditions for line in ["", *block("precondition", each)]]
        # Not variable validation: that sees other variables from Terraform 1.9 on only.
        lines[-2:-2] = indented(indented(written))
    return lines


def _part(name: str, module: Module) -> list[str]:
    _, _, text = (PARTS / f"{name}.tf").read_text().partition("\n\n")
    return text.replace("<kind>", module.kind).replace("<thing>", module.thing).splitlines()
