"""The constructs for the AWS CDK in cdk/threadrun_cdk: one module for each resource type, written from its model.

Objects of an argument become TypedDicts, each with the name of its model and `Property` behind it, as the CDK has it.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pydantic.alias_generators import to_snake

from local.modules.files import NUMBERS
from local.modules.shapes import Shape, shapes
from local.release import version_of
from threadrun.schema.arguments import RESOURCE_MODELS
from threadrun.schema.desired import Desired, Rule

SETTINGS = Path(__file__).resolve().parents[1] / "pyproject.toml"
PACKAGE = "threadrun_cdk"
MARK = "Written by `make reference` from the models of the application: change those."
IMPORTS = f"""
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, NotRequired, TypedDict
from aws_cdk import Duration, IResolvable, RemovalPolicy
from constructs import Construct
from {PACKAGE}._resource import Resource, Rule, Settings
"""
"""What a module may need: what it does not is taken out again."""
# A token of a number is a float.
_SCALARS = {"string": "str", "integer": "float", "number": "float", "boolean": "bool | IResolvable"}
_OF_ALL = (
    (
        "service_token",
        "str",
        "The output ServiceToken of the application's stack. Default: the export of that name of"
        " `application_stack_name`.",
    ),
    ("application_stack_name", "str", "The name of the application's stack. Default: `threadrun`."),
    ("service_timeout", "Duration", "How long CloudFormation waits for a response, 60 to 3600 seconds. Default: 3600."),
    (
        "removal_policy",
        "RemovalPolicy",
        "With `RETAIN` CloudFormation forgets the resource and asks for no deletion. Default: `DESTROY`.",
    ),
)
"""Arguments that are the CDK's: name, type and description."""


@dataclass(frozen=True)
class Kind:
    """A resource type, and what reference.yaml says of it."""

    kind: str
    texts: Mapping[str, Any]

    @property
    def name(self) -> str:
        return self.kind.removeprefix("Custom::OpenAI")

    @property
    def module(self) -> str:
        return to_snake(self.name)

    @property
    def arguments(self) -> list[Shape]:
        """What all types have comes last."""
        return sorted(shapes(self.model), key=lambda each: each.name in Desired.model_fields)

    @property
    def model(self) -> type[Desired]:
        return RESOURCE_MODELS[self.kind]


def constructs(tree: Path, texts: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[Path, str]]:
    """Each generated file of the package, and what it should be; `texts` are those of reference.yaml."""
    kinds = [Kind(kind, texts[kind]) for kind in RESOURCE_MODELS]
    objects = {name: text for kind in kinds for each in kind.arguments for name, text in _typed_dicts(each).items()}
    written = {"properties": _properties(objects), **{kind.module: _module(kind, objects) for kind in kinds}}
    written["__init__"] = _init(kinds, objects, version_of(tree))
    with TemporaryDirectory() as folder:
        for name, text in written.items():
            Path(folder, f"{name}.py").write_text(text)
        # Takes out the imports that are not needed, and sorts the others.
        for command in (("check", "--fix-only", "--select=I,F401"), ("format",)):
            ruff = [sys.executable, "-m", "ruff", *command, "--quiet", "--no-cache", f"--config={SETTINGS}", folder]
            subprocess.run(ruff, check=True)
        for name in written:
            yield tree / "cdk" / PACKAGE / f"{name}.py", Path(folder, f"{name}.py").read_text()


def _file(title: str, *parts: str) -> str:
    return "\n".join((f'"""{title}\n\n{MARK}\n"""', *parts))


def _init(kinds: Sequence[Kind], objects: Iterable[str], version: str) -> str:
    modules = {**{kind.module: [kind.name] for kind in kinds}, "properties": list(objects)}
    names = sorted(name for each in modules.values() for name in each)
    return _file(
        "Constructs for the AWS CDK: OpenAI thread runs, and what they need, as resources of a stack.",
        *(f"from {PACKAGE}.{module} import {', '.join(each)}" for module, each in modules.items()),
        f"__all__ = {json.dumps(names)}",
        f'__version__ = "{version}"',
    )


# --- objects


def _properties(objects: Mapping[str, str]) -> str:
    # Not `from __future__ import annotations`: TypedDict would not see which keys are required.
    return _file("The objects that arguments take, as dictionaries with typed keys.", IMPORTS, *objects.values())


def _typed_dicts(shape: Shape) -> dict[str, str]:
    """The classes for an argument's objects by their names; what is within one comes before it."""
    if shape.model is None:
        return {}
    within = {name: text for child in shape.children for name, text in _typed_dicts(child).items()}
    lines = [f"class {_name(shape)}(TypedDict):", f'    """{_summary(shape)}"""', ""]
    for child in shape.children:
        hint = _type(child)
        lines.append(f"    {child.name}: {hint if child.is_required else f'NotRequired[{hint}]'}")
        lines += [*_docstring(_described(child), "    ")]
    return within | {_name(shape): "\n".join(lines)}


