"""What is on record of files that were given to the server."""

from __future__ import annotations

from typing import Any, Literal, Self

from threadrun.schema.files import DesiredFile
from threadrun.state.base import PhysicalRecord, Value
from threadrun.state.observations import ObservedFile


class Upload(Value):
    """An upload that is about to be made, or that got no reply; and how its file is known, if it got there."""

    filename: str
    size_bytes: int
    etag: str = ""
    """Of the object in S3 that is uploaded: another one under its name is another file."""
    intended_epoch_s: float
    ends_epoch_s: float
    """Until then the step that makes it may be at work."""
    owner: str | None
    """The one step that may make it; None once it has been made."""
    since_epoch_s: float
    """Of the first attempt: what was there before is not this file."""


class FileRecord(PhysicalRecord):
    kind: Literal["file"] = "file"
    desired: DesiredFile | None = None
    file_id: str | None = None
    observed: ObservedFile | None = None
    sha256: str = ""
    upload: Upload | None = None

    @property
    def physical_id(self) -> str | None:
        return self.file_id

    def note_uploaded(self, observed: ObservedFile, sha256: str) -> None:
        """Note the file that was made; its content has no other use."""
        self.file_id, self.observed, self.sha256, self.upload = observed.file_id, observed, sha256, None
        self.desired = self.desired.without_content() if self.desired else None

    def attributes(self) -> dict[str, Any]:
        observed = self.observed or ObservedFile(self.file_id or "")
        return {
            "id": self.file_id,
            "filename": observed.filename,
            "bytes": observed.size_bytes,
            "purpose": observed.purpose,
            "created_at": observed.created_at,
            "expires_at": observed.expires_at,
            "sha256": self.sha256,
        }

    def merge(self, lost: Self, base: Self | None) -> Self | None:
        if lost.file_id and self.file_id not in (None, lost.file_id):
            return self._surplus(file_id=lost.file_id)
        if lost.file_id:
            self.file_id, self.observed, self.sha256, self.upload = lost.file_id, lost.observed, lost.sha256, None
        elif base is not None and self.upload == base.upload and (lost.upload is None or lost.upload.owner is None):
            # It has been made: with the upload as it was saved, its step would make it again.
            self.upload = lost.upload
        return None
