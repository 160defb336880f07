"""What CloudFormation gets: decided once, kept in the record, made to fit, sent until it is taken."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from threadrun.cloudformation.admission import response_physical_id
from threadrun.cloudformation.delivery import deliver, encoded, failure_body, fits, fitted
from threadrun.cloudformation.protocol import readable
from threadrun.state.attributes import made_attributes, response_data
from threadrun.state.resource import AnyRecord, Request, ResourceRecord, Response
from threadrun.state.run import RunRecord
from threadrun.storage.records import Records
from threadrun.storage.run_attributes import RunAttributes


@dataclass(frozen=True)
class Delivered:
    """A request whose response was delivered just now, with the record as it was before that."""

    record: ResourceRecord
    request: Request
    response: Response


@dataclass(frozen=True)
class Responses:
    """Decides responses and sends them. `clock` gives Unix seconds."""

    # docs/decisions.md: "A failed run gets its response first and is cleaned up afterwards"

    records: Records
    attributes: RunAttributes
    clock: Callable[[], float]

    def send(
        self, key: str, request_id: str, *, failure: str | None = None, url: str | None = None
    ) -> Delivered | None:
        """Decide the response if none is decided yet, and send it; returns None if there was none to send.

        `failure` says why the work ended early; it does not count for a run that has ended. `url` is where a repeated
        request wants its response. Raises `ResponseNotDelivered` when CloudFormation's URL does not take it; the
        decision stands for the next try.
        """
        decided = self._decide(key, request_id, failure)
        target = url or (decided.request.response_url if decided else None)
        if decided is None or target is None:
            return None
        run, attributes = decided.record.target(decided.response), None
        if decided.response.status == "SUCCESS" and isinstance(run, RunRecord) and run.physical_id:
            attributes = self.attributes.read(run.physical_id)
        deliver(target, response_body(decided.record, decided.request, decided.response, attributes))
        self._note_end(key, request_id, is_delivered=True, known=decided.record.copied())
        return decided

    def abandon(self, key: str, request_id: str) -> None:
        """Give up a response that was not taken while its URL lived: CloudFormation has decided for itself."""
        self._decide(key, request_id, "CloudFormation did not accept the response")
        self._note_end(key, request_id, is_delivered=False)

    def _decide(self, key: str, request_id: str, failure: str | None) -> Delivered | None:
        def decide(record: ResourceRecord) -> Delivered | None:
            request = record.requests.get(request_id)
            if request is None or request.is_superseded:
                return None
            if request.response is None:
                request.response = decide_response(record, request, failure)
                # Before the save: a record without room for its response would never be answered for.
                if (target := record.target(request)) is not None:
                    target.redact()
            return Delivered(record, request, request.response)

        return self.records.update(key, decide)

    def _note_end(self, key: str, request_id: str, *, is_delivered: bool, known: ResourceRecord | None = None) -> None:
        """Drop what must not outlive the request, and remember what CloudFormation knows."""

        def note(record: ResourceRecord) -> None:
            request = record.requests.get(request_id)
            if request is None or request.response is None or request.response.is_delivered:
                return
            request.response.is_delivered, request.response_url = is_delivered, None
            target = record.target(request.response)
            if target is None:
                return
            if isinstance(target, RunRecord):
                target.item = target.item.model_copy(update={"is_staged": False})
                if is_delivered:
                    target.enter("answered", self.clock())
            is_success = is_delivered and request.response.status == "SUCCESS"
            target.is_acknowledged = target.is_acknowledged or is_success

        self.records.update(key, note, known=known)


def decide_response(record: ResourceRecord, request: Request, failure: str | None = None) -> Response:
    target = record.target(request)
    reason = _failure_reason(request, target, failure)
    return Response(
        status="SUCCESS" if reason is None else "FAILED",
        physical_id=response_physical_id(request, target, has_failed=reason is not None),
        reason=reason or "",
        target_key=request.target_key,
    )


def _failure_reason(request: Request, target: AnyRecord | None, failure: str | None) -> str | None:
    """Why the request failed, None where it succeeded."""
    known = request.failure or (target.failure if target else None)
    if known or request.request_type == "Delete":
        return known or failure
    if target is None or target.physical_id is None:
        return failure or "the request was not finished"
    if not isinstance(target, RunRecord):
        return failure or None
    observed, accepted = target.observed, target.accepted_statuses
    # A run that has ended counts, whatever became of the work after it: it is paid for, and its attributes are staged.
    if not observed.is_final or (failure and target.must_recheck):
        return failure or f"run {target.run_id} was not followed to its end"
    if observed.status in accepted:
        return None
    allowed = " and ".join(f"`{each}`" for each in accepted) + (" are" if len(accepted) > 1 else " is")
    reason = f"run {target.run_id} ended as `{observed.status}`; only {allowed} accepted"
    if observed.failed_ids:
        tries = len(observed.failed_ids) + 1
        reason = f"run {target.run_id} ended as `{observed.status}` on try {tries}; only {allowed} accepted"
    return f"{reason}: {observed.problem}" if observed.problem else reason


def response_body(
    record: ResourceRecord, request: Request, response: Response, attributes: Mapping[str, Any] | None
) -> bytes:
    """The response as bytes to PUT, 4,096 at most: Reason and output_text are shortened. `attributes` are a run's."""
    # docs/decisions.md: "Attributes of a response are text"
    named = {
        "PhysicalResourceId": response.physical_id,
        "StackId": record.stack_id,
        "RequestId": request.request_id,
        "LogicalResourceId": record.logical_id,
    }
    if response.status == "FAILED":
        return failure_body(named, response.reason)
    body: dict[str, Any] = _readable({"Status": response.status, **named})
    target = record.target(response)
    if isinstance(target, RunRecord):
        if attributes is not None:
            body["Data"] = _fitted_data(body, attributes, target)
    elif target is not None:
        given, _ = response_data(made_attributes(target), target.options.key_style)
        body["Data"] = dict[str, str]()
        _add_what_fits(body, _readable(given).items())
    return encoded(body)


