"""Types of properties: CloudFormation's strings recast strictly, and the limits that OpenAI sets.

Limits: OpenAI's API reference (metadata: 16 pairs, keys of 64 and values of 512 characters).
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, StringConstraints
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
]


class Properties(BaseModel):
    """Base of all property models: frozen, and nothing unknown gets in."""

    model_config = ConfigDict(frozen=True, extra="forbid")
