"""The body of a response: at most 4,096 bytes of UTF-8 (Lambda-backed custom resources, response objects).

Only Reason and output_text are shortened, between characters.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from threadrun.cloudformation.response import MAX_BODY_BYTES
from threadrun.state.attributes import made_attributes, response_data
from threadrun.state.resource import Request, ResourceRecord, Response
from threadrun.state.run import RunRecord

ELLIPSIS = "…"


def response_body(
    record: ResourceRecord, request: Request, response: Response, attributes: Mapping[str, Any] | None
) -> bytes:
    """The response as bytes to PUT, 4,096 at most."""
    body: dict[str, Any] = {
        "Status": response.status,
        "PhysicalResourceId": response.physical_id,
        "StackId": record.stack_id,
        "RequestId": request.request_id,
        "LogicalResourceId": record.logical_id,
    }
    if response.status == "FAILED":
        text = response.reason or "no reason is known"
        return _encode({**body, "Reason": _fitted(text, lambda part: {**body, "Reason": part})})
    target = record.target(response)
    if target is None or request.request_type == "Delete":
        return _encode(body)
    if not isinstance(target, RunRecord):
        return _encode({**body, "Data": response_data(made_attributes(target), target.options.key_style)[0]})
    if attributes is None:
        return _encode(body)
    data, optional = response_data(attributes, target.options.key_style)
    return _encode({**body, "Data": _fitted_data(body, data, optional, str(attributes["output_text"]), target)})


def _fitted_data(
    body: Mapping[str, Any], data: dict[str, str], optional: dict[str, str], text: str, run: RunRecord
) -> dict[str, str]:
    pascal = run.options.key_style == "PascalCase"
    text_name, flag_name = ("OutputText", "OutputTruncated") if pascal else ("output_text", "output_truncated")
    data = {**data, flag_name: "false", text_name: ""}
    whole = True
    for name, value in optional.items():
        # A key that does not fit is left out whole: half a value would be a wrong one.
        if _fits({**body, "Data": {**data, name: value}}):
            data[name] = value
        else:
            whole = False
    data[text_name] = _fitted(text, lambda part: {**body, "Data": {**data, text_name: part}})
    data[flag_name] = "false" if whole and data[text_name] == text else "true"
    return data


def _fitted(text: str, body_with: Callable[[str], dict[str, Any]]) -> str:
    """The longest beginning of `text` whose body fits, marked by an ellipsis where it is cut."""
    if _fits(body_with(text)):
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if _fits(body_with(text[:middle] + ELLIPSIS)):
            low = middle
        else:
            high = middle - 1
    return text[:low] + ELLIPSIS if low else ""


def _fits(body: Mapping[str, Any]) -> bool:
    return len(_encode(body)) <= MAX_BODY_BYTES


def _encode(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
