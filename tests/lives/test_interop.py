"""The lives that `make interop` asks of other servers, on the stand-in: what works there can work elsewhere."""

import json
from collections.abc import Callable

import pytest

from local.openai_standin import Fault
from testkit.in_process.world import World
from testkit.interop.lives import LIVES, Stack, handled, outcome
from testkit.interop.page import WORKS
from testkit.interop.servers import RESPONSES_MODEL, SCRIPTS, Server


@pytest.fixture
def stack(world: World) -> Stack:
    world.openai.script(*SCRIPTS)
    server = Server(
        name="stand-in",
        package="",
        version="",
        path="/v1",
        behind="",
        base_url=world.app.settings.openai_base_url,
        model=RESPONSES_MODEL,
        received=lambda: json.dumps([each.body for each in world.openai.requests]),
        runs=lambda: world.openai.counters()["runs_started"],
    )
    return Stack(server, world, world.app.connect(), lambda: world.tools.add("tool-look-up", handled))


@pytest.mark.parametrize("life", LIVES.values(), ids=LIVES)
def test_each_life_works_on_the_stand_in(stack: Stack, life: Callable[[Stack], None]) -> None:
    assert outcome(life, stack) == WORKS
    assert stack.made == {}


@pytest.mark.parametrize("wire", ["chains"], indirect=True)
def test_what_a_server_lacks_is_told_in_the_words_of_the_failure(stack: Stack) -> None:
    told = outcome(LIVES["existing thread"], stack)
    assert told.startswith("refused: a thread that runs share needs conversations")


def test_what_a_server_does_not_do_is_seen(stack: Stack, world: World) -> None:
    world.openai.fault(Fault("DELETE", "/v1/responses/.*", "status", status=404))
    assert outcome(LIVES["delete"], stack) == "wrong: the run is still there"


def test_what_cannot_be_deleted_is_told(stack: Stack, world: World) -> None:
    world.openai.fault(Fault("DELETE", "/v1/responses/.*", "status", status=403, times=None))
    assert outcome(LIVES["plain"], stack).startswith("refused: Delete: ")
