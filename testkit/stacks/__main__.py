"""`make stacks`: creates a hundred stacks while all else fails now and then, deletes them, and writes what is left.

One in 20 requests to OpenAI fails, 3 % of DynamoDB's calls do, and 20 functions are killed while they work. It writes
result.md, and ends with status 1 where a stack did not end right, a run was started twice, or anything is left.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console

from local.deployment import Application, build, deploy, stack_outputs
from local.embedded_cloud import EmbeddedCloud
from local.openai_standin import Fault, OpenAIStandIn
from local.openai_standin.faults import ConnectionLost
from testkit.emulator.failures import LOG
from threadrun.providers.responses.items import ItemRef, run_ref
from threadrun.storage.records import record_of

STACKS = 100
RUN_SECONDS = 8
PATIENCE_SECONDS = 900
"""For all creates, and for all deletes; the emulator and the functions share this machine's cores."""
FUNCTIONS_AT_ONCE = 8
RESULT = Path(__file__).with_name("result.md")
RESPONSES = "responses at OpenAI"
PATCHES = ("testkit.emulator.forked_functions", "testkit.emulator.failures")
KINDS: tuple[dict[str, Any], ...] = (
    {"kind": "status", "status": 500},
    {"kind": "status", "status": 503},
    {"kind": "status", "status": 429, "retry_after": 2},
    {"kind": "reset"},
)
"""Without an effect. Replies are lost of what reads and deletes; of what creates: `tests/crashes`."""
FAULTS = [Fault("*", "/v1/.*", **kind, share=0.01, times=None, after=20 * n) for n, kind in enumerate(KINDS)]
FAULTS += [Fault(method, "/v1/.*", "lost_reply", share=0.02, times=None) for method in ("GET", "DELETE")]
FAILED_STATUSES = (429, 500, 503)


@dataclass
class Played:
    """What became of the stacks, and of what they called."""

    created: Counter[str] = field(default_factory=Counter)
    runs: Counter[str] = field(default_factory=Counter)
    """By the status that the stack's output has."""
    deleted: Counter[str] = field(default_factory=Counter)
    runs_started: int = 0
    responses: Counter[int] = field(default_factory=Counter)
    """How many of CloudFormation's requests got so many responses that counted."""
    openai: Counter[str] = field(default_factory=Counter)
    storage: Counter[str] = field(default_factory=Counter)
    left: Counter[str] = field(default_factory=Counter)
    unnamed: int = 0
    """Runs whose start's one reply was lost with the function that got it: their answer was found in the conversation,
    and their response stays, as no client can name it (docs/decisions.md, "What no client can know")."""
    reasons: list[str] = field(default_factory=list)
    """Why resources failed."""
    seconds: float = 0

    @property
    def leaked(self) -> Counter[str]:
        """What is left, but for the responses that no client can name."""
        return self.left - Counter({RESPONSES: self.unnamed})

    def problems(self, stacks: int) -> list[str]:
        """Sentences; none where all is as it should be."""
        wrong = [
            (self.created != {"CREATE_COMPLETE": stacks}, f"not all stacks were created: {dict(self.created)}"),
            (self.runs != {"completed": stacks}, f"not all runs are completed: {dict(self.runs)}"),
            (self.deleted != {"DELETE_COMPLETE": stacks}, f"not all stacks were deleted: {dict(self.deleted)}"),
            (self.runs_started != stacks, f"{self.runs_started} runs were started for {stacks} stacks"),
            (set(self.responses) != {1}, f"requests by their number of responses: {dict(self.responses)}"),
            (bool(self.leaked), f"left: {dict(self.leaked)}"),
        ]
        return [sentence for is_wrong, sentence in wrong if is_wrong] + self.reasons


