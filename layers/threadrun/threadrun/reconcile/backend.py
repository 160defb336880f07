"""What the decisions need of a server that runs threads: one protocol a subject. Each wire API implements them.

Every failure is one of `errors`: `TransientError` (429, 5xx, network), `LostReply` where a request that creates
something may have had its effect, `ThreadBusy` where another run holds the thread, `NotFound`, and `TerminalError` for
every other refusal. To delete what the server says is gone is no error; what it does not know is `NotFound`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Protocol

from threadrun.errors import ThreadRunError
from threadrun.schema.arguments import DesiredAssistant, DesiredThread
from threadrun.schema.files import DesiredFile
from threadrun.schema.limits import Limits
from threadrun.schema.messages import Message
from threadrun.schema.stores import DesiredVectorStore
from threadrun.state.files import Upload
from threadrun.state.observations import (
    Content,
    Indexing,
    ObservedAssistant,
    ObservedFile,
    ObservedRun,
    ObservedStore,
    RunPlan,
)


class Threads(Protocol):
    """The server's threads and their messages."""

    def create(self, plan: RunPlan) -> str:
        """Create the new thread of a run and return its id. The start of the run may add the messages."""

    def create_bare(self, desired: DesiredThread) -> str:
        """Create a thread without messages and return its id."""

    def count_messages(self, thread_id: str) -> int:
        """Count the user's messages; the model's answers do not count."""

    def add_messages(self, thread_id: str, messages: Sequence[Message]) -> int:
        """Add as many of the first messages as one request takes; return how many that were."""

    def update(self, thread_id: str, desired: DesiredThread) -> None:
        """Replace the thread's metadata."""

    def empty(self, thread_id: str) -> None:
        """Delete what the deletion of the thread would leave behind. Raises `NotFound` where it is not shown."""

    def delete(self, thread_id: str) -> None:
        """Delete the thread itself."""

    def last_item_id(self, thread_id: str) -> str | None:
        """Return the id of the thread's newest item, None on an empty thread.

        A run that is started now leaves items after this one: `Runs.find_lost` looks for them.
        """


class Runs(Protocol):
    """The server's runs."""

    limits: Limits
    """How much it takes of the arguments."""

    def start(self, plan: RunPlan, thread_id: str) -> ObservedRun:
        """Start the run. Raises `LostReply` where it may run although no reply came."""

    def find_lost(
        self, thread_id: str, after_item_id: str | None, token: str = "", but: Collection[str] = ()
    ) -> ObservedRun | None:
        """Find a run whose start got no reply by the mark `token`, or by what the thread has after `after_item_id`.

        None of the ids in `but` is that run.
        """

    def keeps(self, thread_id: str) -> bool:
        """Whether the server keeps this thread, so that it shows what `find_lost` and `find_continuation` look for."""

    def observe(self, thread_id: str, run_id: str) -> ObservedRun:
        """Read the run with its answer. Raises `NotFound`."""

    def look(self, thread_id: str, run_id: str) -> ObservedRun:
        """Read the run; its answer, which may be unreadable, does not matter. Raises `NotFound`."""

    def adopt(self, thread_id: str, run_id: str) -> ObservedRun:
        """Read a run that was started elsewhere. Raises `NotFound` unless it is proved to be of this thread."""

    def submit_outputs(self, plan: RunPlan, thread_id: str, run_id: str, outputs: Mapping[str, str]) -> ObservedRun:
        """Submit the outputs of all calls that the run waits for, by call id. Raises `LostReply` like `start`.

        The run may continue under another id, which the result has.
        """

    def find_continuation(self, thread_id: str, run_id: str, call_ids: Collection[str]) -> ObservedRun | None:
        """Read what the run has done since it got the outputs of these calls; None where no output shows."""

    def close_calls(self, thread_id: str, run_id: str, call_ids: Collection[str]) -> None:
        """Close those of these calls that have no output: an open call keeps other runs off the thread."""

    def redactor(self, secret_arns: Iterable[str]) -> tuple[Callable[[str], str], list[ThreadRunError]]:
        """What cuts the values of these secrets of tools out of a text: a server may repeat them.

        And what reading the secrets raised: of such a one, only what this process has seen is cut out.
        """

    def cancel(self, thread_id: str, run_id: str) -> None:
        """Request the run's end. Another request, or one for a run that has ended or is unknown, is not an error."""

    def delete(self, thread_id: str, run_id: str) -> None:
        """Delete the run where the server can, and end it where it still holds its thread."""


