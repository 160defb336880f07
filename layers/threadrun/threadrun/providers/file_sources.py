"""The contents of files: from the properties, or streamed from S3, so that a large one needs no memory.

Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from threadrun.errors import TerminalError, ThreadRunError, TransientError
from threadrun.schema.files import MAX_FILE_BYTES, DesiredFile, split_source
from threadrun.state.observations import Content
from threadrun.storage.records import error_code

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CHUNK_BYTES = 1_048_576
_REFUSALS = {
    "404": "there is no such object, or no such version of it",
    "NoSuchKey": "there is no such object",
    "NoSuchVersion": "there is no such version of it",
    "403": "access is denied: the policies of the bucket and of its KMS key have to let the application's role "
    "read it; an object that does not exist is refused in the same way",
    "AccessDenied": "access is denied",
    "NoSuchBucket": "there is no such bucket",
    "400": "the version is not one of S3's",
}
"""What S3 says of an object that cannot be read; a HEAD gets no body, and so the status only."""


class FileSources:
    """Reads what is to be uploaded. `connect` gives the client of S3, `clock` Unix seconds."""

    def __init__(self, connect: Callable[[], S3Client], clock: Callable[[], float]) -> None:
        self._connect, self._clock = connect, clock

    def measure(self, desired: DesiredFile) -> Content:
        """How large it is. Raises `TerminalError` where it cannot be read, or is too large."""
        if desired.source is None:
            return Content(len(desired.inline()))
        with _translated(desired.source):
            head = self._connect().head_object(**_object(desired))
        size = int(head["ContentLength"])
        if size > MAX_FILE_BYTES:
            raise TerminalError(f"source: {desired.source} has {size} bytes, at most {MAX_FILE_BYTES} are possible")
        return Content(size, head["ETag"])

    def open(self, desired: DesiredFile, content: Content, until_epoch_s: float) -> SourceStream:
        """Its content as a stream, which fails at this time; with its digest once it was read."""
        if desired.source is None:
            return SourceStream(lambda: io.BytesIO(desired.inline()), content.size_bytes, lambda: False)
        source, asked = desired.source, _object(desired) | {"IfMatch": content.etag}

        def get() -> Any:
            with _translated(source):
                return self._connect().get_object(**asked)["Body"]

        return SourceStream(get, content.size_bytes, lambda: self._clock() >= until_epoch_s)


class SourceStream(io.RawIOBase):
    """What httpx takes for a file: it asks for the length, and reads once from the beginning, or again for a retry."""

    def __init__(self, get: Callable[[], Any], size_bytes: int, is_late: Callable[[], bool]) -> None:
        self._get, self._size_bytes, self._is_late = get, size_bytes, is_late
        self._body: Any = None
        self._digest, self._read_bytes = hashlib.sha256(), 0
        self.problem: ThreadRunError | None = None
        """Why it could not be read to its end: the HTTP client has no room for that in its own errors."""

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def tell(self) -> int:
        return self._read_bytes

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """To the end, for the length, without reading; or to the beginning."""
        if whence == io.SEEK_END:
            return self._size_bytes
        if offset == 0 and self._read_bytes:
            self._body, self._digest, self._read_bytes = None, hashlib.sha256(), 0
        return offset

    def read(self, size: int = -1) -> bytes:
        try:
            if self._is_late():
                raise TransientError(
                    f"the upload was too slow: {self._read_bytes} of {self._size_bytes} bytes were read in its time"
                )
            if self._body is None:
                self._body = self._get()
            with _translated("the content"):
                chunk: bytes = self._body.read(size)
            self._read_bytes += len(chunk)
            if self._read_bytes > self._size_bytes or (not chunk and self._read_bytes < self._size_bytes):
                raise TransientError(
                    f"the content has another size than the {self._size_bytes} bytes that were measured"
                )
        except ThreadRunError as problem:
            self.problem = problem
            raise
        self._digest.update(chunk)
        return chunk

    def read_all(self) -> str:
        """Read it to its end; returns the digest."""
        while self.read(CHUNK_BYTES):
            pass
        return self.sha256

    def close(self) -> None:
        with suppress(AttributeError):
            self._body.close()
        super().close()


def _object(desired: DesiredFile) -> dict[str, Any]:
    bucket, key = split_source(desired.source or "")
    version = {"VersionId": desired.source_version} if desired.source_version else {}
    return {"Bucket": bucket, "Key": key, **version}


@contextmanager
def _translated(what: str) -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        code = error_code(error)
        if code in _REFUSALS:
            raise TerminalError(f"source: cannot read {what}: {_REFUSALS[code]} ({code})") from None
        raise TransientError(f"cannot read {what}: {code}") from None
    except BotoCoreError as error:
        raise TransientError(f"cannot read {what}: {error_code(error)}") from None
