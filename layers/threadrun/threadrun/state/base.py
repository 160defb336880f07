"""What every physical resource has on record: what is desired of it, until when, and why it failed."""

from __future__ import annotations

from typing import Literal, Self, TypeVar

from pydantic import ConfigDict

from threadrun.schema.arguments import AnyDesired, DesiredRun
from threadrun.schema.parsing import KeyStyle
from threadrun.schema.types import Model

MAX_REASON_CHARACTERS = 4096
"""Of what a server says of a failure: a response to CloudFormation has no room for more, nor may the record have."""
ORPHAN_SECONDS = 600
"""Time to clean up what a superseded request made."""


class Value(Model):
    """Part of a record: replaced, never changed."""

    model_config = ConfigDict(frozen=True)


class Owned(Value):
    """A thing on the server, and whether it was made for this resource: what was not is not deleted unless asked."""

    id: str
    is_ours: bool = True


class Window(Value):
    """The time that CloudFormation gives, in Unix seconds."""

    since_epoch_s: float
    deadline_epoch_s: float


class Options(Value):
    """Bookkeeping, which may change without replacing the resource."""

    deletion_policy: str | None = None
    key_style: KeyStyle = "snake_case"
    accept_statuses: tuple[str, ...] | None = None


class Wait(Value):
    """What the last step waited for; no step is taken before `until_epoch_s`, as the server asked for time."""

    reason: str = ""
    until_epoch_s: float = 0
    since_epoch_s: float = 0
    """Of the first step that waited for this."""
    deleting_since_epoch_s: float = 0
    """Of the first step of the deletion that waited for anything; 0 where none did."""

    def has_lasted(self, beginning: str, seconds: float, now: float) -> bool:
        """Whether what is waited for, by how its reason begins, is waited for since so many seconds or more."""
        return self.reason.startswith(beginning) and now >= self.since_epoch_s + seconds


Made = TypeVar("Made", Owned, str)


class PhysicalRecord(Model):
    key: str
    identity: str
    desired: AnyDesired | None = None
    """None once its request has ended: prompts must not outlive it."""
    goal: Literal["present", "absent"] = "present"
    options: Options = Options()
    window: Window
    wait: Wait = Wait()
    failure: str | None = None
    """Why the goal was not reached, in a sentence for the stack event."""
    must_recheck: bool = False
    """Set when CloudFormation returns to something that it had left: it may have been deleted meanwhile."""
    is_acknowledged: bool = False
    """CloudFormation knows this physical id: it took a SUCCESS with it."""

    @property
    def deadline_epoch_s(self) -> float:
        return self.window.deadline_epoch_s

    @property
    def physical_id(self) -> str | None:
        """What `Ref` returns, once it is known."""
        raise NotImplementedError

    @property
    def server_ids(self) -> set[str]:
        """What has to be deleted on the server when the resource is to be absent."""
        return {self.physical_id} if self.physical_id else set()

    def set_desired(self, desired: AnyDesired, style: KeyStyle) -> None:
        statuses = desired.accept_statuses if isinstance(desired, DesiredRun) else None
        self.desired = desired
        self.options = Options(deletion_policy=desired.deletion_policy, key_style=style, accept_statuses=statuses)

    def mark_for_deletion(self, deadline_epoch_s: float) -> None:
        """Its goal is to be gone. That begins at once and afresh, whatever an earlier request had to wait for."""
        self.goal, self.wait = "absent", Wait()
        self.window = Window(since_epoch_s=self.window.since_epoch_s, deadline_epoch_s=deadline_epoch_s)

    def waited_for(self, now: float) -> str:
        """Why the time that there was did not do, for the end of a sentence."""
        return self.wait.reason or (
            f"CloudFormation's request was first worked on {now - self.deadline_epoch_s:.0f} s after its deadline, as "
            "in an account with few concurrent executions of Lambda: ask for more of them, or raise ServiceTimeout, "
            "then deploy again"
        )

    def redact(self) -> None:
        """Drop what must not outlive its request: here its properties, and with them the prompts."""
        self.desired = None

    def merge(self, lost: Self, base: Self | None) -> Self | None:
        """As `ResourceRecord.merge`, for one of its things; returns a record of what was made a second time."""
        raise NotImplementedError

    def recreate(self, key: str) -> Self:
        """A record with the same properties, of which nothing has been made yet."""
        kept = {name: getattr(self, name) for name in ("identity", "options", "window", "desired")}
        return type(self).model_validate({"key": key, **kept})

    def _surplus(self, **made: object) -> Self:
        """A record of its own for what was made a second time; it is deleted whatever the deletion policy."""
        surplus = type(self).model_validate({"key": "", "identity": self.identity, "window": self.window, **made})
        surplus.key = "-".join([self.key, *sorted(surplus.server_ids)])
        return surplus


def second_made(saved: Made | None, lost: Made | None) -> Made | None:
    """What the loser of a race has made although the winner has made another."""
    return lost if saved != lost and saved is not None else None
