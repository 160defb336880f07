"""docs/schemas: what an editor holds a template against agrees with what the application takes."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator
from pydantic.alias_generators import to_pascal
from referencing import Registry
from referencing.jsonschema import DRAFT7

from local.modules.shapes import shapes
from local.reference import SCHEMAS
from tests.support.values_of_models import Values
from threadrun.schema.arguments import RESOURCE_MODELS, AnyDesired
from threadrun_cli.intrinsics import plain
from threadrun_cli.template import Node, parse_template, read_template

EXAMPLES = sorted((SCHEMAS.parent / "examples").glob("*.yaml"))
FILES = {path.name: json.loads(path.read_text()) for path in SCHEMAS.glob("*.json")}
REGISTRY: Any = Registry().with_resources((name, DRAFT7.create_resource(each)) for name, each in FILES.items())  # type: ignore[call-arg]
MISTAKES: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("mistakes.yaml").read_text())
SEEN_LATER = {
    *("both kinds of thread", "no thread", "no properties"),
    *("a property of a schema that is text", "required as text in a schema", "a misspelt type in a schema"),
    *("a schema that is not valid JSON", "parameters that are not valid JSON", "an unquoted yes in a schema"),
    *("a word for a number", "a word for a boolean", "a ServiceTimeout with a unit"),
    "metadata within metadata",
    *("a resource type that does not exist", "an export that does not exist", "an attribute in the other style"),
}
"""What depends on several properties, on the inside of a schema, on text that may be a function, or on a reference."""


def problems(file: str, value: Any) -> list[str]:
    return [error.message for error in Draft7Validator(FILES[file], registry=REGISTRY).iter_errors(value)]


def as_an_editor_reads(value: Any) -> Any:
    """Data with its numbers, of which CloudFormation makes text."""
    if isinstance(value, dict):
        return {name: as_an_editor_reads(each) for name, each in value.items()}
    if isinstance(value, list):
        return [as_an_editor_reads(each) for each in value]
    return float(value) if isinstance(value, str) and re.fullmatch(r"[0-9.]+", value) else value


def file_of(kind: str) -> str:
    return f"{kind.removeprefix('Custom::OpenAI').lower()}.json"


def in_pascal(model: type[Any], value: Any) -> Any:
    """The value with its keys in PascalCase, as far as they are those of a model."""
    if isinstance(value, list):
        return [in_pascal(model, each) for each in value]
    known = {each.name: each.model for each in shapes(model)}
    return {to_pascal(name): in_pascal(known[name], each) if known[name] else each for name, each in value.items()}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda each: each.stem)
def test_the_examples_are_as_the_schemas_say(path: Path) -> None:
    template = read_template(path)
    assert isinstance(template, Node)
    assert problems("template.json", as_an_editor_reads(plain(template))) == []


@pytest.mark.parametrize("model", RESOURCE_MODELS.values(), ids=list(RESOURCE_MODELS))
def test_every_argument_is_taken_in_both_styles(model: type[AnyDesired]) -> None:
    Draft7Validator.check_schema(FILES[file_of(model.resource_type)])
    values = Values(model)
    given = {name: json.loads(json.dumps(values.good(name))) for name in values.schemas}
    token = {"ServiceToken": {"Fn::ImportValue": "threadrun-ServiceToken"}}
    assert problems(file_of(model.resource_type), token | given) == []
    pascal = in_pascal(model, given)
    assert problems(file_of(model.resource_type), token | pascal) == []
    assert problems(file_of(model.resource_type), token | pascal | {"Modell": "m"}) != []
    assert problems(file_of(model.resource_type), token | {name: {"Ref": "Anything"} for name in given}) == []


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda each: each["mistake"])
def test_what_one_place_tells_is_underlined(mistake: dict[str, Any]) -> None:
    template = parse_template(mistake["template"])
    assert template is not None
    found = problems("template.json", as_an_editor_reads(plain(template)))
    assert bool(found) == ("says" in mistake and mistake["mistake"] not in SEEN_LATER), found
