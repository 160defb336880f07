"""What a deployment allows, and what its wire API has no place for: held against properties when they are read."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any, Literal, NamedTuple

from pydantic import ValidationInfo
from pydantic.fields import FieldInfo

DEPLOYMENT = "deployment"
"""Key of the validation context: the `Deployment`; without it everything is allowed."""
_RESPONSES_ONLY = "responses_only"


class Deployment(NamedTuple):
    """The settings of a deployment that say what its resources may ask for. None allows anything."""

    wire: Literal["responses", "assistants"] = "responses"
    tool_function_arns: Sequence[str] | None = None
    tool_secret_arns: Sequence[str] | None = None
    file_buckets: Sequence[str] | None = None


ANY_DEPLOYMENT = Deployment()


def responses_only(*values: str) -> dict[str, Any]:
    """The `json_schema_extra` of a field, or of some `values` of it, that Assistants v2 has no place for."""
    return {_RESPONSES_ONLY: list(values)}


def is_allowed(arn: str, patterns: Sequence[str] | None) -> bool:
    """Whether one of the deployment's patterns matches. What IAM denies is refused before a run is paid for."""
    return patterns is None or any(fnmatchcase(arn, pattern) for pattern in patterns)  # IAM knows the same wildcards.


def also_allowing(name: str, patterns: Sequence[str] | None) -> str:
    """What the setting has to be for this one to be allowed, too, as it is given to a deployment."""
    return ",".join([*(patterns or ()), name])


def deployment_of(info: ValidationInfo) -> Deployment:
    found: Deployment = (info.context or {}).get(DEPLOYMENT) or ANY_DEPLOYMENT
    return found


def require_served(value: Any, info: ValidationInfo, values: Sequence[str] | None) -> None:
    """Raise ValueError for what the deployment's wire API has no place for: the property, or one of these `values`."""
    if values is None or value is None or deployment_of(info).wire == "responses":
        return
    if not values or value in values:
        name = f"{info.field_name} {value}" if values else info.field_name
        raise ValueError(f"Assistants v2 has no {name}: leave it out, or use a deployment with OpenAIApi=responses")


def marked_values(field: FieldInfo) -> list[str] | None:
    """The values that `responses_only` marked, none for the property as a whole; None where it marked nothing."""
    extra = field.json_schema_extra
    values = extra.get(_RESPONSES_ONLY) if isinstance(extra, dict) else None
    return [str(each) for each in values] if isinstance(values, list) else None
