"""Plays a life with one call broken, and judges what is left of it."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from testkit.clock import Clock
from testkit.in_process.aws import aws
from testkit.in_process.cloud import BUCKET
from testkit.in_process.deployed import ASSISTANTS, CHAINS, deployed, forget_secrets, standin
from testkit.in_process.outside_calls import STATE_MACHINE, Break, Moment, OutsideCalls, end_process, lose_connection
from testkit.in_process.tool_functions import submitted_outputs
from testkit.in_process.world import World
from tests.crashes.lives import LIVES, LONG_LIVES, RESPONSES, TRIES, Resource, Shared, keeps_threads
from tests.support.runs import alive as alive_at_openai

TABLES = Path(__file__).parents[2] / ".build" / "crash-points"
HEAD = """# What happens when the application breaks at each call that it makes

Answers: by request, in order (C, U, D for Create, Update, Delete, each followed by S or F). Left: what stays on the
server that the application could know of. Lost: what it could not, because the one reply that named it was lost.

| wire | life | call | what happens | answers | runs | left | lost | verdict |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |"""
READS = re.compile(r"(GetItem|Query|GetSecretValue|HeadObject|GetObject)|openai GET")
UNKNOWABLE = {"POST /v1/conversations": {"conversations": 1}, "POST /v1/responses": {"responses": 1}}
"""What a lost reply leaves that nobody can list: an empty thread; a response that OpenAI forgets after 30 days."""
UNKNOWABLE |= {"POST /v1/threads": {"threads": 1, "vector_stores": 1}}


@dataclass(frozen=True)
class Way:
    """A way to break a call."""

    name: str
    moment: Moment
    act: Callable[[Exception], None]


DIES_BEFORE = Way("the process ends before it", "before", end_process)
DIES_AFTER = Way("the process ends after it", "after", end_process)
FAILS = Way("it fails", "before", lose_connection)
REPLY_LOST = Way("its reply is lost", "after", lose_connection)


@dataclass
class Result:
    """One life with one call broken."""

    wire: str
    life: str
    number: int
    call: str
    way: str
    answers: str
    runs: int
    left: dict[str, int] = field(default_factory=dict)
    lost: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        left, lost = (", ".join(f"{n} {name}" for name, n in each.items()) or "-" for each in (self.left, self.lost))
        verdict = "; ".join(self.problems) or "ok"
        cells = (self.wire, self.life, f"{self.number} {self.call}", self.way, self.answers, self.runs, left, lost)
        return f"| {' | '.join(map(str, cells))} | {verdict} |"


@contextmanager
def application(server: str, *, on_moto: bool = False) -> Iterator[World]:
    """An application for many lives, one after the other; in memory, unless it is to be on moto.

    With `CHAINS` nothing shows a run whose start got no reply: it is given up with a sentence that says so.
    """
    clock = Clock()
    with (
        standin(server, clock) as openai,
        deployed(openai, clock, server, calls_in_turn=True, on_moto=on_moto) as world,
    ):
        yield world


@contextmanager
def life_played(
    world: World, life: str, broken: Break | None
) -> Iterator[tuple[OutsideCalls, Resource, dict[str, int]]]:
    """Play a life from the beginning, as if nothing had been before; gives what there was on the server, too."""
    shared = Shared.found_in(world)
    assert shared.assistant_id.startswith("asst_")
    forget_secrets()
    before = alive(world)
    with pytest.MonkeyPatch.context() as monkeypatch:
        calls = OutsideCalls(world, monkeypatch)
        calls.broken = broken
        resource = LIVES[life](world, shared)
    yield calls, resource, before


def calls_of(world: World, life: str) -> OutsideCalls:
    """Every call of an unbroken life."""
    with life_played(world, life, None) as (calls, _, before):
        assert {answer["Status"] for answer in world.url.answers} == {"SUCCESS"}
        assert alive(world) == before
    return calls


def ways_to_break(calls: OutsideCalls, number: int, life: str) -> list[Way]:
    """The ways that differ: nothing happens outside between one call's end and the next one's beginning.

    So a process that ends before a call is one that ended after the call before, unless there is none; and a call
    that reads has no effect to lose the reply of, nor one that is there when the process ends: where no time passed
    since the call before, it ended after that. The state machine itself has no process that could end.
    """
    names, name = calls.names, calls.names[number]
    if name.startswith(STATE_MACHINE):
        return [FAILS, REPLY_LOST]
    if life in LONG_LIVES:
        return [] if READS.search(name) else [DIES_AFTER]
    begins = number == 0 or names[number - 1].split(":")[0] != name.split(":")[0]
    ways = [DIES_BEFORE] if begins else []
    if not READS.search(name):
        return [*ways, DIES_AFTER, FAILS, REPLY_LOST]
    is_later = not begins and calls.times_epoch_s[number] > calls.times_epoch_s[number - 1]
    return [*ways, *([DIES_AFTER] if is_later else []), FAILS]


def broken_life(world: World, life: str, number: int, call: str, way: Way) -> Result:
    """Play a life, break one call in one way, and judge."""
    broken = Break(number, way.moment, way.act)
    with life_played(world, life, broken) as (calls, resource, before):
        left = {name: count - before[name] for name, count in alive(world).items() if count != before[name]}
        lost = {}
        if broken.is_done and way.moment == "after":
            lost = _unknowable(calls.names[number], left)
        result = Result(
            world.wire if keeps_threads(world) else CHAINS,
            life,
            number,
            call,
            way.name,
            "".join(f"{kind[0]}{_status(resource, request)}" for request, kind in resource.requests.items()),
            world.openai.counters()["runs_started"],
            {name: count for name, count in left.items() if name not in lost},
            lost,
        )
        result.problems = _problems(result, resource, broken) + _problems_of_calls(world)
    return result


def _unknowable(call: str, left: dict[str, int]) -> dict[str, int]:
    endings = [names for path, names in UNKNOWABLE.items() if call.endswith(path)]
    return {name: 1 for names in endings for name, count in names.items() if left.get(name) == count}


def _status(resource: Resource, request_id: str) -> str:
    return (resource.answers(request_id) or [{"Status": "?"}])[0]["Status"][0]


def _problems(result: Result, resource: Resource, broken: Break) -> list[str]:
    problems = [] if broken.is_done else ["the call was not reached"]
    for request_id, kind in resource.requests.items():
        answers = resource.answers(request_id)
        if not answers:
            problems.append(f"no answer to {kind}")
        elif any(answer != answers[0] for answer in answers):
            problems.append(f"different answers to {kind}")
        elif answers[0]["Status"] != "SUCCESS" and "cannot tell whether" not in answers[0]["Reason"]:
            problems.append(f"{kind} failed: {answers[0]['Reason']}")
    wanted = sum(kind != "Delete" for kind in resource.requests.values()) if result.life.startswith("run") else 0
    if result.wire != ASSISTANTS:
        wanted *= RESPONSES.get(result.life, 1)
    wanted *= TRIES.get(result.life, 1)
    if result.runs > wanted:
        problems.append(f"{result.runs} runs for {wanted} requests")
    if result.left:
        problems.append(f"left behind: {result.left}")
    return problems


def _problems_of_calls(world: World) -> list[str]:
    """What must not happen to a call: it is answered once, and its handler rests once its output is on record."""
    submitted = Counter(call_id for call_id, _ in submitted_outputs(world.openai.requests))
    twice = [f"{call_id} was submitted {times} times" for call_id, times in submitted.items() if times > 1]
    again = [f"{event['call_id']} was called again" for event in world.tools.events if event.get("is_answered")]
    return twice + again


def alive(world: World) -> dict[str, int]:
    """What there is on the server, in the table and in the bucket."""
    counters = alive_at_openai(world)
    records = [world.records.load(key) for key in world.items() if key.startswith("RESOURCE#")]
    counters["made in records"] = sum(len(record.made) for record in records if record)
    counters["open requests"] = sum(record.undelivered is not None for record in records if record)
    counters["public items"] = len(world.public_items())
    counters["files"] = world.openai.counters()["files"]
    counters["outputs in the bucket"] = aws("s3").list_objects_v2(Bucket=BUCKET)["KeyCount"]
    return counters


def write_table(name: str, results: list[Result]) -> None:
    """What the broken lives of one test came to, for a reader."""
    TABLES.mkdir(parents=True, exist_ok=True)
    (TABLES / f"{name}.md").write_text("\n".join([HEAD, *map(str, results)]) + "\n")
