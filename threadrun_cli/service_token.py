"""What is wrong with the ServiceToken of a resource."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator

from threadrun.schema.unknown import NEAR
from threadrun_cli.findings import Level
from threadrun_cli.template import Node

EXPORT = "-ServiceToken"
"""How the export of the application's output ServiceToken ends."""
_ARN = re.compile(r"arn:[\w-]+:(lambda|sns):|\{\{resolve:")


def wrong_token(resource: Node) -> Iterator[tuple[str, Level]]:
    """Sentences about the ServiceToken of a resource that has properties."""
    properties = resource.get("Properties") or Node({}, 1, 1)
    token, names = properties.get("ServiceToken"), dict(properties.items())
    if token is None:
        # Fn::If and Fn::Transform may bring it; one that is misspelt is an unknown property.
        if not any(name.startswith("Fn::") or _is_spelt_otherwise(name) for name in names):
            yield f"ServiceToken: is required: `!ImportValue <name of the application's stack>{EXPORT}`", "error"
        return
    if meant := _meant_import(token):
        yield f"ServiceToken: must be the ARN of the application's function: write `{meant}`", "error"
    function = token.function
    if function and function[0] == "Fn::ImportValue" and isinstance(function[1].value, str):
        export = function[1].value
        end = "-" + export.rpartition("-")[2]
        if end == EXPORT:
            return
        if difflib.SequenceMatcher(None, end, EXPORT).ratio() >= NEAR:
            right = export.removesuffix(end) + EXPORT
            yield f"ServiceToken: the application exports no {export}: write it as {right}", "error"
        else:
            meant = f"<name of its stack>{EXPORT}"
            yield f"ServiceToken: the application exports no {export}, unless you do: it exports {meant}", "warning"


def _meant_import(token: Node) -> str | None:
    """How the token is written that is the name of an export, or another text that is no ARN."""
    if isinstance(token.value, str) and not _ARN.match(token.value):
        return f"!ImportValue {token.value if token.value.endswith(EXPORT) else f'threadrun{EXPORT}'}"
    name, argument = token.function or ("", token)
    is_export = name == "Fn::Sub" and isinstance(argument.value, str) and argument.value.endswith(EXPORT)
    return f"Fn::ImportValue: !Sub '{argument.value}'" if is_export else None


def _is_spelt_otherwise(name: str) -> bool:
    return re.sub(r"[^a-z]", "", name.lower()) == "servicetoken"
