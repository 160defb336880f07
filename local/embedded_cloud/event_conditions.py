"""Gives IAM the condition keys of PutEvents: without them ministack refuses whoever may put events of one source only.

Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridge.html
"""

import json
from typing import Any

from ministack.core import iam_actions

from local.embedded_cloud.drift_guard import Function, replace

KEYS = {"events:source": "Source", "events:detail-type": "DetailType"}


def _keys(body: bytes) -> dict[str, Any]:
    """Each key's one value; what has several, which no plain operator matches, is refused by it."""
    try:
        entries = json.loads(body)["Entries"]
        values = {key: sorted({str(entry[field]) for entry in entries}) for key, field in KEYS.items()}
    except (ValueError, KeyError, TypeError):
        return {}
    return {key: found[0] if len(found) == 1 else found for key, found in values.items()}


def install() -> None:
    """Add them to what a request is judged by; DriftError when ministack changed."""

    def wrap(stock: Function) -> Function:
        def request_tag_context(service: str, iam_action: str, body: bytes, params: Any) -> Any:
            keys = _keys(body) if iam_action == "events:PutEvents" else {}
            return {**stock(service, iam_action, body, params), **keys}

        return request_tag_context

    replace(iam_actions, "request_tag_context", "service iam_action body params", wrap)
