"""Exists to hold what OpenAI would hold, and the clock; it knows nothing of HTTP.

Nothing runs in the background: `settle()` brings the state up to the clock before anybody looks at it. Who waits
for webhooks to deliver is told through `changed`.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from .answers import Turn, outcome_of
from .errors import no_such_file, none_found, not_found
from .faults import PlannedFaults
from .hosted_tools import McpServer
from .items import Item
from .resources import Collection, Resource, delete
from .scripts import Script
from .settings import MODELS, Settings
from .webhooks import Webhooks

if TYPE_CHECKING:
    from .assistants_v2.run import ThreadRun
    from .assistants_v2.threads import Thread
    from .conversations import Conversation
    from .responses import Response
    from .storage import StoredFile, VectorStore
    from .webhook_endpoints import Endpoint


class Request(NamedTuple):
    """One request as it arrived; `time` is in epoch seconds."""

    method: str
    path: str
    body: Any
    headers: dict[str, str]
    time: float
    query: str = ""


class World:
    """Everything that lives on the server; callers hold `lock` while they read or change it."""

    def __init__(self, settings: Settings) -> None:
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.reach: dict[str, int] = {}
        self.settings = settings
        self.now = settings.now
        self.new_id = settings.new_id
        self.reset()

    def reset(self) -> None:
        """Forget everything, scripts and faults included."""
        self.conversations: Collection[Conversation] = Collection(partial(not_found, "Conversation"), "conv")
        self.responses: Collection[Response] = Collection(partial(not_found, "Response"), "resp")
        self.files: Collection[StoredFile] = Collection(no_such_file)
        self.vector_stores: Collection[VectorStore] = Collection(partial(none_found, "vector store"), "vs")
        self.webhook_endpoints: Collection[Endpoint] = Collection(partial(not_found, "Webhook endpoint"))
        self.assistants: Collection[Resource] = Collection(partial(none_found, "assistant"), "asst")
        self.threads: Collection[Thread] = Collection(partial(none_found, "thread"), "thread")
        self.parts = {name: part for name, part in vars(self).items() if isinstance(part, Collection)}
        self.in_flight: list[Response] = []
        self.fleeting: list[Response] = []
        self.thread_runs: list[ThreadRun] = []
        self.webhooks = Webhooks(self)
        self.scripts: list[tuple[Script, list[Script]]] = []
        self.faults: PlannedFaults = PlannedFaults()
        self.requests: list[Request] = []
        self.mcp_servers: dict[str, McpServer] = {}
        self.models: dict[str, str | None] = {**MODELS, **self.settings.models}
        self.orphan_items = self.runs_started = self.most_concurrent = 0

    def state(self) -> dict[str, Any]:
        """Copy all that a reset forgets."""
        lasting = ("lock", "changed", "reach", "settings", "now", "new_id")
        state = {name: value for name, value in vars(self).items() if name not in lasting}
        return copy.deepcopy(state, {id(each): each for each in (self, self.settings)})

    def put_back(self, state: dict[str, Any]) -> None:
        """Have all as it was when its state was copied, as often as it is wanted."""
        vars(self).update(state)
        vars(self).update(self.state())

    def plan(self, script: Script) -> None:
        """Add a script behind the others; the model it is for becomes a known, plain one."""
        self.scripts.append((script, []))
        if script.model is not None:
            self.models.setdefault(script.model, "none")

    def play(self, request: Mapping[str, Any], context: list[Item], is_quick: bool = False) -> Turn:
        """Play the first script that is meant for a request; `context` is all that a model would read."""
        script = Script()
        for planned, uses in self.scripts:
            if (planned.times is None or len(uses) < planned.times) and planned.fits(request):
                uses.append(script := planned)
                break
        queued_s = self.settings.queued_s if script.queued_s is None else script.queued_s
        duration_s = self.settings.duration_s if script.duration_s is None else script.duration_s
        starts_at = self.now() + (0 if is_quick else queued_s)
        outcome = outcome_of(script, request, context, self.new_id, self.mcp_servers)
        return Turn(outcome, context, starts_at, starts_at + (0 if is_quick else duration_s))

    def settle(self) -> None:
        """Finish what is over by now: items enter conversations, locks open, webhooks leave, unstored responses go."""
        now = self.now()
        for response in [each for each in self.in_flight if each.is_final(now)]:
            self.in_flight.remove(response)
            response.finish(self)
            if response.in_background:
                status = response.status(response.final_at)
                self.webhooks.announce(f"response.{status}", response.id, response.final_at)
        for response in [each for each in self.fleeting if now >= each.final_at + self.settings.retention_s]:
            self.fleeting.remove(response)
            self.responses.pop(response.id, None)
        for file in [each for each in self.files.values() if now >= each.expires_at]:
            delete(self, file, {})
        for run in self.thread_runs:
            run.settle(self)

    def start(self, response: Response) -> None:
        self.runs_started += 1
        self.in_flight.append(response)
        if response.is_stored:
            self.responses.add(response)
        is_fleeting = response.request.get("store") is None or "retention" in self.settings.lacks
        if response.in_background and is_fleeting:
            self.fleeting.append(response)
        if response.conversation:
            self.most_concurrent = max(self.most_concurrent, len(self.running_on(response.conversation.id)))
        self.settle()

    def running_on(self, conversation_id: str) -> list[Response]:
        """List the responses in flight on a conversation; more than one would be a broken lock."""
        return [each for each in self.in_flight if each.conversation and each.conversation.id == conversation_id]

    def counters(self) -> dict[str, int]:
        """Count what is alive and what was left behind; a run in flight may outlive its thread."""
        now = self.now()
        alive = {name: len(part) for name, part in self.parts.items()}
        return {
            **alive,
            "vector_stores": sum(not each.is_expired(now) for each in self.vector_stores.values()),
            "responses_in_flight": len(self.in_flight),
            "runs_in_flight": sum(each.is_active(now) for each in self.thread_runs),
            "orphan_items": self.orphan_items,
            "runs_started": self.runs_started,
            "max_concurrent_per_conversation": self.most_concurrent,
        }
