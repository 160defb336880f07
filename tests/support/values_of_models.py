"""Values for each argument of a resource type, good ones and bad ones, from the JSON Schema of its model."""

import re
from collections.abc import Iterator
from typing import Any

from threadrun.schema.arguments import AnyDesired
from threadrun.schema.types import TypedProperties

MATCHING = (
    "s3://documents/key",
    *("name_1", "thread_1:run_1", "DE", "https://example.com/path"),
    "arn:aws:lambda:us-east-1:123456789012:function:answer:live",
    "arn:aws:secretsmanager:us-east-1:123456789012:secret:mcp/token-AbCdEf",
)
"""One of them matches any pattern of an argument."""
LEAST: dict[str, dict[str, Any]] = {
    "Custom::OpenAIThreadRun": {"model": "m", "thread": {"messages": [{"role": "user", "content": "Hi."}]}},
    "Custom::OpenAIThread": {},
    "Custom::OpenAIAssistant": {"model": "m"},
    "Custom::OpenAIVectorStore": {},
    "Custom::OpenAIFile": {"filename": "a.txt", "content": "Text."},
}
"""What a resource of each type must have."""
Bad = tuple[str, Any]
"""The place that a refusal names, and the value of the whole argument."""


class Values:
    """Of one resource type."""

    def __init__(self, model: type[AnyDesired]) -> None:
        self._whole = model.model_json_schema()
        self._typed = {each.__name__: each for each in TypedProperties.__subclasses__()}
        self.schemas = {name: self._schema(each) for name, each in self._whole["properties"].items()}

    def good(self, name: str) -> Any:
        """With everything that can be in it; a list has one object for each type that they may have."""
        return self._good(self.schemas[name])

    def longest(self, name: str) -> Any:
        """At the upper limit of a scalar or a map of scalars, as far as there is one."""
        return _at_limit(self.schemas[name])

    def bad(self, name: str) -> Iterator[Bad]:
        """Each in one place: an unknown key, a missing one, a value of another kind or beyond a limit."""
        yield from self._bad(self.schemas[name], name)

    def _schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        [one] = [each for each in schema.get("anyOf", [schema]) if each != {"type": "null"}]
        examples = {"examples": schema["examples"]} if "examples" in schema else {}
        return self._whole["$defs"][one["$ref"].rpartition("/")[2]] if "$ref" in one else one | examples

    def _good(self, schema: dict[str, Any]) -> Any:
        if "properties" in schema:
            return self._objects(schema)[0]
        if schema["type"] == "array":
            items = self._schema(schema["items"])
            return self._objects(items) if "properties" in items else [_good(items)]
        return _good(schema)

    def _objects(self, schema: dict[str, Any]) -> list[dict[str, Any]]:
        """One that has all keys, or, where keys depend on the type, one for each type: the fullest first."""
        whole = {name: self._good(self._schema(each)) for name, each in schema["properties"].items()}
        typed = self._typed.get(schema["title"])
        if typed is None:
            return [whole]
        found = []
        for kind in self._schema(schema["properties"]["type"])["enum"]:
            full = {k: v for k, v in whole.items() if kind in typed.only_for.get(k, (kind,))} | {"type": kind}
            for one in typed.one_of or ("",):
                found.append({k: v for k, v in full.items() if k == one or k not in typed.one_of})
        return sorted(found, key=len, reverse=True)

    def _bad(self, schema: dict[str, Any], place: str) -> Iterator[Bad]:
        if "properties" in schema:
            yield place, "text"
            yield f'{place}: unknown key "other"', self._objects(schema)[0] | {"other": "text"}
            for name in schema["properties"]:
                yield from self._bad_key(schema, name, place)
            if (typed := self._typed.get(schema["title"])) and typed.one_of:
                of_each = {name: self._good(self._schema(schema["properties"][name])) for name in typed.one_of}
                none = {k: v for k, v in self._objects(schema)[0].items() if k not in typed.one_of}
                yield from ((f"{place}: exactly one of", none | given) for given in ({}, of_each))
        elif schema["type"] == "array" and "properties" in (items := self._schema(schema["items"])):
            yield place, {"0": self._objects(items)[0]}
            for where, value in self._bad(items, f"{place}[*]"):
                yield where, [self._objects(items)[0], value]
        else:
            yield from ((place, value) for value in _bad(schema))

    def _bad_key(self, schema: dict[str, Any], name: str, place: str) -> Iterator[Bad]:
        """In an object that may have this key, and in one that may not."""
        of_key, typed = self._schema(schema["properties"][name]), self._typed.get(schema["title"])
        good = next(each for each in self._objects(schema) if name in each)
        yield from ((where, good | {name: value}) for where, value in self._bad(of_key, f"{place}.{name}"))
        is_required = name in schema.get("required", ())
        if is_required:
            yield f"{place}.{name}", good | {name: None}
        if is_required or (typed and name in typed.required_for_their_types):
            yield f"{place}: {name} is required", {key: value for key, value in good.items() if key != name}
        if typed and name in typed.only_for:
            other = next(each for each in self._objects(schema) if name not in each)
            yield f"{place}: {name} is possible", other | {name: self._good(of_key)}


