"""Exists to read a request and hold it against OpenAI's document: the first thing that it does not allow is refused."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import BytesIO
from typing import Any

from jsonschema import Draft202012Validator, ValidationError, validators
from werkzeug.formparser import FormDataParser

from . import openapi
from .openapi import Schema, resolved
from .refusals import refusal

Query = Mapping[str, Sequence[str]]
Errors = Iterator[ValidationError]
NOT_JSON = object()


class Upload(dict[str, Any]):
    """What is kept of an uploaded file: `filename` and `bytes`, its size; never the content."""


def parsed(content_type: str, content: bytes) -> Any:
    """Read a body: JSON, or what a file is uploaded in; `NOT_JSON` where it is neither."""
    try:
        if content_type.startswith("multipart/form-data"):
            return _form(content_type, content)
        return json.loads(content) if content else None
    except ValueError:
        return NOT_JSON


def _form(content_type: str, content: bytes) -> dict[str, Any]:
    """Read a form into a dict: fields as text (`a[b]` is `b` within `a`), files as `Upload`."""
    environment = {"CONTENT_TYPE": content_type, "CONTENT_LENGTH": str(len(content)), "wsgi.input": BytesIO(content)}
    _, fields, files = FormDataParser(lambda *_, **__: BytesIO()).parse_from_environ(environment)
    values: dict[str, Any] = {
        name: Upload(filename=each.filename, bytes=len(each.read())) for name, each in files.items()
    }
    for name, value in fields.items():
        outer, _, inner = name.removesuffix("]").partition("[")
        if inner:
            values.setdefault(outer, {})[inner] = value
        else:
            values[outer] = value
    return values


def read_valid(method: str, path: str, query: Query, body: Mapping[str, Any]) -> dict[str, Any]:
    """Read what a request gives, or refuse what its operation does not take; `path` is as the document spells it."""
    parameters = openapi.query(method, path)
    given = {name.removesuffix("[]"): values for name, values in query.items()}
    read = _read(parameters, {name: _last(parameters, name, given[name]) for name in given})
    _require_fits(parameters, read)
    if (schema := openapi.body(method, path)) is not None:
        if any(isinstance(each, Upload) for each in body.values()):
            body = _read(schema, body)
        _require_fits(schema, body)
    return {**read, **body}


def errors(schema: Schema, value: Any) -> Errors:
    yield from _Judge(schema).iter_errors(value)


_fitting: set[tuple[int, str]] = set()
"""What was found to fit, by its schema, all of which are kept: thousands of requests are alike."""


def _require_fits(schema: Schema, value: Mapping[str, Any]) -> None:
    is_upload = any(isinstance(each, Upload) for each in value.values())
    asked = (id(schema), "an upload" if is_upload else json.dumps(value))
    if asked not in _fitting:
        for error in errors(schema, value):
            raise refusal(error)
        if not is_upload:
            _fitting.add(asked)


def _last(schema: Schema, name: str, values: Sequence[str]) -> Any:
    """Read a parameter that may be given more than once: the last counts, unless it is a list."""
    wanted = resolved(schema["properties"].get(name, {}))
    return list(values) if wanted.get("type") == "array" else values[-1]


def _read(schema: Schema, given: Mapping[str, Any]) -> dict[str, Any]:
    """Read numbers and booleans out of a query or a form, where all is text."""
    known = resolved(schema)["properties"]
    return {name: _value(resolved(known.get(name, {})), value) for name, value in given.items()}


def _value(wanted: Schema, value: Any) -> Any:
    if isinstance(value, Mapping) and not isinstance(value, Upload) and "properties" in wanted:
        return _read(wanted, value)
    if wanted.get("type") == "integer" and isinstance(value, str) and value.removeprefix("-").isdecimal():
        return int(value)
    return {"true": True, "false": False}.get(value, value) if wanted.get("type") == "boolean" else value


def _reference(judge: Any, name: str, value: Any, schema: Schema) -> Errors:
    yield from judge.descend(value, openapi.schema(name))


def _others(judge: Any, allowed: Any, value: Any, schema: Schema) -> Errors:
    """Judge the fields that a schema does not name, one by one; the message of the error is the unknown field."""
    fields = value if judge.is_type(value, "object") else ()
    for name in [each for each in fields if each not in schema.get("properties", ())]:
        yield from [ValidationError(name)] if allowed is False else judge.descend(value[name], allowed, path=name)


def _choice(judge: Any, choices: Sequence[Schema], value: Any, schema: Schema) -> Errors:
    """Judge a value by the choice that is meant, known by its JSON type and its `type`: only that one's errors help."""
    branches = list(_flat(choices))
    likely = [each for each in branches if "type" not in each or judge.is_type(value, each["type"])]
    kinds = [kind for each in likely for kind in _kinds(each, "type")]
    if not likely:
        yield _error("type", [each["type"] for each in branches if each["type"] != "null"], value)
    elif len(likely) > 1 and all("enum" in each for each in likely):
        yield from judge.descend(value, {"enum": [each for branch in likely for each in branch["enum"]]})
    elif len(likely) > 1 and kinds and not any(_fits(each, value, "type") for each in likely):
        if "type" in value:
            yield _error("enum", kinds, value["type"], "type")
        else:
            yield _error("required", ["type"], value)
    else:
        for name in _telling(value):
            likely = [each for each in likely if _fits(each, value, name)] or likely
        found = (judge.descend(value, each) for each in likely)
        yield from next(found) if len(likely) == 1 else min(map(list, found), key=len)


def _error(keyword: str, wanted: Sequence[Any], value: Any, *path: str) -> ValidationError:
    return ValidationError("", path=path, validator=keyword, validator_value=wanted, instance=value)


def _flat(choices: Iterable[Schema]) -> Iterator[Schema]:
    """List the choices, those within choices among them."""
    for each in map(resolved, choices):
        yield from _flat(each["anyOf"]) if set(each) == {"anyOf"} else [each]


def _kinds(branch: Schema, name: str) -> list[Any]:
    field = branch.get("properties", {}).get(name, {})
    return [each for part in _flat([field]) for each in part.get("enum", ())]


def _telling(value: Any) -> list[str]:
    """Name the fields that tell what an object is meant to be: its `type`, even absent, and its role."""
    return [name for name in ("type", "role") if name == "type" or name in value] if isinstance(value, Mapping) else []


def _fits(branch: Schema, value: Mapping[str, Any], name: str) -> bool:
    if value.get(name) is None:
        return name not in branch.get("required", ())
    kinds = _kinds(branch, name)
    return value[name] in kinds if kinds else name in branch.get("properties", {})


def _prefix(judge: Any, prefix: str, value: Any, schema: Schema) -> Errors:
    if isinstance(value, str) and not value.startswith(prefix):
        yield ValidationError("")


_Judge: Any = validators.extend(  # type: ignore[no-untyped-call]
    Draft202012Validator,
    {"$ref": _reference, "additionalProperties": _others, "anyOf": _choice, "prefix": _prefix},
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine_many(
        {
            "integer": lambda _, value: type(value) is int,
            "object": lambda _, value: isinstance(value, Mapping) and not isinstance(value, Upload),
            "file": lambda _, value: isinstance(value, Upload),
        }
    ),
)