def _fitted_data(body: Mapping[str, Any], attributes: Mapping[str, Any], run: RunRecord) -> dict[str, str]:
    given = response_data(attributes, run.options.key_style)
    fixed, optional = map(_readable, given)
    pascal, text = run.options.key_style == "PascalCase", readable(str(attributes["output_text"]))
    text_name, flag_name = ("OutputText", "OutputTruncated") if pascal else ("output_text", "output_truncated")
    cited_name = "Citations" if pascal else "citations"
    data, cited = {flag_name: "false", text_name: ""}, fixed.pop(cited_name)
    # The short ones first.
    short_first = [*sorted(fixed.items(), key=lambda item: len(item[1])), *optional.items()]
    whole = _add_what_fits({**body, "Data": data}, short_first) and not attributes["output_truncated"]
    whole = whole and len(optional) == len(given[1])  # Names may differ in what cannot be read only.
    data[text_name] = fitted(text, lambda part: {**body, "Data": {**data, text_name: part}})
    # Last: the text goes before its sources.
    whole = _add_what_fits({**body, "Data": data}, [(cited_name, cited)]) and whole
    data[flag_name] = "false" if whole and data[text_name] == text else "true"
    return data


def _add_what_fits(body: Mapping[str, Any], values: Iterable[tuple[str, str]]) -> bool:
    """Add to `Data` each value that there is room for; returns whether that is all. Half a value would be wrong."""
    data, whole = body["Data"], True
    for name, value in values:
        if fits({**body, "Data": {**data, name: value}}):
            data[name] = value
        else:
            whole = False
    return whole


def _readable(texts: Mapping[str, str]) -> dict[str, str]:
    """Before anything is fitted: it is encoded many times then. Names too: the keys of an output are the model's."""
    return {readable(name): readable(text) for name, text in texts.items()}
