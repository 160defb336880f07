"""What every physical resource has on record: what is wanted of it, until when, and why it failed."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel

from threadrun.schema.parsing import KeyStyle

ORPHAN_SECONDS = 600
"""Time to clean up what a request made that had been overtaken meanwhile."""


class PhysicalRecord(BaseModel):
    """One physical resource: what is wanted of it and what has become of it. Times are Unix seconds."""

    key: str
    identity: str
    goal: Literal["present", "absent"] = "present"
    deletion_policy: str | None = None
    key_style: KeyStyle = "snake_case"
    wanted_since_epoch_s: float
    deadline_epoch_s: float
    failure: str | None = None
    """Why the goal was not reached, in a sentence for the stack event."""
    waiting_for: str = ""
    """What the last step waited for."""
    rests_until_epoch_s: float = 0
    """No step before it: the server asked for time."""
    must_recheck: bool = False
    """Set when CloudFormation returns to something that it had left: it may have been deleted meanwhile."""
    is_acknowledged: bool = False
    """CloudFormation was told SUCCESS with this physical id."""

    @property
    def physical_id(self) -> str | None:
        """What `Ref` returns, once it is known."""
        raise NotImplementedError

    @property
    def server_ids(self) -> set[str]:
        """What is to be cleaned up on the server when it is not wanted."""
        return {self.physical_id} if self.physical_id else set()

    @property
    def leftover_id(self) -> str | None:
        """An id for what was made where the resource itself was not."""
        return None

    def mark_for_deletion(self, deadline_epoch_s: float) -> None:
        """Its goal is to be gone; that is tried at once, whatever the way to the former goal had to wait for."""
        self.goal, self.deadline_epoch_s, self.rests_until_epoch_s = "absent", deadline_epoch_s, 0

    def redact(self) -> None:
        """Drop what must not outlive its request: prompts above all."""

    def merge(self, stale: Self) -> Self | None:
        """Take over ids that another actor learned before it lost the race to save them.

        Returns what that actor made a second time, which nobody wants.
        """
        raise NotImplementedError

    def _surplus(self, **made_twice: object) -> Self:
        name = "-".join(str(value) for value in made_twice.values() if isinstance(value, str))
        kept = {name: getattr(self, name) for name in PhysicalRecord.model_fields}
        freed = {"key": f"{self.key}-{name}", "is_acknowledged": False, "deletion_policy": None}
        return type(self).model_validate(kept | made_twice | freed)
