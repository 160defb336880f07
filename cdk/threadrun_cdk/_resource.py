"""What all constructs have in common: one custom resource, and its arguments checked and written for a template."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple, get_type_hints

from aws_cdk import CustomResource, Duration, Fn, RemovalPolicy, Stack, Token
from constructs import Construct

from threadrun_cdk._arguments import Arguments

APPLICATION = "threadrun"


class Rule(NamedTuple):
    """A rule between arguments, with the words of the application for a resource that breaks it."""

    argument: str
    sentence: str
    any_of: tuple[str, ...]
    """One of these is true: `model` is given, `thread.messages` are given and not empty, or `!thread` is not given."""

    def is_kept(self, given: Mapping[str, Any]) -> bool:
        return any(_is_given(each.lstrip("!"), given) != each.startswith("!") for each in self.any_of)


def _is_given(path: str, value: Any) -> bool:
    for name in path.split("."):
        # What a token stands for is given, and not known yet.
        value = value.get(name) if isinstance(value, Mapping) else value
    return value not in (None, [], ())


class Settings(NamedTuple):
    """Arguments that are CloudFormation's, or say where the application is."""

    service_token: str | None
    application_stack_name: str | None
    service_timeout: Duration | None
    removal_policy: RemovalPolicy | None


class Resource(CustomResource):
    """Base of the constructs: `ref` is the physical ID, attributes are tokens."""

    resource_type: ClassVar[str]
    rules: ClassVar[tuple[Rule, ...]] = ()

    def __init__(
        self, scope: Construct, id: str, settings: Settings, given: Mapping[str, Any], kind: type[Resource]
    ) -> None:
        arguments = Arguments(Stack.of(scope))
        written = arguments.written(given, get_type_hints(kind.__init__))
        broken = [f"{rule.argument}: {rule.sentence}" for rule in kind.rules if not rule.is_kept(given)]
        if problems := [*arguments.problems, *broken]:
            raise ValueError(f"{kind.__name__} {scope.node.path}/{id}: {'; '.join(problems)}")
        super().__init__(
            scope,
            id,
            resource_type=kind.resource_type,
            service_token=settings.service_token
            or Fn.import_value(f"{settings.application_stack_name or APPLICATION}-ServiceToken"),
            service_timeout=settings.service_timeout,
            removal_policy=settings.removal_policy,
            properties=written,
        )

    def _number(self, attribute: str) -> float:
        return Token.as_number(self.get_att(attribute))
