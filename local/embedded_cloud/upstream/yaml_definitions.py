"""A state machine's DefinitionString may be YAML.

AWS: CloudFormation takes the definition as JSON or as YAML.
https://docs.aws.amazon.com/step-functions/latest/dg/development-options.html#development-options-format
ministack: stores the text as it is, and then fails each execution.
Fix: convert a YAML definition to JSON when CloudFormation reads it.
"""

import json
from typing import Any

import yaml
from ministack.services.cloudformation import provisioners

from local.embedded_cloud.drift_guard import around


def as_json(definition: str) -> str:
    """Return the definition as JSON text; return JSON, and text that is not a YAML mapping, unchanged."""
    try:
        json.loads(definition)
    except ValueError:
        parsed: Any = yaml.safe_load(definition)
        return json.dumps(parsed) if isinstance(parsed, dict) else definition
    return definition


def install() -> None:
    """Convert each definition; DriftError when ministack changed."""
    around(provisioners, "_sfn_definition", "props", lambda call: as_json(call.proceed()))
