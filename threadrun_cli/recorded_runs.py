"""Reads the runs of a table and the time that each spent in each phase, without prompts, answers or outputs."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from threadrun.errors import UnreadableRecord
from threadrun.state.resource import ResourceRecord
from threadrun.state.run import RunRecord
from threadrun.state.timeline import Phase, Timeline
from threadrun.storage.records import record_of

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

PHASES = {
    "starting": "starting",
    "queued": "queued",
    "running": "running",
    "tools": "waiting for tools",
    "answering": "until answered",
}
"""Names of the phases for people, in the order of a run."""


@dataclass(frozen=True)
class Span:
    """The time that a run spent in one phase, in Unix seconds."""

    phase: str
    begin_epoch_s: float
    end_epoch_s: float

    @property
    def seconds(self) -> float:
        return self.end_epoch_s - self.begin_epoch_s


@dataclass(frozen=True)
class Run:
    """The facts about a run that are shown; its texts are printable."""

    stack_name: str
    logical_id: str
    model: str
    status: str
    total_tokens: int
    spans: tuple[Span, ...]
    """In order; the first begins with the request."""
    is_under_way: bool
    reason: str = ""
    """Why its request failed."""

    @property
    def begin_epoch_s(self) -> float:
        return self.spans[0].begin_epoch_s

    @property
    def end_epoch_s(self) -> float:
        return self.spans[-1].end_epoch_s

    @property
    def seconds(self) -> float:
        return self.end_epoch_s - self.begin_epoch_s

    @property
    def began(self) -> str:
        return datetime.fromtimestamp(self.begin_epoch_s, UTC).strftime("%Y-%m-%d %H:%M:%S")

    def seconds_in(self, phase: str) -> float | None:
        """Return the seconds of a phase; None if the run never was in it."""
        own = [span.seconds for span in self.spans if span.phase == phase]
        return sum(own) if own else None


class TableError(Exception):
    """The table cannot be read; the text says why."""


def read_runs(client: DynamoDBClient, table_name: str, now: float) -> list[Run]:
    """Return the runs on record, sorted by the time of their request. Raises `TableError`."""
    found = [run for record in _records(client, table_name) for run in runs_of(record, now)]
    return sorted(found, key=lambda run: (run.begin_epoch_s, run.stack_name, run.logical_id))


def _records(client: DynamoDBClient, table_name: str) -> Iterator[ResourceRecord]:
    pages = client.get_paginator("scan").paginate(
        TableName=table_name,
        FilterExpression="begins_with(pk, :kind)",
        ExpressionAttributeValues={":kind": {"S": "RESOURCE#"}},
        ProjectionExpression="pk, body, version",
    )
    try:
        for page in pages:
            for item in page["Items"]:
                try:
                    yield record_of(item)
                except UnreadableRecord as error:  # Of a newer version, say.
                    logging.getLogger(__name__).warning("%s is left out: %s", item["pk"]["S"], error.reason)
    except client.exceptions.ResourceNotFoundException:
        raise TableError(f"table {table_name} does not exist in {client.meta.region_name}") from None
    except (ClientError, BotoCoreError) as error:
        reason = error.response["Error"]["Message"] if isinstance(error, ClientError) else error
        raise TableError(f"cannot read table {table_name}: {reason}") from None


def runs_of(record: ResourceRecord, now: float) -> list[Run]:
    """Return the runs that a resource has, had or is about to have, and requests that were refused before one began."""
    shown = _Shown(record)
    present = [
        shown.run(
            key=run.key,
            model=run.observed.model or (run.desired.model if run.desired else None),
            status=(run.observed.status or "not started") + (", resource failed" if run.failure else ""),
            total_tokens=run.observed.usage.total_tokens,
            spans=spans,
            is_under_way=run.timeline[-1].name != "answered" and now < run.deadline_epoch_s,
        )
        for run in record.made.values()
        if isinstance(run, RunRecord) and (spans := _spans(run.timeline, now, run.deadline_epoch_s))
    ]
    past = [
        shown.run(
            key=run.request_id,
            model=run.model,
            status=f"{run.status or 'not started'}, {'rolled back' if run.has_failed else 'deleted'}",
            total_tokens=run.total_tokens,
            spans=_spans(run.timeline, now, now),
        )
        for run in record.past
    ]
    return present + past + list(shown.refused())


@dataclass(frozen=True)
class _Shown:
    record: ResourceRecord

    def run(
        self,
        *,
        key: str,
        model: str | None,
        status: str,
        total_tokens: int,
        spans: tuple[Span, ...],
        is_under_way: bool = False,
    ) -> Run:
        stack_id, requests = self.record.stack_id, self.record.requests
        response = requests[key].response if key in requests else None
        return Run(
            stack_name=_printable(stack_id.split("/")[1] if "/" in stack_id else stack_id),
            logical_id=_printable(self.record.logical_id),
            model=_printable(model or ""),
            status=_printable(status),
            total_tokens=total_tokens,
            spans=spans,
            is_under_way=is_under_way,
            reason=_printable(response.reason if response else ""),
        )

    def refused(self) -> Iterator[Run]:
        """Requests whose properties could not be used."""
        for request in self.record.requests.values():
            if request.target_key is None and request.failure and request.request_type != "Delete":
                at = request.received_epoch_s
                spans = (Span("starting", at, at),)
                yield self.run(key=request.request_id, model=None, status="refused", total_tokens=0, spans=spans)


def _spans(phases: Timeline, now: float, deadline_epoch_s: float) -> tuple[Span, ...]:
    if phases and phases[-1].name != "answered":
        # It has not come to its end, and won't past its deadline.
        end = max(min(now, deadline_epoch_s), phases[-1].since_epoch_s)
        phases = (*phases, Phase("answered", end))
    return tuple(Span(one.name, one.since_epoch_s, after.since_epoch_s) for one, after in pairwise(phases))


def _printable(text: str) -> str:
    """Replace unprintable characters: a user's name must not control a terminal or break a page."""
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)


def seconds_text(seconds: float | None) -> str:
    """Return the seconds as text, or a dash for None."""
    return "–" if seconds is None else f"{seconds:.1f}"
