"""Makes a repeated CreateStack or UpdateStack harmless, as AWS does by its ClientRequestToken.

A client whose connection broke sends the request again (the AWS SDKs do so unasked); stock ministack then says that the
stack exists already. Source: CloudFormation API reference, CreateStack, ClientRequestToken.
"""

from typing import Any

from ministack.core.responses import get_account_id
from ministack.services.cloudformation import handlers

from local.embedded_cloud.drift_guard import Function, replace

_ACTIONS = {"CreateStack": "_create_stack", "UpdateStack": "_update_stack"}
_answered: dict[tuple[str, str, str], Any] = {}


def install() -> None:
    """Answer a repeated request like the first one; DriftError when ministack changed."""
    for action, name in _ACTIONS.items():

        def wrap(stock: Function, action: str = action) -> Function:
            def handle(params: Any) -> Any:
                token = handlers._p(params, "ClientRequestToken")
                key = (get_account_id(), action, token)
                if token and key in _answered:
                    return _answered[key]
                response = stock(params)
                if token and response[0] == 200:
                    _answered[key] = response
                return response

            return handle

        replace(handlers, name, "params", wrap)
        handlers._ACTION_HANDLERS[action] = getattr(handlers, name)
