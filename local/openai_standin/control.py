"""Exists so that other processes can script the stand-in and count what they left behind, under `/_standin/`.

No key is needed: it listens on the loopback address only, and holds nothing secret.
"""

from collections.abc import Callable
from typing import Any

from . import files
from .delivery_faults import DeliveryFault
from .faults import fault_from_json
from .scripts import script_from_json
from .world import World

PREFIX = "/_standin/"


def handle(world: World, method: str, path: str, body: Any) -> tuple[int, Any]:
    """Carry out a control call; problems are 400 or 404 with `{"error": text}`."""
    action = _ACTIONS.get((method, path.removeprefix(PREFIX)))
    if action is None:
        known = ", ".join(f"{each} {PREFIX}{name}" for each, name in _ACTIONS)
        return 404, {"error": f"no such control; known are {known}"}
    try:
        world.settle()
        return 200, action(world, body)
    except (KeyError, TypeError, ValueError) as problem:
        return 400, {"error": str(problem)}


def _plan_scripts(world: World, body: Any) -> dict[str, int]:
    scripts = [script_from_json(each) for each in _objects(body)]
    for script in scripts:
        world.plan(script)
    return {"planned": len(scripts)}


def _plan_faults(world: World, body: Any) -> dict[str, int]:
    faults = [fault_from_json(each) for each in _objects(body)]
    for fault in faults:
        world.faults.plan(fault)
    return {"planned": len(faults)}


def _plan_delivery_faults(world: World, body: Any) -> dict[str, int]:
    faults = [DeliveryFault(**each) for each in _objects(body)]
    for fault in faults:
        world.webhooks.faults.plan(fault)
    return {"planned": len(faults)}


def _reach(world: World, body: Any) -> dict[str, int]:
    world.reach |= {str(each["suffix"]): int(each["port"]) for each in _objects(body)}
    return world.reach


def _register_files(world: World, body: Any) -> dict[str, list[str]]:
    return {"registered": [files.register(world, each) for each in _objects(body)]}


def _objects(body: Any) -> list[dict[str, Any]]:
    given = body if isinstance(body, list) else [body]
    if not all(isinstance(each, dict) for each in given):
        raise ValueError("send a JSON object, or a list of them")
    return given


def _reset(world: World, body: Any) -> dict[str, bool]:
    world.reset()
    return {"reset": True}


_ACTIONS: dict[tuple[str, str], Callable[[World, Any], Any]] = {
    ("GET", "counters"): lambda world, body: world.counters(),
    ("GET", "requests"): lambda world, body: [each._asdict() for each in world.requests],
    ("POST", "scripts"): _plan_scripts,
    ("POST", "faults"): _plan_faults,
    ("GET", "deliveries"): lambda world, body: [each._asdict() for each in world.webhooks.deliveries],
    ("POST", "delivery_faults"): _plan_delivery_faults,
    ("POST", "reach"): _reach,
    ("POST", "files"): _register_files,
    ("POST", "reset"): _reset,
}
