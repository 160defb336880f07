"""Lets a state machine's definition be YAML, as AWS does: ministack stores the text and then fails each execution."""

import json
from typing import Any

import yaml
from ministack.services.cloudformation import provisioners

from local.embedded_cloud.drift_guard import Function, replace


def as_json(definition: str) -> str:
    """Return the definition as JSON text; text that is JSON already, or no YAML mapping, comes back unchanged."""
    try:
        json.loads(definition)
    except ValueError:
        parsed: Any = yaml.safe_load(definition)
        return json.dumps(parsed) if isinstance(parsed, dict) else definition
    return definition


def install() -> None:
    """Convert definitions when CloudFormation reads them; DriftError when ministack changed."""

    def wrap(read: Function) -> Function:
        return lambda props: as_json(read(props))

    replace(provisioners, "_sfn_definition", "props", wrap)
