"""The server's own runs. Source: openai.types.beta.threads.run (openai-python 3.54)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace

from threadrun.errors import NotFound, ThreadRunError
from threadrun.providers.answers import answer_in
from threadrun.providers.assistants_v2 import shapes
from threadrun.providers.assistants_v2.client import PER_PAGE, AssistantsServer
from threadrun.providers.replies import Reply, status_in
from threadrun.providers.server import Subject, has_mark
from threadrun.schema.limits import Limits
from threadrun.state.observations import ObservedRun, RunPlan

_STOPPABLE = frozenset({"queued", "in_progress", "requires_action"})


class ServerRuns(Subject[AssistantsServer]):
    """Implements `threadrun.reconcile.backend.Runs`."""

    limits = Limits(
        min_completion_tokens=256,
        tools=20,
        code_files=20,
        instruction_characters=256_000,
        additional_instruction_characters=256_000,
    )

    def start(self, plan: RunPlan, thread_id: str) -> ObservedRun:
        """Start the run. Nothing else is read here: no later failure may look like that of the start."""
        fields, create = shapes.run_fields(plan), self._server.api.beta.threads.runs.create
        run = self._server.create("start the run", create, thread_id, **fields)
        observed = shapes.observed_run(run)
        # A run that is over at once has an answer to be read, which `observe` does.
        return replace(observed, status="in_progress") if observed.is_final else observed

    def find_lost(
        self, thread_id: str, after_item_id: str | None, token: str = "", but: Collection[str] = ()
    ) -> ObservedRun | None:
        """Find the run with the mark `token`, else the first run that is newer than run `after_item_id`.

        Runs of the same second count as newer, as their order is open: to take another's run for ours stops the
        request, to miss ours would start a second one.
        """
        action, threads = f"read thread {thread_id}", self._server.api.beta.threads
        listed = self._server.listed(action, threads.runs.list, thread_id, limit=PER_PAGE, order="desc")
        runs = [run for run in listed if run.text("id") not in but]
        if not all(run.text("id") for run in runs):
            raise NotFound(f"cannot {action}: the server names no id of a run on it")
        if token and (ours := next((run for run in runs if has_mark(run, token)), None)):
            return replace(self._with_output(ours, thread_id, ours.text("id")), is_marked=True)
        since = next((_created_at(run) for run in runs if run.text("id") == after_item_id), 0)
        newer = [run for run in runs if run.text("id") != after_item_id and _created_at(run) >= since]
        return self._with_output(newer[-1], thread_id, newer[-1].text("id")) if newer else None

    def keeps(self, thread_id: str) -> bool:
        return True

    def submit_outputs(self, plan: RunPlan, thread_id: str, run_id: str, outputs: Mapping[str, str]) -> ObservedRun:
        fields = {"thread_id": thread_id, "tool_outputs": shapes.tool_outputs(outputs)}
        submit = self._server.api.beta.threads.runs.submit_tool_outputs
        run = self._server.send(f"continue run {run_id}", submit, run_id, creates=True, **fields)
        # The server may not show yet that it has the outputs: `observe` reads what follows.
        return replace(shapes.observed_run(run, run_id), status="in_progress", calls=())

    def find_continuation(self, thread_id: str, run_id: str, call_ids: Collection[str]) -> ObservedRun | None:
        observed = self.observe(thread_id, run_id)
        return None if {call.call_id for call in observed.calls} & {*call_ids} else observed

    def close_calls(self, thread_id: str, run_id: str, call_ids: Collection[str]) -> None:
        """End the run that waits for them: it holds its thread. On this API a thread has no calls of its own."""
        self.delete(thread_id, run_id)

    def observe(self, thread_id: str, run_id: str) -> ObservedRun:
        return self._with_output(self._read(thread_id, run_id, f"read run {run_id}"), thread_id, run_id)

    def look(self, thread_id: str, run_id: str) -> ObservedRun:
        return shapes.observed_run(self._read(thread_id, run_id, f"read run {run_id}"), run_id)

    def adopt(self, thread_id: str, run_id: str) -> ObservedRun:
        action = f"adopt run {run_id}"
        run = self._read(thread_id, run_id, action)
        if run.text("thread_id") != thread_id:  # Some servers ignore the thread in the path.
            raise NotFound(f"cannot {action}: it does not belong to thread {thread_id}")
        return self._with_output(run, thread_id, run_id)

    def _read(self, thread_id: str, run_id: str, action: str) -> Reply:
        retrieve = self._server.api.beta.threads.runs.retrieve
        return self._server.read(action, retrieve, run_id, thread_id=thread_id)

    def _with_output(self, run: Reply, thread_id: str, run_id: str) -> ObservedRun:
        """The run with its answer, which is in the thread's messages and complete when the run has ended."""
        observed = shapes.observed_run(run, run_id)
        if not observed.is_final:
            return observed
        fields, messages = {"limit": PER_PAGE, "order": "asc"}, self._server.api.beta.threads.messages
        action = f"read the answer of run {run_id}"
        listed = self._server.listed(action, messages.list, thread_id, run_id=run_id, **fields)
        said = [each for each in listed if each.text("role") == "assistant"]
        # Where no message names its run, the list that was asked for is believed.
        answers = [each for each in said if each.text("run_id") == run_id] or [
            each for each in said if not each.has("run_id")
        ]
        return replace(observed, **answer_in(answers)._asdict())

    def redactor(self, secret_arns: Iterable[str]) -> tuple[Callable[[str], str], list[ThreadRunError]]:
        return str, []  # No tool of this API has any.

    def cancel(self, thread_id: str, run_id: str) -> None:
        self._server.cancel(self._server.api.beta.threads.runs.cancel, run_id, thread_id=thread_id)

    def delete(self, thread_id: str, run_id: str) -> None:
        """Cancel the run where it still holds its thread; this API cannot delete one."""
        try:
            may_run = status_in(self._read(thread_id, run_id, f"delete run {run_id}")) in _STOPPABLE
        except NotFound:
            return
        except ThreadRunError:
            may_run = True  # The server does not show it.
        if may_run:
            self.cancel(thread_id, run_id)


def _created_at(run: Reply) -> int:
    """0 where the server does not tell."""
    return run.integer("created_at") or 0