class Stage:
    """The application on an embedded cloud, with an OpenAI that fails now and then."""

    def __init__(self, cloud: EmbeddedCloud, openai: OpenAIStandIn, application: Application, stacks: int) -> None:
        self._cloud, self._openai, self._application = cloud, openai, application
        self._names = [f"stack-{number}" for number in range(stacks)]
        self._cloudformation = cloud.client("cloudformation")
        self.played = Played()
        self._count_failures()

    def _count_failures(self) -> None:
        handle, counted = self._openai.handle, self.played.openai

        def handled(*request: Any) -> Any:
            counted["requests"] += 1
            try:
                reply = handle(*request)
            except ConnectionLost as loss:
                counted["lost replies" if loss.had_effect else "resets"] += 1
                raise
            if reply.status in FAILED_STATUSES:
                counted[f"HTTP {reply.status}"] += 1
            return reply

        self._openai.handle = handled

    def play(self, console: Console) -> None:
        """Create all stacks, and delete all."""
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(self._create, self._names))
            self.played.created = self._settled(console, "creating")
            self.played.reasons = [reason for each in pool.map(self._reasons, self._names) for reason in each]
            outputs = list(pool.map(lambda name: stack_outputs(self._cloud, name), self._names))
            self.played.runs = Counter(each.get("Status", "none") for each in outputs)
            self.played.unnamed = sum(_is_unnamed(each.get("Run", "")) for each in outputs)
            self.played.runs_started = self._openai.counters()["runs_started"]
            list(pool.map(lambda name: self._cloudformation.delete_stack(StackName=name), self._names))
            self.played.deleted = self._settled(console, "deleting")
        self._wait_for_executions()
        counted = Counter(each["request_id"] for each in self._cloud.received_responses() if each["counted"])
        self.played.responses = Counter(counted[each["RequestId"]] for each in self._cloud.sent_events())
        self.played.left = self._left()

    def _create(self, name: str) -> None:
        properties = {
            "ServiceToken": self._application.service_token,
            "ServiceTimeout": 1800,
            "model": "gpt-5.4-mini",
            "metadata": {"stack": name},
            "thread": {"messages": [{"role": "user", "content": "What is a stack?"}]},
        }
        resources = {"Run": {"Type": "Custom::OpenAIThreadRun", "Properties": properties}}
        outputs = {"Status": {"Value": {"Fn::GetAtt": ["Run", "status"]}}, "Run": {"Value": {"Ref": "Run"}}}
        body = json.dumps({"Resources": resources, "Outputs": outputs})
        self._cloudformation.create_stack(StackName=name, TemplateBody=body)

    def _reasons(self, name: str) -> list[str]:
        events = self._cloudformation.describe_stack_events(StackName=name)["StackEvents"]
        failed = (each for each in events if each["ResourceStatus"] == "CREATE_FAILED")
        return [f"{name}: {each.get('ResourceStatusReason', 'no reason')}" for each in failed]

    def _settled(self, console: Console, doing: str) -> Counter[str]:
        """How many stacks ended how, once no operation is under way."""
        patience = time.monotonic() + PATIENCE_SECONDS
        with console.status(doing) as line:
            while True:
                pages = self._cloudformation.get_paginator("list_stacks").paginate()
                found = {each["StackName"]: each["StackStatus"] for page in pages for each in page["StackSummaries"]}
                counted = Counter(found.get(name, "DELETE_COMPLETE") for name in self._names)
                under_way = sum(count for status, count in counted.items() if status.endswith("_IN_PROGRESS"))
                if not under_way or time.monotonic() > patience:
                    return counted
                line.update(f"{doing}, {under_way} stacks are under way")
                time.sleep(1)

    def _wait_for_executions(self) -> None:
        states, arn = self._cloud.client("stepfunctions"), self._application.state_machine_arn
        patience = time.monotonic() + PATIENCE_SECONDS
        while states.list_executions(stateMachineArn=arn, statusFilter="RUNNING")["executions"]:
            if time.monotonic() > patience:
                return
            time.sleep(1)

    def _left(self) -> Counter[str]:
        """What there is at OpenAI and in the table that somebody would have to remove."""
        kinds = ("conversations", "responses", "responses_in_flight", "vector_stores", "orphan_items")
        left = Counter({f"{kind} at OpenAI": self._openai.counters()[kind] for kind in kinds})
        pages = self._cloud.client("dynamodb").get_paginator("scan").paginate(TableName=self._application.table_name)
        for item in (each for page in pages for each in page["Items"]):
            kind = item["pk"]["S"].partition("#")[0]
            left[f"items {kind}#"] += kind != "RESOURCE" or bool(record_of(item).made)
        return +left


