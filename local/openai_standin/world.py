"""Exists to hold what OpenAI would hold, and the clock; it knows nothing of HTTP.

Nothing runs in the background: `settle()` brings the state up to the clock before anybody looks at it. Who waits
for webhooks to deliver is told through `changed` when there is one sooner than `awaited`.
"""

import math
import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .answers import Outcome, outcome_of
from .assistants_v2 import deliveries
from .assistants_v2.state import Assistants
from .behaviour import Behaviour
from .errors import not_found, wrong_prefix
from .faults import PlannedFaults
from .items import Item
from .scripts import Script
from .storage import Storage
from .webhooks import Webhooks

_IN_CONVERSATION = ("completed", "incomplete")
_SHORT = ("call", "asst", "thread", "run", "step")


def random_id(prefix: str) -> str:
    """Make an id that nobody can guess, in OpenAI's form."""
    if prefix == "file":
        return f"file-{secrets.token_hex(12)}"
    return f"{prefix}_{secrets.token_hex(12 if prefix in _SHORT else 24)}"


class LoggedRequest(NamedTuple):
    """One request as it arrived; `headers` has no Authorization, `time` is in epoch seconds."""

    method: str
    path: str
    body: Any
    headers: dict[str, str]
    time: float
    query: str = ""


@dataclass
class Conversation:
    """A conversation and the items in it, oldest first."""

    id: str
    created_at: int
    metadata: dict[str, str]
    items: list[Item] = field(default_factory=list)


@dataclass
class Run:
    """One response, from its creation to its end; times are in epoch seconds."""

    id: str
    request: dict[str, Any]
    outcome: Outcome
    context: list[Item]
    input_items: list[Item]
    conversation_id: str | None
    created_at: float
    starts_at: float
    ends_at: float
    cancelled_at: float | None = None

    @property
    def in_background(self) -> bool:
        """Tell whether it was asked to run in the background."""
        return bool(self.request.get("background"))

    @property
    def is_stored(self) -> bool:
        """Tell whether it can be looked up at all."""
        return self.request.get("store") is not False

    @property
    def final_at(self) -> float:
        """Tell when it reaches its final status."""
        return self.ends_at if self.cancelled_at is None else min(self.ends_at, self.cancelled_at)

    def is_final(self, now: float) -> bool:
        """Tell whether it is over."""
        return now >= self.final_at

    def status(self, now: float) -> str:
        """Tell its status at a time."""
        if not self.is_final(now):
            return "queued" if now < self.starts_at else "in_progress"
        return "cancelled" if self.final_at < self.ends_at else self.outcome.status


@dataclass
class PlannedScript:
    """A script and how often it is still to be used; None is for ever."""

    script: Script
    left: int | None


