"""Plays the planned runs as real stacks, and gathers what became of each.

Lag is measured alike for all systems: from the end of the run by the stand-in's own clock (when its request came,
and how long it was told to take) to the PUT that the embedded CloudFormation counts as the answer.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from bench.invocations import Invocation, invocations_of
from bench.plan import PlannedRun
from bench.prices import Usage
from bench.systems import System
from bench.transitions import transitions_by_request
from local.embedded_cloud import EmbeddedCloud
from local.openai_standin import OpenAIStandIn, Script

LOOK_SECONDS = 3
SETTLE_SECONDS = 5
"""After the last answer: what the systems still do then is billed too."""
STAGGER_SECONDS = 0.5
"""Between the same run of two systems, so that they do not compete for the processor at that moment."""
CONNECTIONS = 8
PATIENCE_SECONDS = 300
"""For the last answers: twice crhelper's interval, and some."""


@dataclass(frozen=True)
class PlayedRun:
    """One run of one system, from the stack's creation to CloudFormation's answer."""

    system: str
    group: str
    seconds: float
    started_epoch_s: float
    started_after_s: float
    """From the stack's creation to the run's start on the server."""
    lag_s: float
    usage: Usage
    """Without the table's units."""
    api_requests: int
    """To the server, for this run: those that name it, and the making of its thread."""


@dataclass(frozen=True)
class Played:
    """Everything that was gathered."""

    runs: list[PlayedRun]
    invocations: dict[str, list[Invocation]]
    """By system, those of no request too."""
    failures: list[str]
    """Runs that failed, or were started twice, and why."""


class Unanswered(RuntimeError):
    """A run was not answered in time."""