def _good(schema: dict[str, Any]) -> Any:
    if "examples" in schema:
        return schema["examples"][0]
    if "enum" in schema or "const" in schema:
        return schema.get("enum", [schema.get("const")])[-1]
    if "pattern" in schema:
        return next(each for each in MATCHING if re.search(schema["pattern"], each))
    if schema["type"] == "object":
        return '{"type": "object"}' if "contentMediaType" in schema else {"Key": "value"}
    least = schema.get("minimum", schema.get("ge", 0))
    return {"string": "Text", "boolean": True, "integer": least, "number": least + 0.5}[schema["type"]]


def _at_limit(schema: dict[str, Any]) -> Any:
    most = schema.get("maximum", schema.get("le"))
    if "maxProperties" in schema:
        key, text = schema["propertyNames"]["maxLength"], schema["additionalProperties"]["maxLength"]
        return {f"{number:0{key}}": "x" * text for number in range(schema["maxProperties"])}
    return "x" * schema["maxLength"] if "maxLength" in schema else most


def _bad(schema: dict[str, Any]) -> Iterator[Any]:
    if schema["type"] == "object":
        yield from _bad_maps(schema)
    elif schema["type"] == "array":
        yield from ("text", {"0": "text"}, *([each] for each in _bad(schema["items"]) if isinstance(each, str)))
        if schema.get("minItems"):
            yield []
    elif "enum" in schema or "const" in schema:
        yield "no such value"
    elif schema["type"] == "string":
        yield from ("no match:", {"a": "map"}) if "pattern" in schema else ("", {"a": "map"})
        if "maxLength" in schema:
            yield "x" * (schema["maxLength"] + 1)
    elif schema["type"] == "boolean":
        yield from ("yes", 1)
    else:
        yield from _bad_numbers(schema)


def _bad_maps(schema: dict[str, Any]) -> Iterator[Any]:
    if "contentMediaType" in schema:
        yield from ("type: object", "[1]", "null", '"{}"', ["a"])
        return
    yield "text"
    if "maxProperties" in schema:
        key, text = schema["propertyNames"]["maxLength"], schema["additionalProperties"]["maxLength"]
        yield {f"key{number}": "x" for number in range(schema["maxProperties"] + 1)}
        yield from ({"x" * (key + 1): "x"}, {"": "x"}, {"key": "x" * (text + 1)})


def _bad_numbers(schema: dict[str, Any]) -> Iterator[Any]:
    least, most = schema.get("minimum", schema.get("ge")), schema.get("maximum", schema.get("le"))
    yield from ("many", *([least - 0.1] if least is not None else []), *([most + 1] if most is not None else []))
    if schema["type"] == "integer":
        yield (least or 0) + 0.5
