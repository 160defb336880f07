"""Every error that this package raises on purpose; anything else is a bug and propagates.

Two families decide what happens next: a `TransientError` is tried again, a `TerminalError` ends the request.
"""

from __future__ import annotations


class ThreadRunError(Exception):
    """Base of both families."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def reword(self, reason: str) -> None:
        """Have it say something else, wherever it is shown."""
        self.reason, self.args = reason, (reason,)


class TransientError(ThreadRunError):
    """It may work later: the same step is taken again, until the deadline."""

    def __init__(self, reason: str, retry_after_seconds: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after_seconds = retry_after_seconds


class LostReply(TransientError):
    """A creating request got no readable reply: it may or may not have had its effect."""


class ThreadBusy(TransientError):
    """Another run holds the thread's lock; the request had no effect."""


class StorageUnavailable(TransientError):
    """DynamoDB, or the bucket of large outputs, did not do what was asked, after botocore's own retries."""


class VersionConflict(TransientError):
    """Someone else saved the record first: read it again and decide again."""


class TerminalError(ThreadRunError):
    """It cannot work: the stack event gets `reason`, which is free of secrets and prompts."""


class InvalidProperties(TerminalError):
    """The resource's properties cannot be used; `problems` has one line for each thing wrong."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        super().__init__(f"invalid properties, {count}: " + "; ".join(problems))


class InvalidEvent(TerminalError):
    """The event is not a custom-resource request of CloudFormation that can get a response."""


class NotStorable(TerminalError):
    """A record could not be read back if it were saved as it is."""


class TooLarge(NotStorable):
    """A record would take more of an item, or of a function's memory, than there is."""


class UnreadableRecord(TerminalError):
    """An item of the table is no record that this version can read; `version` is the item's."""

    def __init__(self, reason: str, version: int) -> None:
        super().__init__(reason)
        self.version = version


class NotShown(TerminalError):
    """The server does not show the thing asked for, which says nothing of whether it is there."""


class NotFound(NotShown):
    """The server does not know the thing asked for (any more)."""


class NotServed(TerminalError):
    """The server lacks a part of the API that the request needs."""


class ThreadRefused(NotServed):
    """The server has threads, and starts no run on one: none was started."""


class CallUnanswered(TransientError):
    """The handler of a function returned no usable result: it is invoked again."""


class ResponseNotDelivered(TransientError):
    """CloudFormation's URL did not accept the response; the same one is sent again later."""
