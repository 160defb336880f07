"""Sends custom-resource requests as AWS does: asynchronously, with retries, and a clock that starts at once."""

import secrets
import string
import uuid
from typing import Any

from ministack.core.arn import ArnParseError, parse_arn
from ministack.core.responses import get_account_id, get_region
from ministack.services import lambda_svc
from ministack.services.cloudformation import custom_resource, provisioners

from local.embedded_cloud import no_echo
from local.embedded_cloud.drift_guard import Call, around, require
from local.embedded_cloud.request_ledger import Request, RequestClosedError, RequestLedger

DEFAULT_TIMEOUT_SECONDS = 3600
ledger = RequestLedger()


class ResourceFailedError(RuntimeError):
    """The resource failed; `physical_id` is what CloudFormation deletes later, empty when the function never ran."""

    def __init__(self, reason: str, physical_id: str) -> None:
        super().__init__(reason)
        self.physical_id = physical_id


def is_custom(resource_type: str) -> bool:
    """Whether a Lambda function, not AWS, provides this resource type."""
    return resource_type.startswith("Custom::") or resource_type == "AWS::CloudFormation::CustomResource"


def made_up_physical_id(stack_name: str, logical_id: str) -> str:
    """Return an id like those that CloudFormation generates when no valid response has one."""
    suffix = "".join(secrets.choice(string.ascii_uppercase + string.digits) for _ in range(13))
    return f"{stack_name}-{logical_id}-{suffix}"


def send_request(
    request_type: str,
    logical_id: str,
    props: dict[str, Any],
    stack_name: str,
    stack_id: str,
    resource_type: str,
    physical_id: str | None = None,
    old_props: dict[str, Any] | None = None,
) -> tuple[str, dict[str, Any]]:
    """Invoke the ServiceToken's function and wait for its response, at most ServiceTimeout seconds from now.

    Returns the physical id and the attributes. Raises ResourceFailedError, or RequestClosedError when cancelled.
    """
    function = _function_record(props.get("ServiceToken", ""))
    event = {
        "RequestType": request_type,
        "ServiceToken": props.get("ServiceToken", ""),
        "StackId": stack_id,
        "RequestId": str(uuid.uuid4()),
        "LogicalResourceId": logical_id,
        "ResourceType": resource_type,
        "ResourceProperties": custom_resource._normalise_resource_properties(props),
    }
    if physical_id is not None:
        event["PhysicalResourceId"] = physical_id
    if old_props is not None:
        event["OldResourceProperties"] = custom_resource._normalise_resource_properties(old_props)
    request = ledger.open(event, get_account_id(), get_region(), custom_resource._gateway_url())
    lambda_svc.invoke_async_with_retry(function, event)
    known_id = physical_id or made_up_physical_id(stack_name, logical_id)
    return _outcome(request, _timeout_seconds(props), known_id)


def _outcome(request: Request, timeout_seconds: float, known_id: str) -> tuple[str, dict[str, Any]]:
    if not request.settled.wait(timeout_seconds) and ledger.expire(request):
        raise ResourceFailedError(
            "CloudFormation did not receive a response from your Custom Resource. Please check your logs for "
            f"requestId [{request.event['RequestId']}]. If you are using the Python cfn-response module, you may "
            "need to update your Lambda function code so that CloudFormation can attach the updated version.",
            known_id,
        )
    if request.closed_reason is not None:
        raise RequestClosedError(request.closed_reason)
    response = request.response
    if response is None:
        raise ResourceFailedError(request.problem or "", known_id)
    if not response.succeeded:
        raise ResourceFailedError(
            f"Received response status [FAILED] from custom resource. Message returned: {response.reason} "
            f"(RequestToken: {uuid.uuid4()}, HandlerErrorCode: GeneralServiceException)",
            response.physical_id,
        )
    no_echo.remember(request.event["StackId"], request.event["LogicalResourceId"], masked=response.no_echo)
    return response.physical_id, response.data


def _timeout_seconds(props: dict[str, Any]) -> float:
    try:
        return min(3600, max(1, int(props.get("ServiceTimeout", DEFAULT_TIMEOUT_SECONDS))))
    except (TypeError, ValueError):
        return DEFAULT_TIMEOUT_SECONDS


def _function_record(service_token: str) -> dict[str, Any]:
    """Return ministack's record of the function; ResourceFailedError when it is missing or in another region."""
    try:
        region = parse_arn(service_token).region
    except ArnParseError:
        region = get_region()
    record, config, _ = lambda_svc._get_func_record_for_ref(service_token)
    if record is None or config is None or region != get_region():
        raise ResourceFailedError(
            f"Function not found: {service_token} (Service: Lambda, Status Code: 404, Request ID: {uuid.uuid4()})",
            "",
        )
    result: dict[str, Any] = lambda_svc._execution_record_for_config(record, config)
    return result


def _delete(call: Call) -> None:
    # An empty id means that Create never reached a function: there is nothing to delete.
    if call.physical_id:
        name = call.stack_name or ""
        stack_id, logical_id = provisioners._cr_stack_id(name), call.logical_id or call.physical_id
        send_request("Delete", logical_id, call.props, name, stack_id, call.resource_type, call.physical_id)


def install() -> None:
    """Patch how ministack sends requests; DriftError when it changed."""
    parameters = "request_type logical_id props stack_name stack_id resource_type physical_id old_props"
    around(custom_resource, "invoke_custom_resource", parameters, lambda call: send_request(**call.arguments))
    parameters = "physical_id props stack_name logical_id resource_type"
    around(provisioners, "_custom_resource_delete", parameters, _delete)
    require(custom_resource, "_normalise_resource_properties", "value")
    require(custom_resource, "_gateway_url", "")
    require(provisioners, "_cr_stack_id", "stack_name")
    require(lambda_svc, "invoke_async_with_retry", "func event")
    require(lambda_svc, "_get_func_record_for_ref", "function_ref")
    require(lambda_svc, "_execution_record_for_config", "func config")
