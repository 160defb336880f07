"""`threadrun why`: the reason that a stack failed for, its run, the log lines of its request, and what to do.

Reads the stack's events, the resource's record and the functions' logs (`cloudformation:DescribeStackEvents`,
`cloudformation:DescribeStacks`, `dynamodb:GetItem`, `logs:FilterLogEvents`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.markup import escape

from threadrun.errors import ThreadRunError
from threadrun.schema.parsing import UNNAMED_TYPE
from threadrun.state.resource import Request, ResourceRecord, resource_key
from threadrun.state.run import RunRecord
from threadrun.storage.records import Records
from threadrun_cli.attributes import attributes_of
from threadrun_cli.remedies import REPEATED, remedies_for

LOG_KEYS = ("service", "message", "method", "path", "http_status", "code", "openai_request_id", "reason")
"""What is shown of a log line. No line has prompts, answers or keys."""
MARGIN_SECONDS = 60
_PREFIX = "Message returned: "
_NOT_ITS_OWN = ("Resource creation cancelled", "Resource update cancelled", "The following resource(s) failed")
_TYPES = ("Custom::OpenAI", UNNAMED_TYPE)
_ABOUT_OURS = re.compile(r"CustomResource attribute error|Requested attribute|No export named \S*-ServiceToken")
"""What CloudFormation says of another resource, or of the stack, where a reference to one of ours is wrong."""
_OF_RESOURCE = re.compile(r"\|(\w+)\|")
"""The logical id in what CloudFormation calls the object of a custom resource."""
_BEGINNINGS = ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS")
"""Of a stack: where its last operation began."""


class WhyError(Exception):
    """It cannot be told; the text says why."""


@dataclass
class Failure:
    """A resource that failed, as CloudFormation and the application know it."""

    logical_id: str
    reason: str
    epoch_s: float
    request: Request | None = None
    run: Mapping[str, Any] | None = None
    log_lines: list[dict[str, Any]] = field(default_factory=list)
    attributes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Where an attribute is asked for that does not exist: those that there are, by resource type."""


@dataclass(frozen=True)
class Stacks:
    """Looks failures up. `client` makes boto3's clients by their names."""

    client: Callable[[str], Any]
    application: str
    """The name of the application's stack."""

    def failures(self, stack: str) -> tuple[str, list[Failure]]:
        """The stack's status, and what failed in its last operation. Raises `WhyError`."""
        try:
            return self._failures(stack)
        except (ClientError, BotoCoreError, ThreadRunError) as error:
            raise WhyError(str(error)) from None

    def _failures(self, stack: str) -> tuple[str, list[Failure]]:
        pages = self.client("cloudformation").get_paginator("describe_stack_events").paginate(StackName=stack)
        status, found, stack_id = "", list[Failure](), ""
        types: dict[str, str] = {}
        for event in (event for page in pages for event in page["StackEvents"]):
            stack_id = event["StackId"]
            is_stack = event.get("PhysicalResourceId") == stack_id
            status = status or (event["ResourceStatus"] if is_stack else "")
            if is_stack and event["ResourceStatus"] in _BEGINNINGS:
                break
            if event["ResourceType"].startswith(_TYPES):
                types[event["LogicalResourceId"]] = event["ResourceType"]
            if _is_ours(event):
                reason, at = event.get("ResourceStatusReason", ""), event["Timestamp"].timestamp()
                found.append(Failure(event["LogicalResourceId"], reason.removeprefix(_PREFIX), at))
        for failure in found:
            if failure.logical_id in types:
                self._look_up(failure, stack_id)
            failure.attributes = _attributes(failure.reason, types)
        return status, found[::-1]

    def _look_up(self, failure: Failure, stack_id: str) -> None:
        record = Records(self.client("dynamodb"), self.table_name()).load(resource_key(stack_id, failure.logical_id))
        if record is None:
            return
        failed = [each for each in record.requests.values() if each.response and each.response.status == "FAILED"]
        failure.request = min(failed, key=lambda each: _distance(each, failure), default=None)
        if failure.request is not None:
            failure.run = _run(record, failure.request)
            failure.log_lines = list(self._log_lines(failure.request, failure.epoch_s))

    def table_name(self) -> str:
        """The application's table. Raises `WhyError`."""
        try:
            [stack] = self.client("cloudformation").describe_stacks(StackName=self.application)["Stacks"]
        except (ClientError, BotoCoreError) as error:
            raise WhyError(f"{error}; --application names the application's stack") from None
        outputs = {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])}
        if "TableName" not in outputs:
            raise WhyError(f"stack {self.application} is not the application: --application names its stack")
        return str(outputs["TableName"])

    def _log_lines(self, request: Request, until_epoch_s: float) -> Iterator[dict[str, Any]]:
        logs, lines = self.client("logs"), list[dict[str, Any]]()
        groups = logs.get_paginator("describe_log_groups").paginate(
            logGroupNamePrefix=f"/aws/lambda/{self.application}/"
        )
        for group in (group["logGroupName"] for page in groups for group in page["logGroups"]):
            events = logs.get_paginator("filter_log_events").paginate(
                logGroupName=group,
                startTime=int((request.received_epoch_s - MARGIN_SECONDS) * 1000),
                endTime=int((until_epoch_s + MARGIN_SECONDS) * 1000),
                filterPattern=f'{{ $.correlation_id = "{request.request_id}" }}',
            )
            lines += [_line(event, request.request_id) for page in events for event in page["events"]]
        yield from sorted(filter(None, lines), key=lambda each: each["timestamp"])


