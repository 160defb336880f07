"""Types of properties: CloudFormation's strings recast strictly, and the limits that OpenAI sets.

Limits: OpenAI's API reference (metadata: 16 pairs, keys of 64 and values of 512 characters).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Annotated, Any, ClassVar, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from threadrun.schema.deployment import marked_values, require_served

METADATA_PAIRS = 16
METADATA_KEY_CHARACTERS = 64
METADATA_VALUE_CHARACTERS = 512
MAX_NESTING = 64
"""Levels of maps and lists in a value of any form. A record has some ten around it, and its parser reads 200."""
_JSON_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)


def _recast(pattern: str, read: Callable[[str], object]) -> BeforeValidator:
    """CloudFormation's text as a value of another type, where it matches; what stays text is refused after that."""

    def recast(value: object) -> object:
        return read(value) if isinstance(value, str) and re.fullmatch(pattern, value) else value

    return BeforeValidator(recast)


def _recast_text(value: Any) -> Any:
    """A scalar as the text that CloudFormation makes of it, for events that kept its type."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


def _check_metadata(value: dict[str, str]) -> dict[str, str]:
    if len(value) > METADATA_PAIRS:
        raise ValueError(f"has {len(value)} pairs, at most {METADATA_PAIRS} are possible")
    most, most_in_value = METADATA_KEY_CHARACTERS, METADATA_VALUE_CHARACTERS
    for key, text in value.items():
        if not 1 <= len(key) <= most:
            raise ValueError(f"key '{key[:most]}' has {len(key)} characters, 1 to {most} are possible")
        if len(text) > most_in_value:
            raise ValueError(f"value of '{key}' has {len(text)} characters, at most {most_in_value} are possible")
    return value


def check_nesting(value: Any) -> Any:
    """Refuse what is nested too deep, as data or as JSON text, before anything walks through it."""
    if (levels := _levels(value)) > MAX_NESTING:
        raise ValueError(f"is nested {levels} levels deep, at most {MAX_NESTING} are possible")
    return value


def _levels(value: Any) -> int:
    if isinstance(value, str):
        brackets = _JSON_STRING.sub("", value)
        return max(accumulate((each in "[{") - (each in "]}") for each in brackets), default=0)
    levels, parts = 0, [value]
    while parts := [each for each in parts if isinstance(each, Mapping | list)]:
        levels += 1
        parts = [part for each in parts for part in (each.values() if isinstance(each, Mapping) else each)]
    return levels


class Missing(ValueError):
    """That something is not there which has to be."""


class SchemaError(ValueError):
    """A JSON Schema that is none; `within` is the place in it."""

    def __init__(self, sentence: str, within: tuple[str | int, ...] = ()) -> None:
        super().__init__(sentence)
        self.within = within


@dataclass(frozen=True)
class Looks:
    """Annotates text that has to match a whole pattern; `sentence` says so in words, here and in an editor."""

    pattern: str
    sentence: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**handler(schema), "pattern": self.pattern, "patternErrorMessage": self.sentence}

    def _check(self, value: str) -> str:
        if not re.fullmatch(self.pattern, value):
            raise PydanticCustomError("looks", self.sentence.replace("{", "{{"))
        return value


Boolean = Annotated[bool, Field(strict=True), _recast("true|false", lambda text: text == "true")]
Integer = Annotated[int, Field(strict=True), _recast(r"[+-]?[0-9]+", int)]
NUMBER = r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?"
Number = Annotated[float, Field(strict=True), _recast(NUMBER, float)]
Text = Annotated[str, BeforeValidator(_recast_text), Field(min_length=1)]
Metadata = Annotated[
    dict[str, Annotated[str, BeforeValidator(_recast_text)]],
    AfterValidator(_check_metadata),
    WithJsonSchema(
        {
            "type": "object",
            "maxProperties": METADATA_PAIRS,
            "propertyNames": {"minLength": 1, "maxLength": METADATA_KEY_CHARACTERS},
            "additionalProperties": {"type": "string", "maxLength": METADATA_VALUE_CHARACTERS},
        }
    ),
]


def encodable(value: Any) -> Any:
    """A JSON value with `?` for each half of a character: models and people cut emojis, and no store takes a half.

    One that is nested too deep for that is returned as it is: `check_nesting` refuses it.
    """
    try:
        return json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
    except RecursionError:
        return value


def from_json(text: str | bytes, **options: Any) -> Any:
    """The value of JSON text that anybody may have written, as `encodable` gives it; `options` are those of `json`.

    Raises ValueError for what is no JSON, and for what is nested too deep to be read or to be written again.
    """
    try:
        return json.loads(json.dumps(json.loads(text, **options), ensure_ascii=False).encode("utf-8", "replace"))
    except RecursionError:
        raise ValueError from None


def shortened(text: str, characters: int) -> str:
    """The text, or so many characters of it and `...` where it is cut."""
    return text if len(text) <= characters else f"{text[:characters]}..."


class Model(BaseModel):
    """Base of all models: their errors name places, and never show what is there."""

    model_config = ConfigDict(hide_input_in_errors=True)


class Properties(Model):
    """Base of all property models: frozen, and nothing unknown gets in."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @field_validator("*")
    @classmethod
    def _require_served(cls, value: Any, info: ValidationInfo) -> Any:
        if info.context is not None:  # What a record has was let in; pydantic 2.13.0 gives no field's name there.
            require_served(value, info, marked_values(cls.model_fields[info.field_name or ""]))
        return value


class TypedProperties(Properties):
    """Properties whose `type` decides which others are possible."""

    only_for: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    """Names of properties, and the types that take them."""
    required_for_their_types: ClassVar[frozenset[str]] = frozenset()
    """Names of those that these types cannot do without."""
    one_of: ClassVar[tuple[str, ...]] = ()
    """Names of properties of which exactly one is given."""

    @model_validator(mode="after")
    def _check_type(self) -> Self:
        given_type = str(getattr(self, "type"))  # noqa: B009  a field of each subclass
        for name, types in self.only_for.items():
            is_given = getattr(self, name) is not None
            if is_given and given_type not in types:
                raise ValueError(f"{name} is possible for type {' or '.join(types)} only")
            if not is_given and given_type in types and name in self.required_for_their_types:
                raise Missing(f"{name} is required for type {given_type}")
        if self.one_of and sum(getattr(self, name) is not None for name in self.one_of) != 1:
            raise ValueError(f"exactly one of {' and '.join(self.one_of)} is required")
        return self
