"""Masks in stack outputs what a custom resource answered with NoEcho; other resources still get the real value.

Source: AWS CloudFormation user guide, "Custom resource response objects", NoEcho. Exports are masked with the outputs.
"""

from typing import Any

from ministack.services.cloudformation import stacks

from local.embedded_cloud.drift_guard import Function, replace

MASK = "*****"
_masked: set[tuple[str, str]] = set()


def remember(stack_id: str, logical_id: str, *, masked: bool) -> None:
    """Note whether the latest answer of this resource asked for masking."""
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

    def wrap(resolve: Function) -> Function:
        def masked_outputs(
            outputs_defs: Any,
            conditions: Any,
            resources: Any,
            param_values: Any,
            mappings: Any,
            stack_name: str,
            stack_id: str,
        ) -> Any:
            shown = visible(resources, stack_id)
            return resolve(outputs_defs, conditions, shown, param_values, mappings, stack_name, stack_id)

        return masked_outputs

    replace(
        stacks,
        "_resolve_stack_outputs",
        "outputs_defs conditions resources param_values mappings stack_name stack_id",
        wrap,
    )
