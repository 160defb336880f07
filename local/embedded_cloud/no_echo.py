"""Masks the attributes of a NoEcho response in stack outputs and exports; other resources still get the real value.

Source: AWS CloudFormation user guide, "Custom resource response objects", NoEcho.
"""

from typing import Any

from ministack.services.cloudformation import stacks

from local.embedded_cloud.drift_guard import around

MASK = "*****"
OUTPUT_PARAMETERS = "outputs_defs conditions resources param_values mappings stack_name stack_id"
_masked: set[tuple[str, str]] = set()


def remember(stack_id: str, logical_id: str, *, masked: bool) -> None:
    """Note whether the latest response of this resource asked for masking."""
    if masked:
        _masked.add((stack_id, logical_id))
    else:
        _masked.discard((stack_id, logical_id))


def visible(resources: dict[str, Any], stack_id: str) -> dict[str, Any]:
    """Return the stack's resources with every attribute of a NoEcho resource masked."""
    return {
        logical_id: {**record, "Attributes": dict.fromkeys(record.get("Attributes", {}), MASK)}
        if (stack_id, logical_id) in _masked
        else record
        for logical_id, record in resources.items()
    }


def install() -> None:
    """Resolve stack outputs from masked attributes; DriftError when ministack changed."""
    around(
        stacks,
        "_resolve_stack_outputs",
        OUTPUT_PARAMETERS,
        lambda call: call.proceed(resources=visible(call.resources, call.stack_id)),
    )
