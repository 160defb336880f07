"""Sees every call that the application makes to the outside, and breaks one of them.

The calls are caught where they leave the process (botocore, the SDK's HTTP client, urllib3), so that a call
written tomorrow is seen too.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import botocore.client
import botocore.exceptions
import httpx2
import pytest
import urllib3.connectionpool
import urllib3.exceptions

from testkit.in_process.world import STATE_MACHINE, ProcessEnded, World

Moment = Literal["before", "after"]
_IDS = re.compile(r"\b(conv|resp|thread|run|vs|asst|msg|file|fco?)[_-][0-9a-zA-Z]+")


@dataclass
class Break:
    """What happens at the call of this number: `act` gets the error that a lost connection would raise there."""

    number: int
    moment: Moment
    act: Callable[[Exception], None]
    is_done: bool = False


def end_process(_: Exception) -> None:
    """The process is gone, and with it what it had in memory."""
    raise ProcessEnded


def lose_connection(error: Exception) -> None:
    """The call fails; whether it had an effect is another matter."""
    raise error


class OutsideCalls:
    """The calls of one world, in order, as `function: service operation`."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        self.names: list[str] = []
        self.times_epoch_s: list[float] = []
        """When each began."""
        self.broken: Break | None = None
        self.is_listening = True
        self._world, self._lock = world, threading.Lock()
        self._watch_aws(monkeypatch)
        self._watch_openai(monkeypatch)
        self._watch_cloudformation(monkeypatch)

    def _pass(self, name: str, call: Callable[[], Any], error: Exception) -> Any:
        actor = self._actor()
        if actor is None or not self.is_listening:
            return call()
        with self._lock:
            number = len(self.names)
            self.names.append(f"{actor}: {name}")
            self.times_epoch_s.append(self._world.clock())
        self._break(number, "before", error)
        result = call()
        self._break(number, "after", error)
        return result

    def _actor(self) -> str | None:
        """Who calls: a function, the state machine itself, or None for the test."""
        return self._world.running[-1] or None if self._world.running else None

    def _break(self, number: int, moment: Moment, error: Exception) -> None:
        broken = self.broken
        if broken is not None and not broken.is_done and (broken.number, broken.moment) == (number, moment):
            broken.is_done = True
            broken.act(error)

    def _watch_aws(self, monkeypatch: pytest.MonkeyPatch) -> None:
        original = vars(botocore.client.BaseClient)["_make_api_call"]

        def watched(client: Any, operation: str, arguments: dict[str, Any]) -> Any:
            service = client.meta.service_model.service_name
            return self._pass(
                f"{service} {operation}{_what(arguments)}",
                lambda: original(client, operation, arguments),
                self._aws_error(operation),
            )

        monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", watched)

    def _aws_error(self, operation: str) -> Exception:
        if self._actor() != STATE_MACHINE:
            return botocore.exceptions.ReadTimeoutError(endpoint_url="https://aws")
        response: Any = {
            "Error": {"Code": "InternalServerError", "Message": ""},
            "ResponseMetadata": {"HTTPStatusCode": 500, "RequestId": "1"},
        }
        return botocore.exceptions.ClientError(response, operation)

    def _watch_openai(self, monkeypatch: pytest.MonkeyPatch) -> None:
        original = httpx2.Client.send

        def watched(client: httpx2.Client, request: httpx2.Request, **options: Any) -> httpx2.Response:
            name = f"openai {request.method} {_IDS.sub('{id}', request.url.path)}"
            error = httpx2.ReadError("lost", request=request)
            return self._pass(name, lambda: original(client, request, **options), error)  # type: ignore[no-any-return]

        monkeypatch.setattr(httpx2.Client, "send", watched)

    def _watch_cloudformation(self, monkeypatch: pytest.MonkeyPatch) -> None:
        original = urllib3.connectionpool.HTTPConnectionPool._make_request

        def watched(pool: Any, connection: Any, method: str, url: str, **options: Any) -> Any:
            error = urllib3.exceptions.ProtocolError("lost")
            call = lambda: original(pool, connection, method, url, **options)  # noqa: E731
            return self._pass(f"cloudformation {method}", call, error)

        monkeypatch.setattr(urllib3.connectionpool.HTTPConnectionPool, "_make_request", watched)


def _what(arguments: dict[str, Any]) -> str:
    """Which kind of item a call of the table is about, and which secret one of Secrets Manager."""
    if "SecretId" in arguments:
        return f" {arguments['SecretId'].rpartition(':')[2]}"
    key = (arguments.get("Key") or arguments.get("Item") or {}).get("pk", {}) if "TableName" in arguments else {}
    return f" {key['S'].partition('#')[0]}" if key else ""
