"""Files at the server; both wire APIs have the same. Source: openai.types.file_object (openai-python 3.54)."""

from __future__ import annotations

from threadrun.errors import LostReply, StorageUnavailable
from threadrun.providers.file_sources import FileSources
from threadrun.providers.replies import Reply
from threadrun.providers.server import Server, Subject
from threadrun.schema.files import DesiredFile
from threadrun.state.files import Upload
from threadrun.state.observations import Content, ObservedFile
from threadrun.storage.file_claims import FileClaims

NEWEST_FILES = 1000
"""Among so many, on one page, a file is looked for that was uploaded a while ago."""
CLOCKS_DIFFER_SECONDS = 60
"""The server's and ours."""


class ServerFiles(Subject[Server]):
    """Implements `threadrun.reconcile.backend.Files`; `purpose` is that of a file that names none."""

    def __init__(self, server: Server, sources: FileSources, claims: FileClaims, purpose: str) -> None:
        super().__init__(server)
        self._sources, self._claims, self._purpose = sources, claims, purpose

    def measure(self, desired: DesiredFile) -> Content:
        return self._sources.measure(desired)

    def sha256(self, desired: DesiredFile, upload: Upload) -> str:
        return self._sources.open(desired, _content(upload), upload.ends_epoch_s).read_all()

    def upload(self, desired: DesiredFile, upload: Upload, token: str) -> tuple[ObservedFile, str]:
        action, create = f"upload {desired.filename}", self._server.api.files.create
        fields: dict[str, object] = {"purpose": desired.purpose or self._purpose}
        if desired.expires_after_seconds is not None:
            fields["expires_after"] = {"anchor": "created_at", "seconds": desired.expires_after_seconds}
        with self._sources.open(desired, _content(upload), upload.ends_epoch_s) as stream:
            fields |= {"file": (desired.filename, stream), "timeout": upload.ends_epoch_s - upload.intended_epoch_s}
            try:
                with self._server.needing("files", "Custom::OpenAIFile"):
                    made = self._server.create(action, create, **fields)
            except LostReply:
                if stream.problem is not None:
                    raise stream.problem from None  # The server got a part of it, which makes no file.
                raise
            self._claim(made.text("id"), token, action)
            return _observed(made, desired.filename, upload.size_bytes), stream.sha256

    def _claim(self, file_id: str, token: str, action: str) -> None:
        try:
            is_ours = self._claims.take(file_id, token)
        except StorageUnavailable as error:
            raise LostReply(f"cannot {action}: {error.reason}") from None
        if not is_ours:  # Another resource, whose own upload got no reply, took it for its own.
            raise LostReply(f"cannot {action}: file {file_id} belongs to another resource")

    def find_lost(self, upload: Upload, token: str) -> ObservedFile | None:
        page = self._server.page("list the files", self._server.api.files.list, limit=NEWEST_FILES, order="desc")
        fitting = [each for each in page.objects("data") if _fits(each, upload)]
        holders = {each.text("id"): self._claims.holder(each.text("id")) for each in fitting}
        ours = [each for each in fitting if holders[each.text("id")] == token]
        free = [each for each in fitting if holders[each.text("id")] is None]
        found = next((each for each in [*ours, *reversed(free)] if self._claims.take(each.text("id"), token)), None)
        return _observed(found, upload.filename, upload.size_bytes) if found else None

    def observe(self, file_id: str) -> ObservedFile:
        return _observed(self._server.read(f"read file {file_id}", self._server.api.files.retrieve, file_id))

    def delete(self, file_id: str) -> None:
        self._server.delete("file", self._server.api.files.delete, file_id)


def _content(upload: Upload) -> Content:
    return Content(upload.size_bytes, upload.etag)


def _fits(file: Reply, upload: Upload) -> bool:
    created = file.integer("created_at") or 0
    is_alike = (file.text("filename"), file.integer("bytes")) == (upload.filename, upload.size_bytes)
    return bool(file.text("id")) and is_alike and created >= upload.since_epoch_s - CLOCKS_DIFFER_SECONDS


def _observed(file: Reply, filename: str = "", size_bytes: int = 0) -> ObservedFile:
    """What the server shows; where it does not, what it was given."""
    return ObservedFile(
        file.text("id"),
        filename=file.text("filename") or filename,
        size_bytes=file.integer("bytes") or size_bytes,
        purpose=file.text("purpose"),
        created_at=file.integer("created_at"),
        expires_at=file.integer("expires_at"),
    )
