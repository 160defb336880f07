"""The .tf files of each module: one `aws_cloudformation_stack` with one resource of the application."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic.alias_generators import to_pascal

from local.modules.checks import preconditions, validations
from local.modules.hcl import attributes, block, bracketed, file, quoted
from local.modules.shapes import SCALARS, Shape, shapes
from threadrun.schema.arguments import RESOURCE_MODELS
from threadrun.schema.desired import Desired, Rule

PARTS = Path(__file__).with_name("parts")
"""What is the same in every module, with <kind> for the type of its resource and so on."""
_OUTPUTS = yaml.safe_load(Path(__file__).with_name("outputs.yaml").read_text())
NUMBERS = {
    kind: frozenset(each.get("attribute", each["name"]) for each in outputs if each.get("form") == "number")
    for kind, outputs in _OUTPUTS["outputs"].items()
}
"""The attributes of each resource type that are numbers."""
_TO = {"string": "tostring", "number": "tonumber", "bool": "tobool"}
_IF_GIVEN = "} : key => value if value != null"
TYPE = ". Type: `"
"""What stands in a description before the type of a variable that is declared as `any`."""


@dataclass(frozen=True)
class Module:
    """A folder, and what it makes of the arguments of its resource type."""

    kind: str
    folder: str

    @property
    def is_run(self) -> bool:
        return self.folder == "."

    @property
    def thing(self) -> str:
        return "run" if self.is_run else Path(self.folder).name.replace("_", " ")

    @property
    def left_out(self) -> frozenset[str]:
        """Nothing but a run waits for a run: `service_timeout` is enough."""
        return frozenset() if self.is_run else frozenset({"timeout_seconds"})

    @property
    def renamed(self) -> dict[str, str]:
        """`name` is the stack's, and `source` is Terraform's own."""
        return {"name": f"{Path(self.folder).name}_name", "source": "source_uri"}

    @property
    def rules(self) -> tuple[Rule, ...]:
        return RESOURCE_MODELS[self.kind].rules

    def arguments(self) -> list[tuple[str, Shape]]:
        """The arguments by the names of their variables; what all types have comes last."""
        found = [each for each in shapes(RESOURCE_MODELS[self.kind]) if each.name not in self.left_out]
        found.sort(key=lambda each: each.name in Desired.model_fields)
        return [(self.renamed.get(each.name, each.name), each) for each in found]

    def part(self, name: str, **blocks: Sequence[str]) -> list[str]:
        """The lines of a part; a line of it that is the name of a block stands for the lines of that."""
        _, _, text = (PARTS / f"{name}.tf").read_text().partition("\n\n")
        words = {"kind": self.kind, "thing": self.thing, "logical_id": self.kind.removeprefix("Custom::OpenAI")}
        words["source"] = "./modules/template" if self.is_run else "../template"
        words["article"] = "An" if self.thing[0] in "aeiou" else "A"
        for word, value in words.items():
            text = text.replace(f"<{word}>", value)
        lines = list[str]()
        for line in text.splitlines():
            name = line.strip(" <>")
            within = blocks[name] if line.endswith(f"<{name}>") else [line.lstrip()]
            indent = " " * (len(line) - len(line.lstrip()))
            lines += [f"{indent}{each}" if each else each for each in within]
        return lines


MODULES = (
    Module("Custom::OpenAIThreadRun", "."),
    Module("Custom::OpenAIThread", "modules/thread"),
    Module("Custom::OpenAIAssistant", "modules/assistant"),
    Module("Custom::OpenAIFile", "modules/file"),
    Module("Custom::OpenAIVectorStore", "modules/vector_store"),
)


def files(tree: Path, attributes_of: Mapping[str, Mapping[str, str]]) -> Iterator[tuple[Path, str]]:
    """Each generated file of each module, and what it should be; `attributes_of` describes those of each type."""
    for module in MODULES:
        folder = tree / "terraform" / module.folder
        written = [line for each in _outputs(module.kind, attributes_of[module.kind]) for line in ["", *each]]
        yield folder / "variables.tf", file(f"What the {module.thing} takes.", *_variables(module))
        template = _template(module, attributes_of[module.kind])
        yield folder / "template.tf", file(f"The template of the stack with the {module.thing}.", *template)
        # Not variable validation: that sees other variables from Terraform 1.9 on only.
        main = module.part("main", preconditions=preconditions(module.rules, module.renamed))
        yield folder / "main.tf", file(f"The stack with the {module.thing}.", main)
        yield (
            folder / "outputs.tf",
            file(f"What the {module.thing} gives.", module.part("outputs", outputs=written[1:])),
        )
        yield folder / "versions.tf", file("What the module needs.", module.part("versions"))


def _variables(module: Module) -> Iterator[list[str]]:
    yield module.part("stack")
    for name, shape in module.arguments():
        description = shape.sentences(module.renamed).replace("ServiceTimeout", "`service_timeout`")
        if not shape.is_typed:
            description += f"{TYPE}{shape.type}`"
        pairs = [("description", quoted(description)), ("type", shape.type if shape.is_typed else "any")]
        pairs += [("nullable", "false")] if shape.is_required else [("default", "null")]
        yield block(f'variable "{name}"', attributes(pairs), *validations(shape, name))
    if module.is_run:
        yield module.part("output_keys")


def _template(module: Module, descriptions: Mapping[str, str]) -> Iterator[list[str]]:
    given = module.arguments()
    cleaned = [(name, shape) for name, shape in given if not shape.is_typed]
    values = [(name, f"var.{name} == null ? null : {_body(shape, f'var.{name}')}") for name, shape in cleaned]
    if values:
        yield block("locals", *(attributes([pair]) for pair in values))
    encoded = bracketed("{", _stack_outputs(module.kind, descriptions, is_encoded=True), "}")
    if module.is_run:
        yield module.part("output_key_digests")
        by_key = '{ for key, digest in local.output_key_digests : digest => "output.${key}" },'
        encoded = bracketed("merge(", [*encoded[:-1], "},", by_key], ")")
    yield module.part(
        "template",
        arguments=attributes([(each.name, f"{'var' if each.is_typed else 'local'}.{name}") for name, each in given]),
        plain_outputs=_stack_outputs(module.kind, descriptions, is_encoded=False),
        text_outputs=attributes([("text_outputs", "\n".join(encoded))]),
    )


# --- outputs, as outputs.yaml says


def _outputs(kind: str, descriptions: Mapping[str, str]) -> Iterator[list[str]]:
    """The blocks of outputs.tf; `descriptions` are those of the attributes, which are text in CloudFormation."""
    for output in _OUTPUTS["outputs"][kind]:
        attribute = output.get("attribute", output["name"])
        text = output.get("text") or descriptions[attribute].removesuffix(".").replace("; empty where", "; null where")
        value = _form(output).format(f'local.stack_outputs["{to_pascal(attribute)}"]')
        yield block(f'output "{output["name"]}"', attributes([("description", quoted(text)), ("value", value)]))


def _stack_outputs(kind: str, names: Mapping[str, str], *, is_encoded: bool) -> list[str]:
    """Lines of a map in HCL of the stack's outputs to attributes, which are the keys of `names`."""
    chosen = [each for each in _OUTPUTS["outputs"][kind] if ("base64decode({0})" in _form(each)) == is_encoded]
    found = (each.get("attribute", each["name"]) for each in chosen)
    return attributes([(to_pascal(name), quoted(name)) for name in found if name in names])


