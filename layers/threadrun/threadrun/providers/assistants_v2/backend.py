"""Servers that speak Assistants v2: threads, runs and assistants are the server's own.

Source: openai.types.beta.assistant (openai-python 3.54).
"""

from __future__ import annotations

from pydantic import ValidationError

from threadrun.errors import TerminalError
from threadrun.providers.assistants_v2 import shapes
from threadrun.providers.assistants_v2.client import PER_PAGE, AssistantsServer
from threadrun.providers.assistants_v2.runs import ServerRuns
from threadrun.providers.assistants_v2.threads import ServerThreads, ThreadStores
from threadrun.providers.files import ServerFiles
from threadrun.providers.server import Subject
from threadrun.schema.arguments import DesiredAssistant
from threadrun.state.observations import ObservedAssistant


class AssistantsBackend:
    """Implements `threadrun.reconcile.backend.Backend`."""

    def __init__(self, server: AssistantsServer, files: ServerFiles) -> None:
        self.threads = ServerThreads(server)
        self.runs = ServerRuns(server)
        self.vector_stores = ThreadStores(server)
        self.assistants, self.files = ServerAssistants(server), files


class ServerAssistants(Subject[AssistantsServer]):
    """Implements `threadrun.reconcile.backend.Assistants`."""

    def put(self, assistant_id: str | None, desired: DesiredAssistant, token: str) -> ObservedAssistant:
        """Change the assistant in place, or create it, incomplete.

        A new assistant has `token` in place of the user's metadata until its id is on record; the second request sets
        those. So one whose reply was lost is found by its mark. Equal settings would prove nothing: another resource
        may have the same.
        """
        assistants = self._server.api.beta.assistants
        if assistant_id is not None:
            action, fields = f"update assistant {assistant_id}", shapes.changed_assistant_fields(desired)
            changed = self._server.read(action, assistants.update, assistant_id, **fields)
            return ObservedAssistant(assistant_id, desired, created_at=changed.integer("created_at"))
        made = self._server.find_marked("list the assistants", assistants.list, token, PER_PAGE)
        if made is None:
            fields = shapes.new_assistant_fields(desired, token)
            made = self._server.create("create the assistant", assistants.create, **fields)
        created_at = made.integer("created_at")
        return ObservedAssistant(made.text("id"), desired, created_at=created_at, is_complete=False)

    def find(self, assistant_id: str) -> ObservedAssistant:
        assistant = self._server.assistant(assistant_id)
        try:
            settings = shapes.settings_from(assistant)
        except ValidationError as error:
            places = ", ".join(".".join(map(str, each["loc"])) for each in error.errors())
            raise TerminalError(f"cannot use assistant {assistant_id}: its {places} cannot be read") from None
        return ObservedAssistant(assistant_id, settings, created_at=assistant.integer("created_at"))

    def delete(self, assistant_id: str) -> None:
        self._server.delete("assistant", self._server.api.beta.assistants.delete, assistant_id)

    def delete_lost(self, token: str) -> None:
        """By the mark, which a new assistant has until its id is on record."""
        list_ = self._server.api.beta.assistants.list
        for each in self._server.all_marked("list the assistants", list_, token, PER_PAGE):
            self.delete(each.text("id"))
