"""Exists because OpenAI's document has no webhook endpoints yet: these have its form, from the SDK's `types/webhooks`.

Once the document has them, `tests/contract` says so, and this file goes.
"""

from typing import Any

_EVENTS = {
    "batch": ("completed", "failed", "expired", "cancelled"),
    "response": ("completed", "failed", "cancelled", "incomplete"),
    "eval.run": ("succeeded", "failed", "canceled"),
    "fine_tuning.job": ("succeeded", "failed", "cancelled"),
    "realtime.call": ("incoming",),
    "video": ("completed", "failed"),
    "agent.environment": ("ready", "failed", "suspended", "expired"),
    "agent.session": ("created", "action_required", "in_progress", "idle", "failed"),
    "safety.alert": ("created",),
}
EVENT_TYPES = tuple(f"{what}.{end}" for what, ends in _EVENTS.items() for end in ends)
_EVENT: dict[str, Any] = {"type": "string", "enum": list(EVENT_TYPES)}
_SETTINGS: dict[str, Any] = {
    "event_types": {"type": "array", "minItems": 1, "items": _EVENT},
    "name": {"type": "string", "minLength": 1, "maxLength": 256},
    "url": {"type": "string", "maxLength": 2048, "pattern": "^[!-~]*$"},
}


def _taking(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    schema = {"type": "object", "required": list(required), "properties": properties}
    return {"requestBody": {"content": {"application/json": {"schema": schema}}}}


_PAGING = {"after": {"type": "string"}, "limit": {"type": "integer"}}
_ONE = "/webhook_endpoints/{webhook_endpoint_id}"
PATHS: dict[str, dict[str, Any]] = {
    "/webhook_event_types": {"get": {}},
    "/webhook_endpoints": {
        "get": {"parameters": [{"in": "query", "name": name, "schema": each} for name, each in _PAGING.items()]},
        "post": _taking(_SETTINGS, *_SETTINGS),
    },
    _ONE: {"get": {}, "post": _taking(_SETTINGS), "delete": {}},
    f"{_ONE}/rotate_secret": {"post": _taking({"keep_old_secret_active_for_24_hours": {"type": "boolean"}})},
    f"{_ONE}/test": {"post": _taking({"event_type": _EVENT}, "event_type")},
}