class World:
    """Everything that lives on the server; callers hold `lock` while they read or change it."""

    def __init__(
        self, behaviour: Behaviour, now: Callable[[], float], new_id: Callable[[str], str] = random_id
    ) -> None:
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.awaited = -math.inf
        self.reach: dict[str, int] = {}
        self.behaviour = behaviour
        self.now = now
        self.new_id = new_id
        self.reset()

    def reset(self) -> None:
        """Forget everything, scripts and faults included."""
        self.conversations: dict[str, Conversation] = {}
        self.runs: dict[str, Run] = {}
        self.in_flight: list[Run] = []
        self.fleeting: list[Run] = []
        self.scripts: list[PlannedScript] = []
        self.faults = PlannedFaults()
        self.requests: list[LoggedRequest] = []
        self.script_models: dict[str, str | None] = {}
        self.storage = Storage(self.now, self.new_id, self.behaviour.indexing_s)
        self.assistants = Assistants(self.now)
        self.webhooks = Webhooks(self.new_id, self.behaviour.webhook_retry_s)
        self.orphan_items = 0
        self.runs_started = 0
        self.most_concurrent = 0

    def plan(self, script: Script) -> None:
        """Add a script behind the others; the model it is for becomes a known, plain one."""
        self.scripts.append(PlannedScript(script, script.times))
        if script.model is not None:
            self.script_models[script.model] = "none"

    @property
    def models(self) -> dict[str, str | None]:
        """List the models that exist, with their default reasoning effort."""
        return {**self.script_models, **self.behaviour.models}

    def settle(self) -> None:
        """Finish what is over by now: items enter conversations, locks open, webhooks leave, unstored responses go."""
        now = self.now()
        over = [run for run in self.in_flight if run.is_final(now)]
        for run in sorted(over, key=lambda each: each.final_at):
            self.in_flight.remove(run)
            self._finish(run)
            if run.in_background:
                self.webhooks.announce(f"response.{run.status(run.final_at)}", run.id, run.final_at)
        for run in [each for each in self.fleeting if now >= each.final_at + self.behaviour.retention_s]:
            self.fleeting.remove(run)
            self.runs.pop(run.id, None)
        self.storage.settle()
        deliveries.settle(self.assistants.runs.values(), now, self.new_id)
        if self.next_delivery() < self.awaited:
            self.changed.notify_all()

    def next_delivery(self) -> float:
        """Tell when a webhook may be due next, in epoch seconds."""
        watched = self.in_flight if self.webhooks.endpoints else []
        return min([self.webhooks.next_at, *(run.final_at for run in watched if run.in_background)])

    def _finish(self, run: Run) -> None:
        # A failed or cancelled response leaves no items: items prove that a response ended well.
        if run.conversation_id is None or not run.is_stored or run.status(run.final_at) not in _IN_CONVERSATION:
            return
        items = run.input_items + run.outcome.output
        conversation = self.conversations.get(run.conversation_id)
        if conversation is None:
            self.orphan_items += len(items)
        else:
            conversation.items.extend(items)

    def start(self, request: dict[str, Any], context: Sequence[Item], new: list[Item], conversation: str | None) -> Run:
        """Start a response for a checked request; `new` are the items that it adds to `context`."""
        now = self.now()
        script = self.next_script(request)
        queued, duration = self.times_of(script)
        starts_at, ends_at = (now + queued, now + queued + duration) if request.get("background") else (now, now)
        outcome = outcome_of(script, request, [*context, *new], self.new_id)
        run = Run(self.new_id("resp"), request, outcome, list(context), new, conversation, now, starts_at, ends_at)
        self.runs_started += 1
        self.in_flight.append(run)
        if run.is_stored:
            self.runs[run.id] = run
        if run.in_background and request.get("store") is None:
            self.fleeting.append(run)
        if conversation is not None:
            self.most_concurrent = max(self.most_concurrent, len(self.running_on(conversation)))
        return run

    def times_of(self, script: Script) -> tuple[float, float]:
        """Tell how long a script is queued and how long it then runs, in seconds."""
        queued_s = self.behaviour.queued_s if script.queued_s is None else script.queued_s
        return queued_s, self.behaviour.duration_s if script.duration_s is None else script.duration_s

    def next_script(self, request: Mapping[str, Any]) -> Script:
        """Take the first script that is meant for a request."""
        for planned in self.scripts:
            if planned.left != 0 and planned.script.fits(request):
                planned.left = None if planned.left is None else planned.left - 1
                return planned.script
        return Script()

    def running_on(self, conversation_id: str) -> list[Run]:
        """List the responses in flight on a conversation; more than one would be a broken lock."""
        return [run for run in self.in_flight if run.conversation_id == conversation_id]

    def conversation(self, identifier: str, param: str = "conversation_id") -> Conversation:
        """Find a conversation, or refuse as OpenAI does (400 for a foreign id, 404)."""
        if not identifier.startswith("conv"):
            raise wrong_prefix(param, identifier, "conv")
        if identifier not in self.conversations:
            raise not_found("Conversation", identifier)
        return self.conversations[identifier]

    def run(self, identifier: str) -> Run:
        """Find a response, or refuse as OpenAI does (400 for a foreign id, 404)."""
        if not identifier.startswith("resp"):
            raise wrong_prefix("response_id", identifier, "resp")
        if identifier not in self.runs:
            raise not_found("Response", identifier)
        return self.runs[identifier]

    def counters(self) -> dict[str, int]:
        """Count what is alive and what was left behind."""
        return {
            "conversations": len(self.conversations),
            "responses": len(self.runs),
            "responses_in_flight": len(self.in_flight),
            "orphan_items": self.orphan_items,
            "webhook_endpoints": len(self.webhooks.endpoints),
            "runs_started": self.runs_started,
            "max_concurrent_per_conversation": self.most_concurrent,
            **self.assistants.counters(),
            **self.storage.counters(),
        }
