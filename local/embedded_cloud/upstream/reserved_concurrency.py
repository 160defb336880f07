"""Concurrency can be reserved where the account has enough of it, and a stack reserves what its template says.

AWS: 100 executions stay unreserved, or all that an account with fewer has; a reservation that leaves less is refused.
https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
ministack: PutFunctionConcurrency takes any number, and AWS::Lambda::Function ignores ReservedConcurrentExecutions.
Fix: refuse, in the words of AWS, what leaves too little; reserve what the property says, and no more once it is gone.
"""

from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import lambda_svc
from ministack.services.cloudformation import provisioners

from local.embedded_cloud.drift_guard import Call, around

_TYPE, _PROPERTY = "AWS::Lambda::Function", "ReservedConcurrentExecutions"
_LEAST_UNRESERVED = 100


def _refusal(name: str, reserved: int) -> str:
    """Return why the account cannot reserve so much for a function, or ''."""
    account = lambda_svc._ACCOUNT_CONCURRENCY_CAP or lambda_svc._AWS_DEFAULT_ACCOUNT_CONCURRENCY
    functions = lambda_svc._functions.items()
    others = sum(int(function.get("concurrency") or 0) for other, function in functions if other != name)
    least = min(_LEAST_UNRESERVED, account)
    if reserved == 0 or account - others - reserved >= least:
        return ""
    return (
        f"Specified {_PROPERTY} for function decreases account's UnreservedConcurrentExecution "
        f"below its minimum value of [{least}]."
    )


def _put(call: Call) -> Any:
    sentence = _refusal(call.func_name, int(call.data.get(_PROPERTY, 0)))
    return error_response_json("InvalidParameterValueException", sentence, 400) if sentence else call.proceed()


def _reserve(call: Call, props: dict[str, Any], name: str) -> Any:
    reserved = props.get(_PROPERTY)
    if reserved is not None and (sentence := _refusal(name, int(reserved))):
        raise ValueError(f'Resource handler returned message: "{sentence} (Service: Lambda, Status Code: 400)"')
    physical_id, attributes = call.proceed()
    lambda_svc._functions[physical_id]["concurrency"] = None if reserved is None else int(reserved)
    return physical_id, attributes


def install() -> None:
    """Patch the request, and what makes and updates a stack's functions; DriftError when ministack changed."""
    around(lambda_svc, "_put_function_concurrency", "func_name data", _put)
    around(provisioners, "_lambda_create", "logical_id props stack_name", lambda call: _reserve(call, call.props, ""))
    around(
        provisioners,
        "_lambda_update",
        "physical_id old_props new_props stack_name logical_id",
        lambda call: _reserve(call, call.new_props, call.physical_id),
    )
    provisioners._RESOURCE_HANDLERS[_TYPE] |= {
        "create": provisioners._lambda_create,
        "update": provisioners._lambda_update,
    }