def _is_ours(event: Mapping[str, Any]) -> bool:
    """Whether a resource of ours failed, or something because of a reference to one."""
    reason = event.get("ResourceStatusReason", "")
    if _ABOUT_OURS.search(reason):
        return True
    has_failed = event["ResourceStatus"].endswith("_FAILED") and not reason.startswith(_NOT_ITS_OWN)
    return has_failed and str(event["ResourceType"]).startswith(_TYPES)


def _attributes(reason: str, types: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    if "attribute" not in reason or not _ABOUT_OURS.search(reason):
        return {}
    named = {types[name] for name in _OF_RESOURCE.findall(reason) if name in types}
    return {kind: known for kind in sorted(named or set(types.values())) if (known := attributes_of(kind))}


def _distance(request: Request, failure: Failure) -> float:
    # The reason is cut where it does not fit into an event.
    begins = (request.response.reason if request.response else "")[:80]
    return abs(request.received_epoch_s - failure.epoch_s) + (0 if failure.reason.startswith(begins) else 1e9)


def _run(record: ResourceRecord, request: Request) -> dict[str, Any] | None:
    run = record.target(request)
    if isinstance(run, RunRecord):
        seen = run.observed
        return {"run": run.run_id, "status": seen.status, "model": seen.model, "tokens": seen.usage.total_tokens}
    past = next((each for each in record.past if each.request_id == request.target_key), None)
    if past is None:
        return None
    return {"run": past.run_id, "status": past.status, "model": past.model, "tokens": past.total_tokens}


def _line(event: Mapping[str, Any], request_id: str) -> dict[str, Any]:
    try:
        line = json.loads(event["message"])
    except ValueError:
        return {}
    # Metrics have no message. An emulator may take no notice of the pattern.
    if not isinstance(line, dict) or "message" not in line or line.get("correlation_id") != request_id:
        return {}
    return {"timestamp": event["timestamp"], **{key: line[key] for key in LOG_KEYS if line.get(key) not in (None, "")}}


def show(console: Console, stack: str, status: str, failures: list[Failure]) -> None:
    """Print what is known."""
    if not failures:
        console.print(f"No resource of the application failed in the last operation of {escape(stack)} ({status}).")
    for failure in failures:
        console.print(f"[bold red]{escape(failure.logical_id)}[/]: {escape(failure.reason)}")
        if failure.run:
            facts = ", ".join(f"{name} {value}" for name, value in failure.run.items() if value is not None)
            console.print(f"  [bold]run[/]      {escape(facts)}")
        if failure.request:
            console.print(f"  [bold]request[/]  {escape(failure.request.request_id)}")
        for line in failure.log_lines:
            texts = (str(value) for name, value in line.items() if name != "timestamp")
            console.print(f"  [dim]{escape(' '.join(texts))}[/]")
        for remedy in remedies_for(failure.reason):
            console.print(f"  [bold]cause[/]    {escape(remedy.cause)}")
            if remedy.remedy != REPEATED:
                console.print(f"  [bold]remedy[/]   {escape(remedy.remedy)}")
        for kind, names in failure.attributes.items():
            console.print(f"  [bold]known[/]    attributes of {kind}: {', '.join(names)}")
    if status in ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED"):
        console.print(
            f"The stack is in {status}, which cannot be updated. Delete it, then deploy again:\n"
            f"  aws cloudformation delete-stack --stack-name {escape(stack)}"
        )
