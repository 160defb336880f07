"""The server's own assistants. Source: openai.types.beta.assistant (openai-python 3.54)."""

from __future__ import annotations

from contextlib import suppress

from openai.types.beta import Assistant
from pydantic import ValidationError

from threadrun.errors import NotFound, TerminalError
from threadrun.providers.assistants_v2 import shapes
from threadrun.providers.assistants_v2.client import PER_PAGE, read_assistant
from threadrun.providers.server import Server
from threadrun.schema.arguments import DesiredAssistant
from threadrun.state.observations import ObservedAssistant


class ServerAssistants:
    """Implements `threadrun.reconcile.backend.Assistants`."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def put(self, assistant_id: str | None, desired: DesiredAssistant, token: str) -> ObservedAssistant:
        """Change the assistant in place, or create it, incomplete.

        A new assistant has `token` in place of the user's metadata until its id is on record; the second request sets
        those. So one whose reply was lost is found by its mark. Equal settings would prove nothing: another resource
        may have the same.
        """
        if assistant_id is not None:
            return self._change(assistant_id, desired)
        made = self._marked(token) or self._create(desired, token)
        return ObservedAssistant(made.id, desired, created_at=made.created_at, is_complete=False)

    def _marked(self, token: str) -> Assistant | None:
        with self._server.translated("list the assistants"):
            newest = self._server.client.beta.assistants.list(limit=PER_PAGE, order="desc").data
        return next((each for each in newest or () if shapes.is_marked(each, token)), None)

    def _create(self, desired: DesiredAssistant, token: str) -> Assistant:
        fields = shapes.new_assistant_fields(desired, token)

        def send() -> Assistant:
            return self._server.client.beta.assistants.create(**fields)

        return self._server.request("create the assistant", Assistant, send, creates=True)

    def _change(self, assistant_id: str, desired: DesiredAssistant) -> ObservedAssistant:
        fields = shapes.changed_assistant_fields(desired)

        def send() -> Assistant:
            return self._server.client.beta.assistants.update(assistant_id, **fields)

        assistant = self._server.request(f"update assistant {assistant_id}", Assistant, send)
        return ObservedAssistant(assistant.id, desired, created_at=assistant.created_at)

    def find(self, assistant_id: str) -> ObservedAssistant:
        assistant = read_assistant(self._server, assistant_id)
        try:
            settings = shapes.settings_from(assistant)
        except ValidationError as error:
            places = ", ".join(".".join(map(str, each["loc"])) for each in error.errors())
            raise TerminalError(f"cannot use assistant {assistant_id}: its {places} cannot be read") from None
        return ObservedAssistant(assistant.id, settings, created_at=assistant.created_at)

    def delete(self, assistant_id: str) -> None:
        with suppress(NotFound), self._server.translated(f"delete assistant {assistant_id}"):
            self._server.client.beta.assistants.delete(assistant_id)
