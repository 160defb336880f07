"""What all resource types have in common: their identity, rules between arguments, and the bookkeeping."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

from pydantic import Field

from threadrun.schema.types import Integer, Properties

MAX_SERVICE_TIMEOUT_SECONDS = 3600

Problem = tuple[str, str]
"""An argument, and what is wrong with it."""


class Rule(NamedTuple):
    """A rule between arguments, for the application and, through `local/modules`, for the Terraform modules."""

    argument: str
    sentence: str
    any_of: tuple[str, ...]
    """One of these is true: `model` is given, `thread.messages` are given and not empty, or `!thread` is not given."""

    @property
    def asks(self) -> bool:
        """Whether it is broken by what is missing."""
        return not any(each.startswith("!") for each in self.any_of)

    def is_kept(self, given: Mapping[str, Any]) -> bool:
        return any(_is_given(each.lstrip("!"), given) != each.startswith("!") for each in self.any_of)


def _is_given(path: str, value: Any) -> bool:
    for name in path.split("."):
        # What is not a map where one belongs is given, and another problem.
        value = value.get(name) if isinstance(value, Mapping) else value
    return value not in (None, [], ())


class Desired(Properties):
    """Base of the resource types."""

    resource_type: ClassVar[str]
    rules: ClassVar[tuple[Rule, ...]] = ()
    _unseen: ClassVar[frozenset[str]] = frozenset({"deletion_policy", "timeout_seconds"})
    _in_place: ClassVar[frozenset[str]] = frozenset()
    """What OpenAI sees and takes as a change of the same thing."""

    timeout_seconds: Annotated[Integer, Field(ge=1, le=MAX_SERVICE_TIMEOUT_SECONDS)] | None = Field(
        None, description="The longest time to wait, 1 to 3600 seconds; ServiceTimeout is the upper bound."
    )
    deletion_policy: Literal["delete", "retain"] | None = Field(
        None,
        description="`delete` or `retain`: what happens at OpenAI when the resource is deleted. By default what was "
        "created is deleted and what was adopted stays.",
    )

    @classmethod
    def conflicts(cls, given: Mapping[str, Any]) -> list[Problem]:
        """What breaks a rule; checked beside each argument's own limits so that all problems come at once.

        `given` has the arguments by their snake_case names, not validated.
        """
        return [(each.argument, each.sentence) for each in cls.rules if not each.is_kept(given)]

    @classmethod
    def changes_in_place(cls, argument: str) -> bool:
        """Whether a change of this argument is none of the identity."""
        return argument in cls._unseen | cls._in_place

    def identity(self) -> str:
        """Digest of what makes it another physical resource: a change is a replacement."""
        return digest(self._visible())

    def _visible(self) -> dict[str, Any]:
        return self.model_dump(mode="json", exclude=set(self._unseen), exclude_defaults=True)


def digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:32]
