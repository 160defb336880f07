"""Types of properties: CloudFormation's strings recast strictly, and the limits that OpenAI sets.

Limits: OpenAI's API reference (metadata: 16 pairs, keys of 64 and values of 512 characters).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

METADATA_PAIRS = 16
METADATA_KEY_CHARACTERS = 64
METADATA_VALUE_CHARACTERS = 512


def _recast_boolean(value: Any) -> Any:
    """CloudFormation's "true" and "false" as booleans; nothing else counts as one."""
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return value == "true"
    raise PydanticCustomError("boolean", "must be true or false")


def _recast_integer(value: Any) -> Any:
    """CloudFormation's "1024" as an integer; "1024.5" and "1e3" are not integers."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and re.fullmatch(r"[+-]?[0-9]+", value):
        return int(value)
    raise PydanticCustomError("integer", "must be a whole number")


def _recast_number(value: Any) -> Any:
    """CloudFormation's "0.7" as a number; "nan" and "inf" are none."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", value):
        return float(value)
    raise PydanticCustomError("number", "must be a number")


def _recast_text(value: Any) -> Any:
    """A scalar as the text that CloudFormation makes of it, for events that kept its type."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


def _check_metadata(value: dict[str, str]) -> dict[str, str]:
    if len(value) > METADATA_PAIRS:
        raise PydanticCustomError(
            "metadata", "has {count} pairs, at most {most} are possible", {"count": len(value), "most": METADATA_PAIRS}
        )
    for key, text in value.items():
        if not 1 <= len(key) <= METADATA_KEY_CHARACTERS:
            raise PydanticCustomError(
                "metadata",
                "key '{key}' has {count} characters, 1 to {most} are possible",
                {"key": key[:METADATA_KEY_CHARACTERS], "count": len(key), "most": METADATA_KEY_CHARACTERS},
            )
        if len(text) > METADATA_VALUE_CHARACTERS:
            raise PydanticCustomError(
                "metadata",
                "value of '{key}' has {count} characters, at most {most} are possible",
                {"key": key, "count": len(text), "most": METADATA_VALUE_CHARACTERS},
            )
    return value


Boolean = Annotated[bool, BeforeValidator(_recast_boolean)]
Integer = Annotated[int, BeforeValidator(_recast_integer)]
Number = Annotated[float, BeforeValidator(_recast_number)]
Text = Annotated[str, BeforeValidator(_recast_text), StringConstraints(min_length=1)]
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


class Properties(BaseModel):
    """Base of all property models: frozen, and nothing unknown gets in."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class TypedProperties(Properties):
    """Properties whose `type` decides which others are possible."""

    only_for: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    """Names of properties, and the types that take them."""
    required_for_their_types: ClassVar[frozenset[str]] = frozenset()
    """Names of those that these types cannot do without."""

    @model_validator(mode="after")
    def _check_type(self) -> Self:
        given_type = str(getattr(self, "type"))  # noqa: B009  a field of each subclass
        for name, types in self.only_for.items():
            is_given = getattr(self, name) is not None
            if is_given and given_type not in types:
                allowed = " or ".join(types)
                raise PydanticCustomError(
                    "only_for", "{name} is possible for type {types} only", {"name": name, "types": allowed}
                )
            if not is_given and given_type in types and name in self.required_for_their_types:
                raise PydanticCustomError(
                    "required_for", "{name} is required for type {type}", {"name": name, "type": given_type}
                )
        return self
