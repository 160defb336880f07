"""What the functions of the state machine do, without their logs and metrics: thousands of lives ask them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from functions.reconcile.app import MARGIN_SECONDS
from testkit.template import timeout_seconds
from threadrun.app.application import Application
from threadrun.workflow.tool_calls import ToolCaller

LINGER_SECONDS = timeout_seconds("reconcile") - MARGIN_SECONDS


def reconcile(app: Application, payload: dict[str, Any]) -> dict[str, Any]:
    waiting = app.waiting(LINGER_SECONDS, payload["retry_count"])
    return asdict(app.stepper.take_step(payload["key"], payload["request_id"], waiting))


def call_tool(app: Application, payload: dict[str, Any], invoke: Callable[..., str]) -> dict[str, Any]:
    return {"answered": ToolCaller(app.records, invoke, app.clock, **payload).answer()}


def signal(app: Application, payload: dict[str, Any]) -> dict[str, Any]:
    failure = payload["failure"] or None
    delivered = app.responses.send(payload["key"], payload["request_id"], failure=failure)
    return {"responded": delivered is not None}