def _is_unnamed(physical_id: str) -> bool:
    """Whether the run has the id of an item, as its response is not known."""
    thread_id, _, run_id = physical_id.partition(":")
    return isinstance(run_ref(thread_id, run_id), ItemRef)


def markdown(played: Played, stacks: int) -> str:
    """The result as a page."""
    openai, storage = Counter(played.openai), Counter(played.storage)
    asked, used = openai.pop("requests"), storage.pop("call", 0)
    killed = Counter({name: storage.pop(name) for name in list(storage) if name.startswith("killed ")})
    rows = [
        ("stacks", stacks),
        ("after their creation", _listed(played.created)),
        ("runs, by the attribute `status`", _listed(played.runs)),
        ("after their deletion", _listed(played.deleted)),
        ("runs started twice", played.runs_started - stacks),
        ("requests of CloudFormation, by the responses that counted", _listed(played.responses, "with {0}: {1}")),
        ("left at OpenAI and in the table", _listed(played.left) or "nothing"),
        ("of which responses that no client can name", min(played.unnamed, played.left[RESPONSES])),
        ("requests to OpenAI", asked),
        ("of which failed", f"{sum(openai.values())} ({sum(openai.values()) / asked:.1%}): {_listed(openai)}"),
        ("calls of DynamoDB", used),
        ("of which failed", f"{sum(storage.values())} ({sum(storage.values()) / used:.1%}): {_listed(storage)}"),
        ("functions killed while they worked", f"{sum(killed.values())}: {_listed(killed)}"),
        ("time", f"{played.seconds:.0f} s on {os.cpu_count()} cores"),
    ]
    lines = [f"| {name} | {value} |" for name, value in rows]
    problems = played.problems(stacks)
    verdict = "All ended as they should." if not problems else "\n".join(f"- {each}" for each in problems)
    head = ["# A hundred stacks while all else fails now and then", "", "Written by `make stacks`.", ""]
    return "\n".join([*head, "| | |", "| --- | --- |", *lines, "", verdict]) + "\n"


def _listed(counted: Counter[Any], form: str = "{0} {1}") -> str:
    return ", ".join(form.format(name, count) for name, count in sorted(counted.items()))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m testkit.stacks", description=__doc__)
    parser.add_argument("--stacks", type=int, default=STACKS, help="how many; result.md is written for %(default)s")
    stacks, console = parser.parse_args().stacks, Console(highlight=False)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="stacks-", ignore_cleanup_errors=True) as folder:
        cloud = EmbeddedCloud(state_directory=Path(folder), functions_at_once=FUNCTIONS_AT_ONCE, patches=PATCHES)
        with OpenAIStandIn(duration_s=RUN_SECONDS, queued_s=1) as openai, cloud:
            with console.status("deploying the application"):
                application = deploy(cloud, build(), openai_base_url=openai.base_url, api_key=openai.api_key)
            openai.fault(*FAULTS)
            stage = Stage(cloud, openai, application, stacks)
            stage.play(console)
            stage.played.storage = Counter((Path(folder) / LOG).read_text().splitlines())
    stage.played.seconds = time.monotonic() - began
    page = markdown(stage.played, stacks)
    console.print(page, markup=False)
    if stacks == STACKS:
        RESULT.write_text(page)
    return 1 if stage.played.problems(stacks) else 0


if __name__ == "__main__":
    sys.exit(main())
