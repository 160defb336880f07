"""What a deployment allows, and what its wire API has no place for: held against properties when they are read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ValidationInfo

DEPLOYMENT = "deployment"
"""Key of the validation context: the `Deployment`; without it everything is allowed."""
_RESPONSES_ONLY = "responses_only"

Location = tuple[str | int, ...]
"""Names and indices that lead to a property."""


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


def deployment_of(info: ValidationInfo) -> Deployment:
    found: Deployment = (info.context or {}).get(DEPLOYMENT) or ANY_DEPLOYMENT
    return found


def unserved(desired: BaseModel, deployment: Deployment) -> Iterator[tuple[Location, str]]:
    """The given properties that the deployment's wire API has no place for, each with the sentence for it."""
    for place, name in _given_of_responses(desired, ()) if deployment.wire == "assistants" else ():
        yield place, f"Assistants v2 has no {name}: leave it out, or use a deployment with OpenAIApi=responses"


def _given_of_responses(model: BaseModel, above: Location) -> Iterator[tuple[Location, str]]:
    also: tuple[str, ...] = getattr(model, "of_responses", ())  # What depends on other properties of the model.
    for name, info in type(model).model_fields.items():
        place, value = (*above, name), getattr(model, name)
        extra = info.json_schema_extra
        values = extra.get(_RESPONSES_ONLY) if isinstance(extra, dict) else None
        is_unserved = (isinstance(values, list) and (not values or value in values)) or name in also
        if value is not None and is_unserved:
            yield place, f"{name} {value}" if values else name
            continue
        for index, each in enumerate(value if isinstance(value, tuple) else (value,)):
            if isinstance(each, BaseModel):
                yield from _given_of_responses(each, (*place, index) if isinstance(value, tuple) else place)
