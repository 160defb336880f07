"""IAM knows the condition keys of PutEvents: events:source and events:detail-type.

AWS: both are condition keys of events:PutEvents.
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridge.html
ministack: does not set them, so a policy that allows events of one source refuses all of them.
Fix: take both from the entries of the request. A request with several values gets a list, which no plain operator
matches, so that IAM refuses it.
"""

import json
from typing import Any

from ministack.core import iam_actions

from local.embedded_cloud.drift_guard import Call, around

KEYS = {"events:source": "Source", "events:detail-type": "DetailType"}


def _keys(body: bytes) -> dict[str, Any]:
    try:
        entries = json.loads(body)["Entries"]
        values = {key: sorted({str(entry[field]) for entry in entries}) for key, field in KEYS.items()}
    except (ValueError, KeyError, TypeError):
        return {}
    return {key: found[0] if len(found) == 1 else found for key, found in values.items()}


def _with_keys(call: Call) -> dict[str, Any]:
    return {**call.proceed(), **(_keys(call.body) if call.iam_action == "events:PutEvents" else {})}


def install() -> None:
    """Add the keys to the context of a request; DriftError when ministack changed."""
    around(iam_actions, "request_tag_context", "service iam_action body params", _with_keys)
