"""What CloudFormation makes of a template's values on their way to a custom resource."""

from typing import Any


def stringified(value: Any) -> Any:
    """A map as CloudFormation hands it to a custom resource."""
    if isinstance(value, dict):
        return {key: stringified(item) for key, item in value.items()}
    if isinstance(value, list):
        return [stringified(item) for item in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value
