"""What Lambda's log groups tell of each invocation: its REPORT line, and the request of CloudFormation it was for."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from bench.prices import Usage

_REPORT = re.compile(r"^REPORT RequestId: \S+\s.*?Billed Duration: (\d+) ms\s+Memory Size: (\d+) MB")
_LINGERED = re.compile(r'"waited_inline_seconds": ?([0-9.]+)')
_LOOKS = re.compile(r'"looks": ?([0-9]+)')
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True)
class Function:
    """A deployed function."""

    name: str
    log_group: str
    architecture: str


@dataclass(frozen=True)
class Invocation:
    """One invocation; `request_id` is that of CloudFormation's request, None where its log names none."""

    function: Function
    request_id: str | None
    billed_ms: int
    memory_mb: int
    logged_epoch_s: float
    lingered_s: float = 0
    """What it slept of the time that is billed, where its log tells."""
    looks: int = 0
    """How often it found the run at work, where its log tells."""

    @property
    def usage(self) -> Usage:
        gb_seconds = self.billed_ms / 1000 * self.memory_mb / 1024
        return Usage(invocations=1, gb_seconds={self.function.architecture: gb_seconds})


def read_report(line: str) -> tuple[int, int] | None:
    """Billed milliseconds and memory in MB of a REPORT line, None for another line."""
    found = _REPORT.match(line)
    return (int(found[1]), int(found[2])) if found else None


def read_invocation(
    function: Function, lines: Iterable[str], requests: Collection[str], logged_epoch_s: float = 0
) -> Invocation | None:
    """The invocation that wrote these lines, None where its REPORT is not there yet."""
    report, request_id, lingered_s, looks = None, None, 0.0, 0
    for line in lines:
        report = read_report(line) or report
        if told := _LINGERED.search(line):
            lingered_s = float(told[1])
        if told := _LOOKS.search(line):
            looks = int(told[1])
        request_id = request_id or next((each for each in _UUID.findall(line) if each in requests), None)
    return Invocation(function, request_id, *report, logged_epoch_s, lingered_s, looks) if report else None


def functions_of(cloud: Any, stack_name: str) -> list[Function]:
    """The functions of a stack."""
    resources = cloud.client("cloudformation").describe_stack_resources(StackName=stack_name)["StackResources"]
    client = cloud.client("lambda")
    found = []
    for resource in resources:
        if resource["ResourceType"] == "AWS::Lambda::Function":
            name = resource["PhysicalResourceId"]
            settings = client.get_function_configuration(FunctionName=name)
            group = settings.get("LoggingConfig", {}).get("LogGroup") or f"/aws/lambda/{name}"
            found.append(Function(name, group, settings.get("Architectures", ["x86_64"])[0]))
    return found


def invocations_of(cloud: Any, functions: Iterable[Function], requests: Collection[str]) -> Iterator[Invocation]:
    """All invocations of these functions; the emulator gives each a log stream of its own."""
    logs = cloud.client("logs")
    for function in functions:
        for names in _stream_names(logs, function.log_group):
            streams: dict[str, list[dict[str, Any]]] = defaultdict(list)
            for event in logs.filter_log_events(logGroupName=function.log_group, logStreamNames=names)["events"]:
                streams[event["logStreamName"]].append(event)
            for events in streams.values():
                lines = [event["message"] for event in events]
                invocation = read_invocation(function, lines, requests, events[-1]["timestamp"] / 1000)
                if invocation is not None:
                    yield invocation


def _stream_names(logs: Any, log_group: str) -> Iterator[list[str]]:
    """The group's streams, few enough at once for one answer to hold all that they hold."""
    try:
        for page in logs.get_paginator("describe_log_streams").paginate(logGroupName=log_group):
            if page["logStreams"]:
                yield [stream["logStreamName"] for stream in page["logStreams"]]
    except logs.exceptions.ResourceNotFoundException:
        return  # As for a function that was never invoked, whose group has no streams where the template made it.
