"""Runs of the Assistants v2 backend. Source: openai.types.beta.threads.run (openai-python 3.54)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

import openai
from openai.types.beta.threads import Run

from threadrun.errors import NotFound, TerminalError
from threadrun.providers.assistants_v2 import shapes
from threadrun.providers.assistants_v2.client import PER_PAGE, AssistantsClient
from threadrun.providers.errors import require_readable
from threadrun.state.observations import ObservedRun, RunPlan

_STOPPABLE = frozenset({"queued", "in_progress", "requires_action"})


class RunCalls(AssistantsClient):
    """The part of `threadrun.reconcile.backend.Backend` that is about runs."""

    def last_item_id(self, thread_id: str) -> str | None:
        """Id of the thread's newest run: `find_lost_run` looks for a run, which here has its own list."""
        with self._translated(f"read thread {thread_id}"):
            newest = self._client.beta.threads.runs.list(thread_id, limit=1, order="desc").data
        return newest[0].id if newest else None

    def start_run(self, plan: RunPlan, thread_id: str) -> ObservedRun:
        """Start the run. Nothing else is read here: no later failure may look like that of the start."""
        action, desired = "start the run", plan.desired
        request = {
            "model": desired.model,
            "instructions": desired.instructions,
            "tools": None if desired.tools is None else [shapes.tool_fields(tool) for tool in desired.tools],
            "metadata": desired.metadata,
            "max_completion_tokens": desired.max_completion_tokens,
            "temperature": desired.temperature,
            "top_p": desired.top_p,
            "response_format": shapes.format_fields(desired),
        }
        assistant_id = shapes.assistant_id_of(plan)
        with self._translated(action, creates=True):
            run: Run = self._client.beta.threads.runs.create(
                thread_id, assistant_id=assistant_id, **shapes.only_given(request)
            )
        require_readable(run, Run, action, creates=True)
        observed = shapes.observed_run(run)
        # A run that is over at once has an answer to be read: the next look does.
        return replace(observed, status="in_progress") if observed.is_final else observed

    def find_lost_run(self, thread_id: str, after_item_id: str | None) -> ObservedRun | None:
        """The first run that is newer than run `after_item_id`.

        On a new thread it is ours for sure: nobody else knows the thread. On another it may be anybody's; whether
        that is proof enough is not decided here. Runs of the same second count as newer, as their order is open:
        rather one run too many than a start that is repeated.
        """
        with self._translated(f"read thread {thread_id}"):
            runs = list(self._client.beta.threads.runs.list(thread_id, limit=PER_PAGE, order="desc"))
        since = next((run.created_at for run in runs if run.id == after_item_id), 0)
        newer = [run for run in runs if run.id != after_item_id and run.created_at >= since]
        return self._with_output(newer[-1]) if newer else None

    def shows_lost_runs(self, thread_id: str) -> bool:
        return True

    def continue_run(self, plan: RunPlan, thread_id: str, run_id: str, outputs: Mapping[str, str]) -> ObservedRun:
        action = f"continue run {run_id}"
        answers: list[Any] = [{"tool_call_id": call_id, "output": output} for call_id, output in outputs.items()]
        with self._translated(action, creates=True):
            run = self._client.beta.threads.runs.submit_tool_outputs(run_id, thread_id=thread_id, tool_outputs=answers)
        require_readable(run, Run, action, creates=True)
        return replace(shapes.observed_run(run), status="in_progress", calls=())  # The next look tells.

    def find_continuation(self, thread_id: str, run_id: str, call_ids: Collection[str]) -> ObservedRun | None:
        observed = self.observe_run(thread_id, run_id)
        return None if {call.call_id for call in observed.calls} & {*call_ids} else observed

    def close_calls(self, thread_id: str, run_id: str, call_ids: Collection[str]) -> None:
        """A run that waits for its functions holds its thread; calls themselves are no part of a thread here."""
        self.delete_run(thread_id, run_id)

    def observe_run(self, thread_id: str, run_id: str) -> ObservedRun:
        return self._with_output(self._read_run(thread_id, run_id, f"read run {run_id}"))

    def adopt_run(self, thread_id: str, run_id: str) -> ObservedRun:
        action = f"adopt run {run_id}"
        run = self._read_run(thread_id, run_id, action)
        if run.thread_id != thread_id:  # Not every server looks at the thread in the path.
            raise NotFound(f"cannot {action}: it is not a run of thread {thread_id}")
        return self._with_output(run)

    def _read_run(self, thread_id: str, run_id: str, action: str) -> Run:
        with self._translated(action):
            run = self._client.beta.threads.runs.retrieve(run_id, thread_id=thread_id)
        require_readable(run, Run, action)
        return run

    def _with_output(self, run: Run) -> ObservedRun:
        observed = shapes.observed_run(run)
        if not observed.is_final:
            return observed
        with self._translated(f"read the answer of run {run.id}"):
            listed = self._client.beta.threads.messages.list(run.thread_id, run_id=run.id, limit=PER_PAGE, order="asc")
            answers = [each for each in listed if each.role == "assistant" and each.run_id == run.id]
        texts = [part.text.value for message in answers for part in message.content if part.type == "text"]
        return replace(observed, output_text="".join(texts))

    def cancel_run(self, thread_id: str, run_id: str) -> None:
        # The reply is not believed, a refusal neither: only a later look tells whether the run has ended.
        refusals = suppress(openai.ConflictError)
        with suppress(TerminalError), self._translated(f"cancel run {run_id}"), refusals:
            self._client.beta.threads.runs.cancel(run_id, thread_id=thread_id)

    def delete_run(self, thread_id: str, run_id: str) -> None:
        """Cancel the run where it still holds its thread; this API cannot delete one."""
        with suppress(NotFound):
            if self._read_run(thread_id, run_id, f"delete run {run_id}").status in _STOPPABLE:
                self.cancel_run(thread_id, run_id)
