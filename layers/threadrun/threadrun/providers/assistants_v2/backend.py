"""The backend for servers that speak Assistants v2: threads, runs and assistants are the server's own.

Source: openai.types.beta (openai-python 3.54). What a run leaves out the server takes from the assistant, so
only what the user wrote is sent. Files reach a run through its thread or its assistant, never by itself.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from openai.types.beta import Assistant
from pydantic import ValidationError

from threadrun.errors import NotFound, TerminalError
from threadrun.providers.assistants_v2 import shapes
from threadrun.providers.assistants_v2.client import PER_PAGE
from threadrun.providers.assistants_v2.runs import RunCalls
from threadrun.providers.assistants_v2.threads import ThreadCalls
from threadrun.providers.errors import require_readable
from threadrun.schema.arguments import DesiredAssistant
from threadrun.state.observations import ObservedAssistant

_NO_RESOURCES: dict[str, Any] = {shapes.SEARCH: {"vector_store_ids": []}, shapes.CODE: {"file_ids": []}}


class AssistantsBackend(ThreadCalls, RunCalls):
    """Implements `threadrun.reconcile.backend.Backend` with the Assistants API."""

    min_completion_tokens = 256

    def put_assistant(self, assistant_id: str | None, desired: DesiredAssistant, token: str) -> ObservedAssistant:
        """Change the assistant in place, or create it.

        A new assistant carries `token` in place of the user's metadata until its id is on record: then a second
        call gives it those. So one whose reply was lost is found again by its mark, without a guess: equal
        settings prove nothing, as another resource may want the same.
        """
        if assistant_id is not None:
            return self._change_assistant(assistant_id, desired)
        made = self._marked_assistant(token) or self._create_assistant(desired, token)
        return ObservedAssistant(made.id, desired, created_at=made.created_at, is_complete=False)

    def _marked_assistant(self, token: str) -> Assistant | None:
        with self._translated("list the assistants"):
            newest = self._client.beta.assistants.list(limit=PER_PAGE, order="desc").data
        return next((each for each in newest or () if shapes.is_marked(each, token)), None)

    def _create_assistant(self, desired: DesiredAssistant, token: str) -> Assistant:
        action = "create the assistant"
        settings = shapes.only_given(
            {**shapes.settings_fields(desired), "tool_resources": shapes.assistant_resources(desired) or None}
        )
        with self._translated(action, creates=True):
            assistant = self._client.beta.assistants.create(**settings | {"metadata": {shapes.MARK: token}})
        require_readable(assistant, Assistant, action, creates=True)
        return assistant

    def _change_assistant(self, assistant_id: str, desired: DesiredAssistant) -> ObservedAssistant:
        action = f"update assistant {assistant_id}"
        # Null resets a field; of what knows no null the empty value does.
        settings = shapes.settings_fields(desired)
        settings |= {name: settings[name] or empty for name, empty in (("tools", []), ("metadata", {}))}
        settings["response_format"] = settings["response_format"] or "auto"
        settings["tool_resources"] = _NO_RESOURCES | shapes.assistant_resources(desired)
        with self._translated(action):
            assistant = self._client.beta.assistants.update(assistant_id, **settings)
        require_readable(assistant, Assistant, action)
        return ObservedAssistant(assistant.id, desired, created_at=assistant.created_at)

    def find_assistant(self, assistant_id: str) -> ObservedAssistant:
        assistant = self._read_assistant(assistant_id)
        try:
            settings = shapes.settings_from(assistant)
        except ValidationError as error:
            places = ", ".join(".".join(map(str, each["loc"])) for each in error.errors())
            raise TerminalError(f"cannot use assistant {assistant_id}: its {places} cannot be read") from None
        return ObservedAssistant(assistant.id, settings, created_at=assistant.created_at)

    def delete_assistant(self, assistant_id: str) -> None:
        with suppress(NotFound), self._translated(f"delete assistant {assistant_id}"):
            self._client.beta.assistants.delete(assistant_id)
