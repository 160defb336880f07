"""JSON Schemas of the resource types' properties, for editors: made of the models, in both styles of keys.

They are looser than the application where an editor cannot know better: a value may be one of CloudFormation's
functions, and text may stand for a number.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic.alias_generators import to_pascal

from local.modules.shapes import Shape, shapes
from threadrun.schema.arguments import RESOURCE_MODELS
from threadrun.schema.desired import MAX_SERVICE_TIMEOUT_SECONDS, Desired
from threadrun.schema.parsing import MIN_SERVICE_TIMEOUT_SECONDS

DIALECT = "http://json-schema.org/draft-07/schema#"
"""The newest that YAML language servers know whole."""
FUNCTION = {
    "description": "A function of CloudFormation.",
    "type": "object",
    "minProperties": 1,
    "maxProperties": 1,
    "patternProperties": {"^(Ref|Fn::.+)$": {}},
    "additionalProperties": False,
}
_LIMITS = {"ge": "minimum", "le": "maximum"}
_TEXT_OF = {"number", "integer", "boolean"}
_KEPT = frozenset(
    {"type", "enum", "const", "pattern", "patternErrorMessage", "minimum", "maximum", "minLength", "maxLength"}
    | {"maxProperties", "propertyNames"}
)


Spell = Callable[[str], str]


def schemas(folder: Path) -> Iterator[tuple[Path, str]]:
    """Each schema by its file, and `template.json`, which has all of them for whole templates."""
    types = {kind: f"{kind.removeprefix('Custom::OpenAI').lower()}.json" for kind in RESOURCE_MODELS}
    for kind, model in RESOURCE_MODELS.items():
        yield folder / types[kind], _text(_resource(model))
    yield folder / "template.json", _text(_template(types))


def _text(schema: dict[str, Any]) -> str:
    return json.dumps(schema, indent=2) + "\n"


def _template(types: dict[str, str]) -> dict[str, Any]:
    each = [
        {
            "if": {"properties": {"Type": {"const": kind}}, "required": ["Type"]},
            "then": {"properties": {"Properties": {"$ref": file}}, "required": ["Properties"]},
        }
        for kind, file in types.items()
    ]
    kinds = {"anyOf": [{"type": "string"}, {"enum": list(types)}]}
    resource = {"type": "object", "properties": {"Type": kinds}, "allOf": each}
    return {
        "$schema": DIALECT,
        "title": "A template with resources of this application",
        "type": "object",
        "properties": {"Resources": {"type": "object", "additionalProperties": resource}},
    }


def _resource(model: type[Desired]) -> dict[str, Any]:
    seconds = {"minimum": MIN_SERVICE_TIMEOUT_SECONDS, "maximum": MAX_SERVICE_TIMEOUT_SECONDS}
    token = "The output ServiceToken of the application's stack."  # noqa: S105  a description
    own = {
        "ServiceToken": {"description": token, **_or_function({"type": "string"})},
        "ServiceTimeout": {
            "description": "Seconds that CloudFormation waits for a response, 60 to 3600. Default: 3600.",
            **_or_function({"type": ["integer", "string"], **seconds}),
        },
    }
    return {
        "$schema": DIALECT,
        "title": f"Properties of {model.resource_type}",
        # By the keys that there are, so that an editor shows the problems of one style only.
        "if": {"patternProperties": {"^[a-z]": False}},
        "then": _with(own, _object(shapes(model), to_pascal)),
        "else": _with(own, _object(shapes(model), str)),
        "definitions": {"function": FUNCTION},
    }


def _with(own: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    required = ["ServiceToken", *schema.get("required", ())]
    return {**schema, "properties": {**own, **schema["properties"]}, "required": required}


def _object(fields: Sequence[Shape], spell: Spell) -> dict[str, Any]:
    required = [spell(each.name) for each in fields if each.is_required]
    return {
        "type": "object",
        "properties": {spell(each.name): _value(each, spell) for each in fields},
        **({"required": required} if required else {}),
        "additionalProperties": False,
    }


def _value(shape: Shape, spell: Spell) -> dict[str, Any]:
    schema = _object(shape.children, spell) if shape.children else _plain(shape)
    if shape.is_list:
        least = {key: shape.schema[key] for key in ("minItems",) if key in shape.schema}
        items = schema if shape.children else _scalar(shape.schema["items"])
        schema = {"type": "array", "items": _or_function(items), **least}
    return {"description": f"{shape.sentences()}.", **_or_function(schema)}


def _plain(shape: Shape) -> dict[str, Any]:
    if shape.is_json:
        return {"type": ["object", "string"]}
    return {"type": "object"} if shape.is_map and "maxProperties" not in shape.schema else _scalar(shape.schema)


def _scalar(schema: dict[str, Any]) -> dict[str, Any]:
    # Pydantic has its own words for the limits of what is read before it is compared.
    kept = {_LIMITS.get(key, key): value for key, value in schema.items() if _LIMITS.get(key, key) in _KEPT}
    return kept | {"type": [kept["type"], "string"]} if kept.get("type") in _TEXT_OF else kept


def _or_function(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"$ref": "#/definitions/function"}]}
