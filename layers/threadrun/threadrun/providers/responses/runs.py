"""Runs as background responses. Source: openai.types.responses (openai-python 3.54)."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from typing import Any

import openai

from threadrun.errors import NotFound, NotServed, TerminalError, ThreadRefused, ThreadRunError
from threadrun.providers.replies import Reply
from threadrun.providers.responses import items, shapes
from threadrun.providers.responses.chains import CHAIN_MARK, is_chain
from threadrun.providers.responses.items import ItemRef, ResponseRef, run_ref
from threadrun.providers.responses.tools import ToolSecrets, tool_fields
from threadrun.providers.server import Method, Server, Subject, has_mark
from threadrun.schema.limits import Limits
from threadrun.state.observations import ObservedRun, RunPlan

_NO_BACKGROUND = re.compile(
    r"(not support|unsupported|unknown|unrecognized|unexpected).*\bbackground\b"
    r"|\bbackground\b.*(unsupported|not (support|allow|available))",
    re.IGNORECASE,
)
_UNANSWERED = '{"error": {"type": "NotAnswered", "message": "The run ended before this call was answered."}}'


class ResponseRuns(Subject[Server]):
    """Implements `threadrun.reconcile.backend.Runs`."""

    limits = Limits()

    def __init__(self, server: Server, secrets: ToolSecrets) -> None:
        super().__init__(server)
        self._secrets = secrets

    def start(self, plan: RunPlan, thread_id: str) -> ObservedRun:
        fields = shapes.response_fields(plan, thread_id, shapes.first_items(plan), self._tools(plan))
        return self._create("start the run", plan, fields)

    def submit_outputs(self, plan: RunPlan, thread_id: str, run_id: str, outputs: Mapping[str, str]) -> ObservedRun:
        """Continue as a new response: each one has an id of its own."""
        new = shapes.output_items(outputs)
        fields = shapes.response_fields(plan, thread_id, new, self._tools(plan), after=run_id)
        return self._create(f"continue run {run_id}", plan, fields)

    def _tools(self, plan: RunPlan) -> list[dict[str, Any]]:
        return [tool_fields(tool, plan, self._secrets) for tool in plan.effective.tools or ()]

    def redactor(self, secret_arns: Iterable[str]) -> tuple[Callable[[str], str], list[ThreadRunError]]:
        arns, unread = tuple(secret_arns), list[ThreadRunError]()
        for arn in arns:
            try:
                self._secrets.learn(arn)
            except ThreadRunError as error:  # The other ones are cut out all the same.
                unread.append(error)
        return lambda text: self._secrets.without(text, arns), unread

    def _create(self, action: str, plan: RunPlan, fields: dict[str, Any]) -> ObservedRun:
        try:
            return shapes.observed_run(self._server.create(action, self._post, **fields))
        except ThreadRunError as refusal:
            refusal.reword(self._secrets.without(refusal.reason, plan.effective.secret_arns))
            if isinstance(refusal, TerminalError) and (unserved := self._unserved(refusal)) is not None:
                raise unserved from refusal
            raise

    def _unserved(self, refusal: TerminalError) -> NotServed | None:
        """What the refusal of a start shows to be missing at this server, model or organisation."""
        cause, reason = refusal.__cause__, refusal.reason
        if not isinstance(cause, openai.APIStatusError):
            return None
        if _is_about_background(cause):
            # Not remembered, unlike other missing parts: it may be the model alone that has no background responses.
            return NotServed(f"{reason}; a run is a background response: use a model, or a server, that has them")
        # docs/decisions.md: "Where no data is kept, a run is a chain of one response"
        if cause.code == "unsupported_parameter" and cause.param == "conversation":
            self._server.note_missing("runs on conversations")
            return ThreadRefused(f"{reason}; give each run its own messages in `thread`")
        if cause.code == "unsupported_parameter" and cause.param == "previous_response_id":
            return NotServed(
                f"{reason}; a run whose functions were called goes on from a response that is kept: leave out "
                "handler_arn, or use an organisation that keeps data"
            )
        return None

    def _post(self, **fields: Any) -> Any:
        create: Method = self._server.api.responses.create
        try:
            return create(**fields)
        except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
            # Some servers require `input` where OpenAI lets it out. The second POST starts no second run: the first
            # one was refused.
            if "input" in fields or "input" not in error.response.text:
                raise
            return create(**fields, input=[])

    def find_lost(
        self, thread_id: str, after_item_id: str | None, token: str = "", but: Collection[str] = ()
    ) -> ObservedRun | None:
        return items.run_in(items.read_items(self._server, thread_id, after_item_id))

    def keeps(self, thread_id: str) -> bool:
        return not is_chain(thread_id)

    def find_continuation(self, thread_id: str, run_id: str, call_ids: Collection[str]) -> ObservedRun | None:
        return items.run_after(call_ids, items.read_items(self._server, thread_id))

    def observe(self, thread_id: str, run_id: str) -> ObservedRun:
        action = f"read run {run_id}"
        match run_ref(thread_id, run_id):
            case ResponseRef(response_id):
                return shapes.observed_run(self._read(action, response_id), response_id)
            case ItemRef(item_id):
                found = items.run_ending_with(item_id, items.items_left(self._server, thread_id))
                if found is None:
                    raise NotFound(
                        f"cannot {action}: its start got no reply, and its messages were deleted: change `triggers`"
                    )
                return found

    def look(self, thread_id: str, run_id: str) -> ObservedRun:
        return self.observe(thread_id, run_id)

    def adopt(self, thread_id: str, run_id: str) -> ObservedRun:
        """One that called functions continued as other responses, which only its thread shows."""
        action = f"adopt run {run_id}"
        response = self._read(action, run_id)
        if not self._is_of_thread(response, thread_id, action):
            raise NotFound(f"cannot {action}: it does not belong to thread {thread_id}")
        observed = shapes.observed_run(response, run_id)
        call_ids = [call.call_id for call in observed.calls]
        there = items.items_left(self._server, thread_id) if call_ids else []
        return items.run_after(call_ids, there) or observed

    def _is_of_thread(self, response: Reply, thread_id: str, action: str) -> bool:
        if is_chain(thread_id):
            return has_mark(response, thread_id, CHAIN_MARK)
        if named := response.object("conversation").text("id"):
            return named == thread_id
        # A server that does not name the conversation is believed where the output is among its items.
        made = {item.text("id") for item in response.objects("output")} - {""}
        there = self._server.listed(action, self._server.api.conversations.items.list, thread_id)
        return any(item.text("id") in made for item in there)

    def _read(self, action: str, response_id: str) -> Reply:
        return self._server.read(action, self._server.api.responses.retrieve, response_id)

    def close_calls(self, thread_id: str, run_id: str, call_ids: Collection[str]) -> None:
        open_ids = items.open_calls(call_ids, items.items_left(self._server, thread_id))
        outputs = shapes.output_items(dict.fromkeys(open_ids, _UNANSWERED))
        action, create = f"close the calls of run {run_id}", self._server.api.conversations.items.create
        for start in range(0, len(outputs), items.ITEMS_PER_REQUEST):
            self._server.send(action, create, thread_id, items=outputs[start : start + items.ITEMS_PER_REQUEST])

    def cancel(self, thread_id: str, run_id: str) -> None:
        if isinstance(run_ref(thread_id, run_id), ResponseRef):  # Items appear when the run has ended.
            self._server.cancel(self._server.api.responses.cancel, run_id)

    def delete(self, thread_id: str, run_id: str) -> None:
        if isinstance(run_ref(thread_id, run_id), ResponseRef):  # The response that left an item is unknown.
            with suppress(NotFound):  # Many servers have no such path, and a response is gone by itself in time.
                self._server.delete("run", self._server.api.responses.delete, run_id)


def _is_about_background(error: openai.APIStatusError) -> bool:
    """Whether the server refused that a response runs in the background."""
    message = error.body.get("message") if isinstance(error.body, dict) else None
    return error.param == "background" or bool(_NO_BACKGROUND.search(str(message or "")))