def _form(output: Mapping[str, str]) -> str:
    return str(_OUTPUTS["forms"][output.get("form", "text")])


# --- arguments as they go into a template: without what was left out, each value in its type


def _body(shape: Shape, value: str) -> str:
    """The expression for what `value` of a variable has."""
    if shape.is_list and shape.children:
        each = bracketed(f"for {shape.item} in {value} : {{", _object(shape, shape.item), "}")
        return "\n".join(bracketed("[", each, "]"))
    if shape.children:
        return "\n".join(bracketed("{", _object(shape, value), "}"))
    if shape.is_json:
        # A map as text: CloudFormation would make strings of its numbers.
        return f"try(tostring({value}), jsonencode({value}))"
    if shape.is_map:
        return f"{{ for key, text in {value} : key => tostring(text) }}"
    if shape.is_list:
        return f"[for each in {value} : {_TO[SCALARS[shape.schema['items']['type']]]}(each)]"
    return f"{_TO[SCALARS[shape.schema['type']]]}({value})"


def _object(shape: Shape, value: str) -> list[str]:
    keys = [(each.name, _of_key(each, f"{value}.{each.name}")) for each in shape.children]
    return bracketed("for key, value in {", attributes(keys), _IF_GIVEN)


def _of_key(shape: Shape, value: str) -> str:
    written = _body(shape, value)
    if shape.is_required:
        return written
    if shape.children and not shape.is_list:
        return f"try({value}, null) == null ? null : {written}"
    return f"try({written}, null)"
