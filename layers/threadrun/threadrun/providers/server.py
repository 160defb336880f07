"""One server of OpenAI's API as both wires reach it: its client, its errors translated, and the parts that it lacks.

The refusal of the first request that needs a part shows that it is missing, so a server that has every part gets no
additional request. That is remembered for an hour only, because a gateway may lose its routes for a moment.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

import openai
from openai import OpenAI

from threadrun.errors import LostReply, NotServed, TerminalError, ThreadRunError, TransientError
from threadrun.providers.errors import translated
from threadrun.providers.replies import Reply
from threadrun.schema.types import METADATA_PAIRS

if TYPE_CHECKING:
    from openai._client import OpenAIWithRawResponse

Method = Callable[..., Any]
"""A method of `Server.api`."""
AnyServer = TypeVar("AnyServer", bound="Server")
Part = Literal["conversations", "runs on conversations", "files", "vector stores"]

MARK = "threadrun"
"""Metadata key of what this application made and must find again."""
REMEMBERED_SECONDS = 3600
UNSERVED_STATUSES = frozenset({404, 405, 501})
LEFT_ALONE_STATUSES = frozenset({405, 410, 501})
"""Of a deletion: the server deletes nothing of the kind, as vLLM no responses, or says that the thing was there."""
BEDROCK_LACKS: tuple[Part, ...] = ("conversations", "vector stores")
"""Not found out by a refusal: IAM has no action for either, and may refuse with 403, which proves nothing.

Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_bedrock-mantle.html
"""
_INSTEAD: dict[Part, str] = {
    "conversations": "give each run its own messages in `thread`",
    "runs on conversations": "give each run its own messages in `thread`",
    "files": "leave files out",
    "vector stores": "leave the tool out, so that attached files are part of their message",
}


class Server:
    """A server, connected when it gets its first request.

    A request is a method of `api`, with ids and fields; `action`, an infinitive phrase, names it in errors.
    """

    def __init__(
        self, connect: Callable[[], OpenAI], clock: Callable[[], float] = time.time, lacks: Collection[Part] = ()
    ) -> None:
        """`connect` gives a client without retries: a retried POST could start a second, billed run.

        `clock` gives Unix seconds; `lacks` has the parts that are missing for ever.
        """
        # What was found to be missing may stay in memory: another process finds it by its own first refusal.
        # docs/decisions.md: "The request that needs a feature finds out whether the server has it"
        self._connect, self._clock, self._lacks_until = connect, clock, dict.fromkeys(lacks, math.inf)

    @property
    def client(self) -> OpenAI:
        """The SDK's client. Asked for with each request, because the API key rotates."""
        return self._connect()

    @property
    def api(self) -> OpenAIWithRawResponse:
        """The methods of the SDK's client, whose replies are read by `Reply`, not by the SDK's models.

        Those believe every field, and building them takes a quarter of a cold start.
        """
        return self.client.with_raw_response

    @contextmanager
    def translated(self, action: str, *, creates: bool = False) -> Iterator[None]:
        """`errors.translated` for this server."""
        with translated(action, creates=creates):
            yield

    def send(self, action: str, method: Method, /, *ids: str, creates: bool = False, **fields: Any) -> Reply:
        """Send one request and return its reply, of any shape. With `creates` it may raise `LostReply`."""
        if not all(ids):  # The SDK would refuse it, as a bug of ours.
            raise TerminalError(f"cannot {action.rstrip()}: the server told no id")
        with self.translated(action, creates=creates):
            return Reply.of(method(*ids, **fields).http_response)

    def read(self, action: str, method: Method, /, *ids: str, **fields: Any) -> Reply:
        """Send one request and return its reply, which has some fields."""
        reply = self.send(action, method, *ids, **fields)
        if not reply.fields():
            raise TransientError(_unreadable(action))
        return reply

    def create(self, action: str, method: Method, /, *ids: str, **fields: Any) -> Reply:
        """Send a creating request and return its reply, which has an id; the thing can be found without one."""
        reply = self.send(action, method, *ids, creates=True, **fields)
        if not reply.text("id"):
            raise LostReply(_unreadable(action))
        return reply

    def create_unmarked(self, action: str, method: Method, /, **fields: Any) -> str:
        """Create what could not be found again; returns its id.

        Raises `TerminalError` where the reply has none: each try would leave another one behind.
        """
        reply = self.send(action, method, creates=True, **fields)
        if not reply.text("id"):
            family = TerminalError if reply.fields() else LostReply
            raise family(_unreadable(action))
        return reply.text("id")

    def listed(self, action: str, method: Method, /, *ids: str, **fields: Any) -> list[Reply]:
        """Read all pages of a list."""
        found: list[Reply] = []
        while True:
            page = self.page(action, method, *ids, **fields)
            new, known = page.objects("data"), {each.text("id") for each in found}
            found += new
            # Some servers ignore `after`, and send the first page for ever.
            last_id = new[-1].text("id") if new and not page.is_false("has_more") else ""
            if not last_id or last_id in known:
                return found
            fields["after"] = last_id

    def page(self, action: str, method: Method, /, *ids: str, **fields: Any) -> Reply:
        """Read one page of a list, refused unless it has one: an unreadable list is not an empty one."""
        page = self.send(action, method, *ids, **fields)
        if not page.is_list("data"):
            raise TransientError(_unreadable(action))
        return page

    def delete(self, kind: str, method: Method, id_: str) -> None:
        """Delete a thing of this kind; one that is gone for good is not an error, nor is a server that deletes none.

        Raises `NotFound` where the server does not know it: it may only have lost sight of it.
        """
        try:
            self.send(f"delete {kind} {id_}", method, id_)
        except ThreadRunError as error:
            if _status(error) not in LEFT_ALONE_STATUSES:
                raise

    def cancel(self, method: Method, run_id: str, **fields: Any) -> None:
        """Cancel a run: the server refuses it for one that has ended or is being cancelled.

        Ignore the reply and the refusal: only a later GET shows whether the run ended.
        """
        try:
            self.send(f"cancel run {run_id}", method, run_id, **fields)
        except ThreadRunError as error:
            if isinstance(error, TransientError) and _status(error) not in {409, *UNSERVED_STATUSES}:
                raise

    def find_marked(self, action: str, method: Method, token: str, limit: int) -> Reply | None:
        """What an earlier request with this `token` made, among the `limit` newest; None where none has an id."""
        return next(self.all_marked(action, method, token, limit), None)

    def all_marked(self, action: str, method: Method, token: str, limit: int) -> Iterator[Reply]:
        """All that has an id of what earlier requests with this `token` made, among the `limit` newest."""
        newest = self.page(action, method, limit=limit, order="desc")
        return (each for each in newest.objects("data") if has_mark(each, token) and each.text("id"))

    def require(self, part: Part, what: str) -> None:
        """Raise `NotServed` where `what` needs a part that is known to be missing."""
        if self._clock() < self._lacks_until.get(part, -math.inf):
            server, instead = self.client.base_url, f"{_INSTEAD[part]}, or use a server that has them"
            raise NotServed(f"{what} needs {part}, and the server at {server} has none: {instead}")

    @contextmanager
    def needing(self, part: Part, what: str) -> Iterator[None]:
        """Send the request that `what` needs this part for within this; raises `NotServed` where the server lacks it.

        For requests only whose path names no object: with one in it, a 404 may mean that the object is missing.
        """
        self.require(part, what)
        try:
            yield
        except (openai.APIStatusError, ThreadRunError) as error:
            if _is_unserved(error):
                self.note_missing(part)
                self.require(part, what)
            raise

    def note_missing(self, part: Part) -> None:
        self._lacks_until[part] = self._clock() + REMEMBERED_SECONDS


class Subject(Generic[AnyServer]):
    """What a server has for one protocol of `threadrun.reconcile.backend`."""

    def __init__(self, server: AnyServer) -> None:
        self._server = server


def has_mark(thing: Reply, value: str, key: str = MARK) -> bool:
    """Whether this object of the server was created with this value of the mark."""
    return bool(value) and thing.object("metadata").text(key) == value


def marked(metadata: Mapping[str, str] | None, value: str, key: str = MARK) -> dict[str, str]:
    """The user's metadata with the mark, unless the user's own pairs take every place."""
    given = dict(metadata or {})
    return given if len(given) == METADATA_PAIRS else given | {key: value}


def _is_unserved(error: openai.APIStatusError | ThreadRunError) -> bool:
    """Whether the server does not know the path, the method, or the object in the path."""
    return _status(error) in UNSERVED_STATUSES


def _status(error: openai.APIStatusError | ThreadRunError) -> int | None:
    """Of the reply that said so; None where there was none."""
    return getattr(error.__cause__ if isinstance(error, ThreadRunError) else error, "status_code", None)


def _unreadable(action: str) -> str:
    return f"cannot {action}: the API's reply is unreadable"
