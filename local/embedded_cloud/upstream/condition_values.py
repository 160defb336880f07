"""Conditions compare values of functions and pseudo parameters.

AWS: a condition may use Fn::FindInMap, Fn::Sub, Fn::Join, Fn::Select, Ref of parameters and of pseudo parameters.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-conditions.html
ministack: compares the function itself, so that it equals nothing.
Fix: resolve these first.
"""

from typing import Any

from ministack.services.cloudformation import changesets, engine, handlers, stacks

from local.embedded_cloud.drift_guard import Call, around, require

FUNCTIONS = {"Fn::FindInMap", "Fn::Join", "Fn::Sub"}


def _resolved(part: Any, template: dict[str, Any], params: dict[str, Any]) -> Any:
    if isinstance(part, list):
        return [_resolved(each, template, params) for each in part]
    if not isinstance(part, dict):
        return part
    if FUNCTIONS & set(part) or str(part.get("Ref", "")).startswith("AWS::"):
        return engine._resolve_refs(part, {}, params, {}, template.get("Mappings", {}), "", "")
    return {name: _resolved(each, template, params) for name, each in part.items()}


def _with_values(call: Call) -> Any:
    conditions = _resolved(call.template.get("Conditions", {}), call.template, call.params)
    return call.proceed(template={**call.template, "Conditions": conditions})


def install() -> None:
    """Resolve the functions of all conditions before they are compared; DriftError when ministack changed."""
    require(engine, "_resolve_refs", "value resources params conditions mappings stack_name stack_id")
    around(engine, "_evaluate_conditions", "template params", _with_values, (changesets, handlers, stacks))
