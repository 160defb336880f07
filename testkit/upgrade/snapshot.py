"""What a version leaves behind, in one file: each situation on each wire API, and how it went on from there.

Written once, by the version that it is of; the file of a version that was released never changes:
python -m testkit.upgrade.snapshot 1.0.0
"""

import argparse
import functools
import json
import logging
import lzma
import warnings
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from local.deployment import ROOT
from local.openai_standin import OpenAIStandIn, Script, application
from local.release import SNAPSHOT_SUFFIX, SNAPSHOTS
from testkit.clock import Clock
from testkit.in_process.aws import aws
from testkit.in_process.deployed import WIRES, alive, deployed
from testkit.in_process.world import World
from testkit.state_machine import DEFINITION, TABLE
from testkit.upgrade.play import FILE, Play
from testkit.upgrade.situations import SITUATIONS, Situation
from threadrun.storage.packing import pack, unpack

VERSIONS = ROOT / SNAPSHOTS
MAX_BYTES = 150_000
NOW = "now"
"""The code as it is, as if it had been released."""


@dataclass(frozen=True)
class Kept:
    """One moment of an application; times are in virtual Unix seconds."""

    now: float
    origin: str
    """Of the URLs that took the answers: each world has its own."""
    scripts: list[dict[str, Any]]
    """How the runs go, in the order of their starts."""
    calls: list[dict[str, Any]]
    """What OpenAI had been asked to make, change or delete."""
    events: list[dict[str, Any]]
    """What CloudFormation had sent."""
    items: list[dict[str, Any]]
    executions: list[dict[str, Any]]
    """The input of each execution that was under way."""
    outcome: dict[str, Any]
    """What came of them, see `outcome_of`."""
    updates: list[dict[str, Any]]
    deletes: list[dict[str, Any]]
    """What CloudFormation sends to be rid of everything, each with what is left at OpenAI after it."""

    def put_in_place(self, world: World) -> None:
        """Make OpenAI and the table what they were."""
        self.prepare_openai(world)
        for call in self.calls:
            world.clock.advance(call["at"] - world.clock())
            _repeat(world, call)
        world.clock.advance(self.now - world.clock())
        for item in self.items:
            for name in (name for name, value in item.items() if "B" in value):
                text = unpack(b64decode(item[name]["B"])).decode()
                item = item | {name: {"B": pack(text.replace(self.origin, answer_origin(world)))}}
            aws("dynamodb").put_item(TableName=TABLE, Item=item)

    def prepare_openai(self, world: World) -> None:
        """What was there before CloudFormation's first event."""
        world.openai.add_file(id=FILE)
        world.openai.script(*[Script(**each) for each in self.scripts])


def _repeat(world: World, call: dict[str, Any]) -> None:
    if (call["method"], call["path"]) == ("POST", "/v1/files"):
        # Its body is a form, of which the content was not kept.
        given = call["body"]["file"]
        world.openai.add_file(name=given["filename"], size=given["bytes"], purpose=call["body"]["purpose"])
        return
    headers = {
        "authorization": f"Bearer {world.openai.api_key}",
        "content-type": "application/json",
        "openai-beta": "assistants=v2",
    }
    body = b"" if call["body"] is None else json.dumps(call["body"]).encode()
    reply = world.openai.handle(call["method"], call["path"], "", headers, body)
    assert reply.status == 200, reply.body


def answer_origin(world: World) -> str:
    return world.url.new(world.clock()).split("/answer")[0]


def snapshot_of(version: str, folder: Path = VERSIONS) -> Path:
    return folder / f"{version}{SNAPSHOT_SUFFIX}"


def write(path: Path, snapshot: dict[str, Any]) -> None:
    """Raises ValueError where it is too large for the repository."""
    data = lzma.compress(json.dumps(snapshot).encode(), preset=9)
    if len(data) > MAX_BYTES:
        raise ValueError(f"the snapshot has {len(data)} bytes, more than {MAX_BYTES}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


@functools.cache
def read(path: Path) -> dict[str, Any]:
    """`definition`, and `situations`: the fields of a `Kept` by wire API and name."""
    snapshot: dict[str, Any] = json.loads(lzma.decompress(path.read_bytes()))
    return snapshot


def keep_all(path: Path) -> None:
    """Play every situation on each wire API, and write down how it stands."""
    situations = {wire: {name: asdict(keep(each, wire)) for name, each in SITUATIONS.items()} for wire in WIRES}
    write(path, {"definition": DEFINITION.read_text(), "situations": situations})


def keep(situation: Situation, wire: str) -> Kept:
    """Play one situation in a world of its own."""
    clock = Clock()
    with (
        pytest.MonkeyPatch.context() as monkeypatch,
        numbered_openai(clock, wire) as openai,
        deployed(openai, clock, wire) as world,
    ):
        # Its request ids are part of what it says about errors.
        monkeypatch.setattr(application, "uuid", SimpleNamespace(uuid4=lambda: UUID(int=0)))
        play = Play(world)
        situation(play)
        kept = _kept_from(play)
        assert openai.api_key not in json.dumps(asdict(kept))
        return kept


def _kept_from(play: Play) -> Kept:
    """The situation as it stands, and how it goes on under this version."""
    world = play.world
    moment: dict[str, Any] = {
        "now": world.clock(),
        "calls": list(play.calls),
        "items": [_as_text(item) for _, item in sorted(world.items().items())],
    }
    return Kept(
        **moment,
        origin=answer_origin(world),
        scripts=play.scripts,
        events=play.events,
        executions=play.executions,
        outcome=outcome_of(world, play.executions, DEFINITION),
        updates=play.updates(),
        deletes=[{"event": event, "left": _left_after(world, event)} for event in play.deletes()],
    )


def _as_text(item: dict[str, Any]) -> dict[str, Any]:
    return item | {name: {"B": b64encode(value["B"]).decode()} for name, value in item.items() if "B" in value}


def _left_after(world: World, event: dict[str, Any]) -> dict[str, int]:
    world.send(event)
    return alive(world)


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
    made = {answer["PhysicalResourceId"].split(":")[0] for answer in answers if "Data" in answer}
    threads = {each for each in made if each.startswith(("conv", "thread"))}
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
    made: Counter[str] = Counter()

    def new_id(prefix: str) -> str:
        made[prefix] += 1
        return f"{prefix}{'-' if prefix == 'file' else '_'}{made[prefix]:024d}"

    with OpenAIStandIn(now=clock, api=wire, new_id=new_id) as standin:
        yield standin


def main() -> None:
    parser = argparse.ArgumentParser(description="Keep what this version leaves behind, for the upgrade tests.")
    parser.add_argument("version", help="the version that is about to be released")
    path = snapshot_of(parser.parse_args().version)
    if path.exists():
        parser.error(f"{path} is there already: what a released version left behind does not change")
    logging.disable()
    warnings.filterwarnings("ignore", "No application metrics to publish")
    keep_all(path)
    print(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
