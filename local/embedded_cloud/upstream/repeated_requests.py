"""A repeated CreateStack or UpdateStack with the same ClientRequestToken is harmless.

AWS: CloudFormation knows the repetition by its token. A client whose connection broke repeats its request, as the
AWS SDKs do on their own.
https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html
ministack: ignores the token, and refuses the repetition with AlreadyExistsException.
Fix: keep the response of each token, and return it again.
"""

from functools import partial
from typing import Any

from ministack.core.responses import get_account_id
from ministack.services.cloudformation import handlers

from local.embedded_cloud.drift_guard import Call, around

_ACTIONS = {"CreateStack": "_create_stack", "UpdateStack": "_update_stack"}
_responses: dict[tuple[str, str, str], Any] = {}


def _once(action: str, call: Call) -> Any:
    token = handlers._p(call.params, "ClientRequestToken")
    key = (get_account_id(), action, token)
    if token and key in _responses:
        return _responses[key]
    response = call.proceed()
    if token and response[0] == 200:
        _responses[key] = response
    return response


def install() -> None:
    """Patch both actions; DriftError when ministack changed."""
    for action, name in _ACTIONS.items():
        around(handlers, name, "params", partial(_once, action))
        handlers._ACTION_HANDLERS[action] = getattr(handlers, name)