def _summary(shape: Shape) -> str:
    return f"{'One of' if shape.is_list else 'The keys of'} `{shape.name}`."


def _name(shape: Shape) -> str:
    return f"{shape.model.__name__}Property" if shape.model else ""


def _type(shape: Shape) -> str:
    if shape.children:
        return f"Sequence[{_name(shape)}]" if shape.is_list else _name(shape)
    if shape.is_json:
        return "Mapping[str, Any] | str"
    if shape.is_list:
        return f"Sequence[{_scalar(shape.schema['items'])}]"
    if shape.is_map:
        return "Mapping[str, str]" if "propertyNames" in shape.schema else "Mapping[str, Any]"
    return _scalar(shape.schema)


def _scalar(schema: Mapping[str, object]) -> str:
    choices = schema.get("enum", [schema["const"]] if "const" in schema else None)
    return f"Literal{json.dumps(choices)}" if choices else _SCALARS[str(schema["type"])]


# --- constructs


def _module(kind: Kind, objects: Iterable[str]) -> str:
    names = ", ".join(objects)
    return _file(
        f"The construct of `{kind.kind}`.",
        "from __future__ import annotations",
        IMPORTS,
        f"from {PACKAGE}.properties import {names}",
        f"class {kind.name}(Resource):",
        *_docstring(_plain(kind.texts["introduction"]), "    "),
        f'    resource_type: ClassVar[str] = "{kind.kind}"',
        *_rules(kind.model.rules),
        *_constructor(kind),
        *(line for name, text in kind.texts["attributes"].items() for line in _attribute(kind.kind, name, text)),
    )


def _constructor(kind: Kind) -> Iterator[str]:
    yield "    def __init__(self, scope: Construct, id: str, *,"
    yield from (f"        {each.name}: {_type(each)}," for each in kind.arguments if each.is_required)
    yield from (f"        {name}: {hint} | None = None," for name, hint, _ in _OF_ALL)
    yield from (f"        {each.name}: {_type(each)} | None = None," for each in kind.arguments if not each.is_required)
    yield "    ) -> None:"
    yield '        """Raise `ValueError` for what the application would refuse by its name, kind or place.\n'
    for name, _, text in _OF_ALL:
        yield from _parameter(name, text)
    for each in kind.arguments:
        yield from _parameter(each.name, _described(each))
    yield '        """'
    yield f"        given = {{{', '.join(f'{json.dumps(each.name)}: {each.name}' for each in kind.arguments)}}}"
    yield f"        settings = Settings({', '.join(name for name, _, _ in _OF_ALL)})"
    yield f"        super().__init__(scope, id, settings, given, {kind.name})"


def _rules(rules: Sequence[Rule]) -> list[str]:
    if not rules:
        return []
    written = [f"Rule({json.dumps(each.argument)}, {json.dumps(each.sentence)}, {each.any_of!r})," for each in rules]
    return ["    rules: ClassVar[tuple[Rule, ...]] = (", *(f"        {each}" for each in written), "    )"]


def _described(shape: Shape) -> str:
    """Its description: a timeout is the construct's, and a map in place of JSON text becomes such text."""
    text = f"{shape.description}.".replace("ServiceTimeout", "`service_timeout`")
    return re.sub(r"(, or as a map\b)[^.]*", r"\1", text) if shape.is_json else text


def _parameter(name: str, text: str) -> list[str]:
    lines = textwrap.wrap(f":param {name}: {_escaped(text)}", 108, break_long_words=False, break_on_hyphens=False)
    return [f"        {'' if number == 0 else '    '}{line}" for number, line in enumerate(lines)]


def _docstring(text: str, indent: str) -> list[str]:
    lines = textwrap.wrap(f'"""{_escaped(text)}"""', 120 - len(indent), break_long_words=False, break_on_hyphens=False)
    return [f"{indent}{line}" for line in lines]


def _plain(markdown: str) -> str:
    """Without links."""
    return re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", markdown)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\")


def _attribute(kind: str, name: str, text: str) -> list[str]:
    if "<" in name:
        prefix = name.partition(".")[0]
        head = f"    def {prefix}(self, key: str) -> str:"
        return ["", head, *_docstring(text, "        "), f'        return self.get_att_string(f"{prefix}.{{key}}")']
    is_number = name in NUMBERS[kind] or name.startswith("usage.")
    head = f"    def {name.replace('.', '_')}(self) -> {'float' if is_number else 'str'}:"
    body = f'        return self.{"_number" if is_number else "get_att_string"}("{name}")'
    return ["", "    @property", head, *_docstring(text, "        "), body]
