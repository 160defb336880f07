"""CloudFormation's part in a situation that is to be kept: sends events, and notes what came of each of them."""

import re
from typing import Any

import pytest
from pydantic.alias_generators import to_pascal

from local.openai_standin import Script
from local.openai_standin.faults import ConnectionLost
from testkit.in_process.world import World

Properties = dict[str, Any]
FILE = "file-000000000000000000000000"
TYPES = {
    "Run": "OpenAIThreadRun",
    "Thread": "OpenAIThread",
    "Assistant": "OpenAIAssistant",
    "File": "OpenAIFile",
    "Store": "OpenAIVectorStore",
}
VISIBLE: dict[str, Properties] = {
    "Custom::OpenAIThreadRun": {"instructions": "Answer in two sentences."},
    "Custom::OpenAIThread": {"metadata": {"topic": "stacks, again"}},
    "Custom::OpenAIAssistant": {"instructions": "You are a better expert."},
    "Custom::OpenAIFile": {"content": "Never."},
    "Custom::OpenAIVectorStore": {"name": "others"},
}
"""A change that OpenAI sees, of each type."""


class Play:
    """A world in which a situation comes about; `basics` is what every run needs on this wire."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.events: list[dict[str, Any]] = []
        self.scripts: list[dict[str, Any]] = []
        self.calls: list[dict[str, Any]] = []
        self.executions: list[dict[str, Any]] = []
        self._sent = 0
        self._note_calls()
        world.openai.add_file(id=FILE)
        self.basics: Properties = {"model": "gpt-5.4-mini"}
        if world.wire == "assistants":
            self.basics = {"assistant_id": self.send("Create", self.basics, "Assistant")["PhysicalResourceId"]}

    def _note_calls(self) -> None:
        """Keep what OpenAI was asked for, where it had an effect."""
        handle, clock = self.world.openai.handle, self.world.clock

        def noted(method: str, path: str, *rest: Any) -> Any:
            call = {"at": clock(), "method": method, "path": path, "body": None}
            had_effect = False
            try:
                reply = handle(method, path, *rest)
                had_effect = reply.status < 400
                return reply
            except ConnectionLost as loss:
                had_effect = loss.had_effect
                raise
            finally:
                if had_effect and method != "GET":
                    self.calls.append(call | {"body": self.world.openai.requests[-1].body})

        self.world.openai.handle = noted

    def script(self, **fields: Any) -> None:
        """Say how the next run goes."""
        self.scripts.append(fields)
        self.world.openai.script(Script(**fields))

    def event(
        self, kind: str, properties: Properties, name: str = "Run", physical_id: str | None = None
    ) -> dict[str, Any]:
        """An event with ids that are the same each time; the resource's type is that which its name ends in."""
        self._sent += 1
        event = self.world.event(
            kind,
            properties,
            physical_id=physical_id,
            logical_id=name,
            ResourceType=f"Custom::{next(TYPES[each] for each in TYPES if name.endswith(each))}",
            RequestId=f"00000000-0000-4000-8000-{self._sent:012d}",
        )
        return event | {"ResponseURL": re.sub("Signature=.*", "Signature=0000", event["ResponseURL"])}

    def send(self, *event: Any) -> dict[str, Any]:
        """Send an event and wait for its answer."""
        self.events.append(self.event(*event))
        return self.world.send(self.events[-1])

    def leave(self, *event: Any) -> None:
        """Send an event and leave its execution at its first state."""
        self.events.append(self.event(*event))
        with pytest.MonkeyPatch.context() as monkeypatch:
            monkeypatch.setattr(self.world.app, "hand_over", self._note_execution)
            self.world.invoke("custom_resource", self.events[-1])

    def _note_execution(self, key: str, request_id: str) -> None:
        self.executions.append({"key": key, "request_id": request_id})

    def take_steps(self, seconds: float) -> None:
        """Go on with the execution that was left, until this much later or until it need not wait any more."""
        until = self.world.clock() + seconds
        step: dict[str, Any] = {"outcome": "wait", "wait_seconds": 0}
        app, settings = self.world.app, self.world.app.settings
        app.settings = settings.model_copy(update={"linger_seconds": 0})
        while step["outcome"] == "wait" and self.world.clock() < until:
            self.world.clock.advance(step["wait_seconds"])
            step = self.world.invoke("reconcile", self.executions[-1])
        app.settings = settings

    def updates(self) -> list[dict[str, Any]]:
        """What CloudFormation may send next for the last resource: a change that OpenAI sees, after one it does not."""
        last = self.events[-1]
        physical_ids = self._physical_ids().get(last["LogicalResourceId"], [])
        if not physical_ids or self._answers()[last["RequestId"]]["Status"] == "FAILED":
            return []
        kind, properties = last["ResourceType"], last["ResourceProperties"]
        rename = to_pascal if "Thread" in properties else str
        changes = [{"timeout_seconds": "599"}, VISIBLE[kind]]
        return [
            {
                "event": self.event(
                    "Update",
                    properties | {rename(name): value for name, value in change.items()},
                    last["LogicalResourceId"],
                    physical_ids[-1],
                ),
                "is_replacement": kind.endswith(("Run", "File"))
                and change is changes[1]
                and "import_id" not in properties,
            }
            for change in changes
        ]

    def deletes(self) -> list[dict[str, Any]]:
        """What CloudFormation sends to be rid of all resources, the newest one first."""
        last = {event["LogicalResourceId"]: event["ResourceProperties"] for event in self.events}
        return [
            self.event("Delete", last[name], name, physical_id)
            for name, physical_ids in reversed(self._physical_ids().items())
            for physical_id in physical_ids
        ]

    def _physical_ids(self) -> dict[str, list[str]]:
        """The ids that CloudFormation was told, of each resource; the current one last."""
        found: dict[str, list[str]] = {}
        answers = self._answers()
        for event in self.events:
            answer = answers.get(event["RequestId"])
            if answer is None or event["RequestType"] == "Delete":
                continue
            ids = found.setdefault(event["LogicalResourceId"], [])
            ids[:] = [each for each in ids if each != answer["PhysicalResourceId"]] + [answer["PhysicalResourceId"]]
        return found

    def _answers(self) -> dict[str, dict[str, Any]]:
        return {answer["RequestId"]: answer for answer in self.world.url.answers}
