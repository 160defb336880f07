"""Sends custom-resource requests as AWS does: asynchronously, with retries, and a clock that starts at once."""

import secrets
import string
import uuid
from typing import Any

from ministack.core.arn import ArnParseError, parse_arn
from ministack.core.responses import get_account_id, get_region
from ministack.services import lambda_svc
from ministack.services.cloudformation import custom_resource, stacks

from local.embedded_cloud.drift_guard import Call, around
from local.embedded_cloud.request_ledger import RequestLedger

DEFAULT_TIMEOUT_SECONDS = 3600
MASK = "*****"
OUTPUT_PARAMETERS = "outputs_defs conditions resources param_values mappings stack_name stack_id"
ledger = RequestLedger()
_masked: set[tuple[str, str]] = set()
"""Stack and logical id of the resources whose latest response asked for NoEcho."""


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


def _send(call: Call) -> tuple[str, dict[str, Any]]:
    """Invoke the ServiceToken's function and wait for its response, at most ServiceTimeout seconds from now.

    Returns the physical id and the attributes. Raises ResourceFailedError, or RequestClosedError when cancelled.
    """
    function = _function_record(call.props.get("ServiceToken", ""))
    event = {
        "RequestType": call.request_type,
        "ServiceToken": call.props.get("ServiceToken", ""),
        "StackId": call.stack_id,
        "RequestId": str(uuid.uuid4()),
        "LogicalResourceId": call.logical_id,
        "ResourceType": call.resource_type,
        "ResourceProperties": custom_resource._normalise_resource_properties(call.props),
    }
    if call.physical_id is not None:
        event["PhysicalResourceId"] = call.physical_id
    if call.old_props is not None:
        event["OldResourceProperties"] = custom_resource._normalise_resource_properties(call.old_props)
    request = ledger.open(event, get_account_id(), get_region(), custom_resource._gateway_url())
    lambda_svc.invoke_async_with_retry(function, event)
    known_id = call.physical_id or made_up_physical_id(call.stack_name, call.logical_id)
    try:
        response = request.response(_timeout_seconds(call.props))
    except ValueError as error:
        raise ResourceFailedError(str(error), known_id) from None
    if not response.succeeded:
        raise ResourceFailedError(
            f"Received response status [FAILED] from custom resource. Message returned: {response.reason} "
            f"(RequestToken: {uuid.uuid4()}, HandlerErrorCode: GeneralServiceException)",
            response.physical_id,
        )
    (_masked.add if response.no_echo else _masked.discard)((call.stack_id, call.logical_id))
    return response.physical_id, response.data


def _timeout_seconds(props: dict[str, Any]) -> float:
    try:
        return min(3600, max(1, int(props.get("ServiceTimeout", DEFAULT_TIMEOUT_SECONDS))))
    except (TypeError, ValueError):
        return DEFAULT_TIMEOUT_SECONDS


def _function_record(service_token: str) -> Any:
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
    return lambda_svc._execution_record_for_config(record, config)


def _resolve_outputs(call: Call) -> Any:
    """Mask the attributes of NoEcho resources in outputs and exports; other resources still get the real value."""
    resources = {
        logical_id: {**record, "Attributes": dict.fromkeys(record.get("Attributes", {}), MASK)}
        if (call.stack_id, logical_id) in _masked
        else record
        for logical_id, record in call.resources.items()
    }
    return call.proceed(resources=resources)


def install() -> None:
    """Patch how ministack sends requests; DriftError when it changed."""
    parameters = "request_type logical_id props stack_name stack_id resource_type physical_id old_props"
    around(custom_resource, "invoke_custom_resource", parameters, _send)
    around(stacks, "_resolve_stack_outputs", OUTPUT_PARAMETERS, _resolve_outputs)
