"""TimeoutSeconds of a Task may be a JSONata expression.

AWS: in a JSONata state, TimeoutSeconds takes a positive integer or a JSONata expression that evaluates to one.
https://docs.aws.amazon.com/step-functions/latest/dg/state-task.html
ministack: takes the expression for a number, and fails the execution.
Fix: evaluate the expression before the task begins.
"""

from typing import Any

from ministack.services import stepfunctions

from local.embedded_cloud.drift_guard import Call, around, require


def install() -> None:
    """Patch how a task is executed; DriftError when ministack changed."""
    evaluate = require(stepfunctions, "_jsonata_state_field", "state_def field expected raw_input ctx")

    def execute(call: Call) -> Any:
        state = call.state_def
        if isinstance(state.get("TimeoutSeconds"), str):
            seconds = evaluate(state, "TimeoutSeconds", "number", call.raw_input, call.ctx)
            state = {**state, "TimeoutSeconds": seconds}
        return call.proceed(state_def=state)

    around(stepfunctions, "_execute_task", "state_def raw_input execution ctx", execute)