class Stage:
    """The embedded cloud with the systems on it, and the server that runs the threads."""

    def __init__(self, cloud: EmbeddedCloud, openai_api: OpenAIStandIn, systems: Sequence[System]) -> None:
        self._cloud, self._openai_api, self.systems = cloud, openai_api, systems
        self._cloudformation = cloud.client("cloudformation")
        self._created: dict[str, float] = {}
        self._runs: dict[str, tuple[System, PlannedRun]] = {}

    def play(self, planned: Sequence[PlannedRun], on_look: Callable[[Mapping[str, int]], None]) -> None:
        """Create every run's stack at its time, for each system, and wait for all answers.

        `on_look` is told how many runs of each system are answered.
        """
        self.expect(planned)
        due = [
            (run.starts_at_s + STAGGER_SECONDS * place, system, run)
            for run in planned
            for place, system in enumerate(self.systems)
        ]
        began = looked = time.monotonic()
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            created = []
            for starts_at_s, system, run in sorted(due, key=lambda each: each[0]):
                while (left := began + starts_at_s - time.monotonic()) > 0:
                    time.sleep(min(left, 0.1))
                    if time.monotonic() > looked + LOOK_SECONDS:
                        on_look(self._answered())
                        looked = time.monotonic()
                created.append(pool.submit(self.create, system, run))
        for each in created:
            each.result()
        self.wait(on_look)

    def wait(self, on_look: Callable[[Mapping[str, int]], None]) -> None:
        """Until every run that was created is answered; raises `Unanswered` where that takes too long."""
        patience = time.monotonic() + max(run.seconds for _, run in self._runs.values()) + PATIENCE_SECONDS
        while sum((answered := self._answered()).values()) < len(self._runs):
            on_look(answered)
            if time.monotonic() > patience:
                raise Unanswered(f"{len(self._runs) - sum(answered.values())} runs are not answered")
            time.sleep(LOOK_SECONDS)
        on_look(answered)
        time.sleep(SETTLE_SECONDS)

    def expect(self, planned: Sequence[PlannedRun]) -> None:
        """Tell the server how long each run takes."""
        for seconds in {run.seconds for run in planned}:
            match = {"metadata": {"seconds": f"{seconds:.3f}"}}
            self._openai_api.script(Script(duration_s=seconds, match=match, times=None))

    def create(self, system: System, *runs: PlannedRun) -> None:
        """Create a stack with these runs, which CloudFormation creates at once."""
        named = {f"{system.name}-{run.group}-{run.number}": run for run in runs}
        resources = {
            f"Run{number}": system.resource({"run": name, "seconds": f"{run.seconds:.3f}"})
            for number, (name, run) in enumerate(named.items())
        }
        now = time.time()
        for name, run in named.items():
            self._runs[name], self._created[name] = (system, run), now
        self._cloudformation.create_stack(
            StackName=next(iter(named)), TemplateBody=json.dumps({"Resources": resources})
        )

    def _requests(self) -> dict[str, str]:
        """The run that each Create of CloudFormation is for."""
        creates = [event for event in self._cloud.sent_events() if event["RequestType"] == "Create"]
        # Without metadata: the application's own webhook endpoint.
        runs = [event for event in creates if "metadata" in event["ResourceProperties"]]
        return {event["RequestId"]: event["ResourceProperties"]["metadata"]["run"] for event in runs}

    def _answers(self) -> dict[str, dict[str, Any]]:
        """The answer to each run that counted."""
        requests = self._requests()
        counted = [
            each for each in self._cloud.received_responses() if each["counted"] and each["request_id"] in requests
        ]
        return {requests[each["request_id"]]: each for each in counted}

    def _answered(self) -> dict[str, int]:
        answered = dict.fromkeys((system.name for system in self.systems), 0)
        for name in self._answers():
            answered[self._runs[name][0].name] += 1
        return answered

    def gather(self) -> Played:
        """What became of the runs, all of which are answered."""
        requests, answers = self._requests(), self._answers()
        (starts, failures), api_requests = self._starts(), self._api_requests()
        usage = {name: Usage() for name in self._runs}
        invocations = {}
        for system in self.systems:
            invocations[system.name] = list(invocations_of(self._cloud, system.functions, requests))
            for each in invocations[system.name]:
                if each.request_id is not None:
                    usage[requests[each.request_id]] += each.usage
            if system.state_machine_arn:
                counted = transitions_by_request(self._cloud, system.state_machine_arn)
                for request_id, transitions in counted.items():
                    usage[requests[request_id]] += Usage(transitions=transitions)
        runs = []
        for name, (system, run) in self._runs.items():
            answer = json.loads(answers[name]["body"])
            if answer["Status"] != "SUCCESS":
                failures.append(f"{name}: {answer['Reason']}")
                continue
            lag_s = answers[name]["time_epoch_s"] - (starts[name] + run.seconds)
            started_after_s = starts[name] - self._created[name]
            times = (starts[name], started_after_s, lag_s)
            runs.append(PlayedRun(system.name, run.group, run.seconds, *times, usage[name], api_requests[name]))
        return Played(runs, invocations, failures)

    def _api_requests(self) -> Counter[str]:
        """How many there were for each run. Its thread was made by one that tells nothing of the run."""
        world = self._openai_api.world
        runs = {run_id: made.request["metadata"]["run"] for run_id, made in world.responses.items()}
        threads = {made.conversation.id: runs[run_id] for run_id, made in world.responses.items() if made.conversation}
        named = (part for each in self._openai_api.requests for part in each.path.split("/"))
        by_id = runs | threads
        return (
            Counter(runs.values()) + Counter(threads.values()) + Counter(by_id[each] for each in named if each in by_id)
        )

    def _starts(self) -> tuple[dict[str, float], list[str]]:
        """When the server was asked for each run, in Unix seconds; and which it was asked for twice."""
        starts: dict[str, float] = {}
        repeated = []
        for request in self._openai_api.requests:
            if (request.method, request.path) == ("POST", "/v1/responses"):
                name = request.body["metadata"]["run"]
                if name in starts:
                    repeated.append(f"{name}: started twice")
                starts.setdefault(name, request.time)
        return starts, repeated
