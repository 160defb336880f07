"""Objects in buckets of the user's, for the application to read."""

from __future__ import annotations

import hashlib
from io import BytesIO
from typing import Any

from botocore.response import StreamingBody

from testkit.in_process.cloud import Cloud
from testkit.memory.refusals import Refusal

READABLE = "documents"
"""The bucket that the application may read."""


class S3Objects:
    """What S3 answers for them: as strict about versions and conditions as it is."""

    def __init__(self, cloud: Cloud) -> None:
        self._found: dict[tuple[str, str, str], bytes] = {}
        self.problems: list[Refusal] = []
        """What the next requests are refused with."""
        if not cloud.falls_through:  # Moto has buckets of its own.
            cloud.operations |= {"s3.HeadObject": self._head, "s3.GetObject": self._get}

    def put(self, key: str, body: bytes, version: str = "") -> str:
        """Put an object into the bucket; returns its URI."""
        self._found[READABLE, key, ""] = self._found[READABLE, key, version] = body
        return f"s3://{READABLE}/{key}"

    def _head(self, *, Bucket: str, Key: str, VersionId: str = "") -> dict[str, Any]:
        if self.problems:
            raise self.problems.pop(0)
        if (body := self._found.get((Bucket, Key, VersionId))) is None:
            raise Refusal("404", status=404)
        return {"ContentLength": len(body), "ETag": f'"{hashlib.sha256(body).hexdigest()[:32]}"'}

    def _get(self, *, Bucket: str, Key: str, IfMatch: str, VersionId: str = "") -> dict[str, Any]:
        head = self._head(Bucket=Bucket, Key=Key, VersionId=VersionId)
        if IfMatch != head["ETag"]:
            raise Refusal("PreconditionFailed", status=412)
        body = self._found[Bucket, Key, VersionId]
        return head | {"Body": StreamingBody(BytesIO(body), len(body))}
