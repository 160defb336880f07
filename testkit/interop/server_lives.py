"""The lives on each real server, and what came of each.

The application's handlers run in this process, on its state machine's definition, with AWS in memory: what is real is
the server, its connection and the time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from local.openai_standin import OpenAIStandIn
from testkit.in_process.answer_url import AnswerUrl
from testkit.in_process.cloud import Account, Cloud
from testkit.in_process.deployed import ENVIRONMENT, RESPONSES, forget_secrets
from testkit.in_process.outside import Outside
from testkit.in_process.world import World
from testkit.interop.lives import LIVES, Stack, handled, outcome
from testkit.interop.servers import KEY, Server, litellm, ogx
from testkit.interop.wall_clock import WallClock
from testkit.state_machine import TABLE


def play_servers(say: Callable[[str], None]) -> dict[str, Any]:
    """Play every life on every server; returns the servers, and the outcomes of each life in their order."""
    shown: list[dict[str, str]] = []
    outcomes: dict[str, list[str]] = {name: [] for name in LIVES}
    for start in (ogx, litellm):
        with start() as servers:
            for server in servers:
                shown.append({name: getattr(server, name) for name in ("name", "version", "path", "behind")})
                for name, life in LIVES.items():
                    with stack_on(server) as stack:
                        outcomes[name].append(outcome(life, stack))
                    say(f"{server.name} {server.path}, {server.behind}: {name}: {outcomes[name][-1]}")
    return {"servers": shown, "lives": outcomes}


@contextmanager
def stack_on(server: Server) -> Iterator[Stack]:
    """A stack of an application of its own, whose server is this one."""
    url = AnswerUrl()
    forget_secrets()
    with pytest.MonkeyPatch.context() as monkeypatch, Cloud() as cloud:
        for name, value in ENVIRONMENT.items():
            monkeypatch.setenv(name, value)
        url.connect(monkeypatch)
        outside = Outside(cloud, Account(cloud, TABLE, KEY).secret_arn, server.base_url, url)
        world = World(OpenAIStandIn(), WallClock(), RESPONSES, outside, monkeypatch)
        yield Stack(server, world, world.app.connect(), lambda: world.tools.add("tool-look-up", handled))
