"""Lets a task's TimeoutSeconds be a JSONata expression, as it may be on AWS: ministack takes it for a number."""

from typing import Any

from ministack.services import stepfunctions

from local.embedded_cloud.drift_guard import Function, replace, require


def install() -> None:
    """Evaluate the field before the task begins; DriftError when ministack changed."""
    evaluate = require(stepfunctions, "_jsonata_state_field", "state_def field expected raw_input ctx")

    def evaluated(execute: Function) -> Function:
        def execute_task(state_def: Any, raw_input: Any, execution: Any, ctx: Any) -> Any:
            if isinstance(state_def.get("TimeoutSeconds"), str):
                seconds = evaluate(state_def, "TimeoutSeconds", "number", raw_input, ctx)
                state_def = {**state_def, "TimeoutSeconds": seconds}
            return execute(state_def, raw_input, execution, ctx)

        return execute_task

    replace(stepfunctions, "_execute_task", "state_def raw_input execution ctx", evaluated)
