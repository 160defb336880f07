"""The situations of one version in a file: what had been sent, stored and started, and how it went on from there.

Written once, by the version it is of; the file of a version that was released never changes.
"""

from __future__ import annotations

import functools
import json
import lzma
import zlib
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from local.openai_standin import OpenAIStandIn, Script
from local.release import ROOT, SNAPSHOT_SUFFIX, SNAPSHOTS
from testkit.clock import Clock
from testkit.in_process.aws import aws
from testkit.in_process.world import TABLE, World
from tests.support.runs import alive

VERSIONS = ROOT / SNAPSHOTS
MAX_BYTES = 150_000
NOW = "now"
"""The code as it is, as if it had been released."""
ANSWER_ORIGIN = "http://answers.invalid"
"""Stands for the server that takes the answers: each world has its own."""

Item = dict[str, Any]


@dataclass(frozen=True)
class Kept:
    """One moment of an application; times are in virtual Unix seconds."""

    now: float
    files: list[str]
    scripts: list[dict[str, Any]]
    """How the runs go, in the order of their starts."""
    calls: list[dict[str, Any]]
    """What OpenAI had been asked to make, change or delete."""
    events: list[dict[str, Any]]
    """What CloudFormation had sent."""
    items: list[Item]
    executions: list[dict[str, Any]]
    """The input of each execution that was under way."""
    outcome: dict[str, Any]
    """What came of them, see `outcome_of`."""
    updates: list[dict[str, Any]]
    deletes: list[dict[str, Any]]
    """What CloudFormation sends to be rid of everything, each with what is left at OpenAI after it."""

    def as_text(self, origin: str) -> str:
        """Of a world whose answers go to this origin."""
        text = json.dumps(asdict(self) | {"items": [_as_text(item, origin) for item in self.items]})
        return text.replace(origin, ANSWER_ORIGIN)

    @classmethod
    def from_text(cls, text: str, origin: str) -> Kept:
        """For a world whose answers go to this origin."""
        kept = cls(**json.loads(text.replace(ANSWER_ORIGIN, origin)))
        kept.items[:] = [_from_text(item, origin) for item in kept.items]
        return kept

    def put_in_place(self, world: World) -> None:
        """Make OpenAI and the table what they were."""
        self.prepare_openai(world)
        for call in self.calls:
            world.clock.advance(call["at"] - world.clock())
            _repeat(world, call)
        world.clock.advance(self.now - world.clock())
        for item in self.items:
            aws("dynamodb").put_item(TableName=TABLE, Item=item)

    def prepare_openai(self, world: World) -> None:
        """What was there before CloudFormation's first event."""
        for file_id in self.files:
            world.openai.add_file(id=file_id)
        world.openai.script(*[Script(**each) for each in self.scripts])


@dataclass(frozen=True)
class Snapshot:
    """What a version leaves behind, as one file."""

    definition: str
    situations: dict[str, dict[str, str]]
    """A `Kept` as text, by wire API and name."""

    def write(self, path: Path) -> None:
        """Raises ValueError where it is too large for the repository."""
        data = lzma.compress(json.dumps(asdict(self)).encode(), preset=9)
        if len(data) > MAX_BYTES:
            raise ValueError(f"the snapshot has {len(data)} bytes, more than {MAX_BYTES}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    @classmethod
    @functools.cache
    def read(cls, path: Path) -> Snapshot:
        return cls(**json.loads(lzma.decompress(path.read_bytes())))


def snapshot_of(version: str, folder: Path = VERSIONS) -> Path:
    return folder / f"{version}{SNAPSHOT_SUFFIX}"


def answer_origin(world: World) -> str:
    return world.url.new(world.clock()).split("/answer")[0]


def go_on(world: World, executions: list[dict[str, Any]], machine: Path) -> None:
    """Take executions to their end. They go by their input alone, so one that waits is like one that begins."""
    for each in executions:
        world.states.start(each["request_id"], json.dumps(each), machine)
    world.settle()


def outcome_of(world: World, executions: list[dict[str, Any]], machine: Path) -> dict[str, Any]:
    """What comes of executions: answers, public items, and what there is at OpenAI."""
    before = len(world.url.answers)
    go_on(world, executions, machine)
    answers = world.url.answers[before:]
    threads = {answer["PhysicalResourceId"].split(":")[0] for answer in answers if "Data" in answer}
    return {
        "answers": answers,
        "public_items": {
            key: {name: value for name, value in item.items() if name != "staged"}
            for key, item in world.public_items().items()
        },
        "runs_started": world.openai.counters()["runs_started"],
        "messages": {thread_id: world.app.backend.threads.count_messages(thread_id) for thread_id in sorted(threads)},
        "alive": alive(world),
    }


@contextmanager
def numbered_openai(clock: Clock, wire: str) -> Iterator[OpenAIStandIn]:
    """A stand-in whose ids are counted, so that the same calls make the same ids again."""
    with OpenAIStandIn(now=clock, api=wire, new_id=_numbered_ids()) as standin:
        yield standin


def _numbered_ids() -> Callable[[str], str]:
    made: Counter[str] = Counter()

    def new_id(prefix: str) -> str:
        made[prefix] += 1
        return f"{prefix}{'-' if prefix == 'file' else '_'}{made[prefix]:024d}"

    return new_id


def _repeat(world: World, call: dict[str, Any]) -> None:
    headers = {
        "authorization": f"Bearer {world.openai.api_key}",
        "content-type": "application/json",
        "openai-beta": "assistants=v2",
    }
    body = b"" if call["body"] is None else json.dumps(call["body"]).encode()
    reply = world.openai.handle(call["method"], call["path"], "", headers, body)
    assert reply.status == 200, reply.body


def _as_text(item: Item, origin: str) -> Item:
    if "body" not in item:
        return item
    body = zlib.decompress(item["body"]["B"]).replace(origin.encode(), ANSWER_ORIGIN.encode())
    return item | {"body": {"B": b64encode(zlib.compress(body)).decode()}}


def _from_text(item: Item, origin: str) -> Item:
    if "body" not in item:
        return item
    body = zlib.decompress(b64decode(item["body"]["B"])).replace(ANSWER_ORIGIN.encode(), origin.encode())
    return item | {"body": {"B": zlib.compress(body)}}
