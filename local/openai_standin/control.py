"""Exists so that other processes can script the stand-in and count what they left behind, under `/_standin/`.

No key is needed: it listens on the loopback address only, and holds nothing secret.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from .application import Reply, json_reply
from .faults import DeliveryFault, Fault
from .scripts import Script

if TYPE_CHECKING:
    from .standin import OpenAIStandIn

PREFIX = "/_standin/"
_CONTROLS = (
    *("GET counters", "GET requests", "GET deliveries", "POST scripts", "POST faults", "POST delivery_faults"),
    *("POST reach", "POST files", "POST reset"),
)


def handle(stand_in: OpenAIStandIn, method: str, path: str, content: bytes) -> Reply:
    """Carry out a control call; problems are 400 or 404 with `{"error": text}`."""
    control = f"{method} {path.removeprefix(PREFIX)}"
    if control not in _CONTROLS:
        return json_reply(404, {"error": f"no such control under {PREFIX}; known are {', '.join(_CONTROLS)}"})
    try:
        body = json.loads(content or b"{}")
        given = body if isinstance(body, list) else [body]
        if not all(isinstance(each, dict) for each in given):
            raise ValueError("send a JSON object, or a list of them")
        return json_reply(200, _done(stand_in, control.split()[1], given))
    except (KeyError, TypeError, ValueError) as problem:
        return json_reply(400, {"error": str(problem)})


def _done(stand_in: OpenAIStandIn, control: str, given: list[dict[str, Any]]) -> Any:
    match control:
        case "counters":
            return stand_in.counters()
        case "requests" | "deliveries":
            return [each._asdict() for each in getattr(stand_in, control)]
        case "scripts":
            stand_in.script(*[Script(**each) for each in given])
        case "faults":
            stand_in.fault(*[Fault(**each) for each in given])
        case "delivery_faults":
            stand_in.fault_deliveries(*[DeliveryFault(**each) for each in given])
        case "reach":
            for each in given:
                stand_in.reach(**each)
            return stand_in.world.reach
        case "files":
            return {"registered": [stand_in.add_file(**each) for each in given]}
        case "reset":
            stand_in.reset()
            return {"reset": True}
    return {"planned": len(given)}