class Files(Protocol):
    """The server's files, and what they are made of: properties, or objects in S3."""

    def measure(self, desired: DesiredFile) -> Content:
        """How large it is. Raises `TerminalError` where it cannot be read or is too large."""

    def upload(self, desired: DesiredFile, upload: Upload, token: str) -> tuple[ObservedFile, str]:
        """Upload it within the time of `upload`; return the file and the SHA-256 of its content.

        Raises `LostReply` where it may be there although no reply came. No other `token` gets this file.
        """

    def find_lost(self, upload: Upload, token: str) -> ObservedFile | None:
        """Find a file whose upload got no reply; none that another `token` has."""

    def sha256(self, desired: DesiredFile, upload: Upload) -> str:
        """Read the content once more, for the digest of one that was found."""

    def observe(self, file_id: str) -> ObservedFile:
        """Read what the server shows of the file. Raises `NotFound`."""

    def delete(self, file_id: str) -> None:
        """Delete the file; vector stores lose it, too."""


class VectorStores(Protocol):
    """The vector stores that hold the files attached to messages, and those that runs share."""

    def make(self, plan: RunPlan, thread_id: str, token: str) -> str | None:
        """Return the id of the store of the run's attached files, None where the run needs none.

        A repeated request with the same `token` makes no second store.
        """

    def observe_indexing(self, vector_store_id: str) -> Indexing:
        """Whether files are still being indexed, and which ones failed."""

    def create(self, desired: DesiredVectorStore, token: str) -> str:
        """Create a store that runs share, with its files; a repeated `token` creates no second one. Returns its id."""

    def find(self, token: str) -> str | None:
        """The id of the store that `create` made and that nothing was changed of since; None where there is none.

        Raises `NotServed` where the server has no vector stores.
        """

    def update(self, vector_store_id: str, desired: DesiredVectorStore) -> None:
        """Give the store its name, its time and its metadata."""

    def file_ids(self, vector_store_id: str) -> list[str]:
        """The files in it, failed ones too."""

    def add_file(self, vector_store_id: str, file_id: str, desired: DesiredVectorStore) -> None:
        """Have a file indexed; one that is there stays as it is."""

    def remove_file(self, vector_store_id: str, file_id: str) -> None:
        """Take a file out of it; the file itself stays."""

    def observe(self, vector_store_id: str) -> ObservedStore:
        """Read the store, with the names of files that failed."""

    def delete(self, vector_store_id: str) -> None:
        """Delete the store; its files stay."""

    def delete_lost(self, token: str) -> None:
        """Delete stores whose creation with this `token` got no reply."""


class Assistants(Protocol):
    """Settings that several runs share."""

    def put(self, assistant_id: str | None, desired: DesiredAssistant, token: str) -> ObservedAssistant:
        """Create the assistant, or change it where it has an id. A repeated `token` creates no second one.

        A new assistant may be incomplete (`is_complete`): save its id, then put it again.
        """

    def find(self, assistant_id: str) -> ObservedAssistant:
        """Read the assistant. Raises `NotFound`."""

    def delete(self, assistant_id: str) -> None:
        """Delete the assistant; its runs stay."""

    def delete_lost(self, token: str) -> None:
        """Delete assistants whose creation with this `token` got no reply."""


class Backend(Protocol):
    """One server through one wire API."""

    @property
    def threads(self) -> Threads: ...

    @property
    def runs(self) -> Runs: ...

    @property
    def files(self) -> Files: ...

    @property
    def vector_stores(self) -> VectorStores: ...

    @property
    def assistants(self) -> Assistants: ...
