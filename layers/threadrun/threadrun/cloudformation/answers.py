"""What CloudFormation is told: decided once, kept in the record, sent until it is taken.

An answer's body is at most 4,096 bytes of UTF-8 (Lambda-backed custom resources, response objects); only
Reason and output_text are shortened, between characters.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from threadrun.cloudformation.admission import failed_physical_id
from threadrun.cloudformation.response import MAX_BODY_BYTES, deliver
from threadrun.errors import VersionConflict
from threadrun.state.attributes import made_attributes, response_data
from threadrun.state.resource import AnyRecord, Request, ResourceRecord, Response
from threadrun.state.run import RunRecord
from threadrun.storage.records import Store

_ELLIPSIS = "…"


@dataclass(frozen=True)
class Delivered:
    """A request whose answer was delivered just now, with the record as it was before that."""

    record: ResourceRecord
    request: Request
    response: Response

    @property
    def is_repeated(self) -> bool:
        """CloudFormation had it already."""
        return self.response.is_delivered


def respond(
    store: Store, key: str, request_id: str, *, failure: str | None = None, url: str | None = None
) -> Delivered | None:
    """Decide the answer if none is decided yet, and send it; returns None where there was none to send.

    `failure` tells why the work ended early. `url` is where a repeated request wants its answer. Raises
    `ResponseNotDelivered` when CloudFormation's URL does not take it; the decision stands for the next try.
    """
    decided = _decide(store, key, request_id, failure)
    if decided is None:
        return None
    record, request, answer = decided.record, decided.request, decided.response
    target = url or request.response_url
    if target is None:
        return None
    run = record.target(answer)
    attributes = None
    if answer.status == "SUCCESS" and isinstance(run, RunRecord) and run.physical_id:
        attributes = store.read_attributes(run.physical_id)
    deliver(target, response_body(record, request, answer, attributes))
    _note_end(store, key, request_id, is_delivered=True)
    return decided


def _decide(store: Store, key: str, request_id: str, failure: str | None) -> Delivered | None:
    while True:
        record = store.load(key)
        request = record.requests.get(request_id) if record else None
        if record is None or request is None or request.is_superseded:
            return None
        if request.response is not None:
            return Delivered(record, request, request.response)
        request.response = decide_response(record, request, failure)
        try:
            store.save(record)
        except VersionConflict:
            continue
        return Delivered(record, request, request.response)


def decide_response(record: ResourceRecord, request: Request, failure: str | None = None) -> Response:
    """The answer that the record justifies."""
    target = record.target(request)
    reason = _failure_reason(request, target, failure)
    if reason is not None:
        if request.request_type == "Delete":
            physical_id = request.physical_id or failed_physical_id(request, target)
        else:
            physical_id = failed_physical_id(request, target)
        return Response(status="FAILED", physical_id=physical_id, reason=reason, target_key=request.target_key)
    physical_id = (target.physical_id if target else request.physical_id) or failed_physical_id(request, target)
    return Response(status="SUCCESS", physical_id=physical_id, target_key=request.target_key)


def _failure_reason(request: Request, target: AnyRecord | None, failure: str | None) -> str | None:
    """Why the request failed, None where it succeeded."""
    known = request.failure or (target.failure if target else None)
    if known or request.request_type == "Delete":
        return known or failure
    if target is None or target.physical_id is None:
        return failure or "the work on it ended early"
    return failure or (_unaccepted(target) if isinstance(target, RunRecord) else None)


def _unaccepted(run: RunRecord) -> str | None:
    if not run.is_final:
        return f"the work on run {run.run_id} ended early"
    if run.status in run.accepted_statuses:
        return None
    reason = f"run {run.run_id} ended {run.status}, accepted is {', '.join(run.accepted_statuses)}"
    return f"{reason}: {run.problem}" if run.problem else reason


def response_body(
    record: ResourceRecord, request: Request, answer: Response, attributes: Mapping[str, Any] | None
) -> bytes:
    """The answer as bytes to PUT, 4,096 at most."""
    body: dict[str, Any] = {
        "Status": answer.status,
        "PhysicalResourceId": answer.physical_id,
        "StackId": record.stack_id,
        "RequestId": request.request_id,
        "LogicalResourceId": record.logical_id,
    }
    if answer.status == "FAILED":
        text = f"{answer.reason or 'no reason is known'}"
        return _encode({**body, "Reason": _fitted(text, lambda part: {**body, "Reason": part})})
    target = record.target(answer)
    if target is None or request.request_type == "Delete":
        return _encode(body)
    if not isinstance(target, RunRecord):
        return _encode({**body, "Data": response_data(made_attributes(target), target.key_style)[0]})
    if attributes is None:
        return _encode(body)
    data, optional = response_data(attributes, target.key_style)
    return _encode({**body, "Data": _fitted_data(body, data, optional, str(attributes["output_text"]), target)})


def _fitted_data(
    body: Mapping[str, Any], data: dict[str, str], optional: dict[str, str], text: str, run: RunRecord
) -> dict[str, str]:
    pascal = run.key_style == "PascalCase"
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
        if _fits(body_with(text[:middle] + _ELLIPSIS)):
            low = middle
        else:
            high = middle - 1
    return text[:low] + _ELLIPSIS if low else ""


def _fits(body: Mapping[str, Any]) -> bool:
    return len(_encode(body)) <= MAX_BODY_BYTES


def _encode(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def abandon_response(store: Store, key: str, request_id: str) -> None:
    """Forget an answer that nobody took while its URL lived: CloudFormation has decided for itself."""
    _decide(store, key, request_id, "nobody took its answer")
    _note_end(store, key, request_id, is_delivered=False)


def _note_end(store: Store, key: str, request_id: str, *, is_delivered: bool) -> None:
    """Forget what must not outlive the request, and remember what CloudFormation knows."""
    while True:
        record = store.load(key)
        request = record.requests.get(request_id) if record else None
        if record is None or request is None or request.response is None or request.response.is_delivered:
            return
        request.response.is_delivered = is_delivered
        request.response_url = None
        target = record.target(request.response)
        if target is not None:
            target.redact()
            if isinstance(target, RunRecord):
                target.is_staged = False
                if is_delivered:
                    target.enter("answered", store.now())
            is_success = is_delivered and request.response.status == "SUCCESS"
            target.is_acknowledged = target.is_acknowledged or is_success
        try:
            store.save(record)
        except VersionConflict:
            continue
        return
