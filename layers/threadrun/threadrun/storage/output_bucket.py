"""Outputs that are too large for a table's item, whole, in a bucket: `outputs/<thread_id>/<run_id>.txt`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PREFIX = "outputs/"


class OutputBucket:
    """The bucket of one deployment."""

    def __init__(self, connect: Callable[[], S3Client], name: str) -> None:
        """`connect` gives the client: most runs never need it."""
        self._connect, self._name = connect, name

    def put(self, physical_id: str, text: str) -> str:
        """Keep a run's output; returns where, as `s3://bucket/key`. Putting it again changes nothing."""
        key = f"{PREFIX}{physical_id.replace(':', '/')}.txt"
        self._connect().put_object(
            Bucket=self._name, Key=key, Body=text.encode(), ContentType="text/plain; charset=utf-8"
        )
        return f"s3://{self._name}/{key}"

    def delete(self, uri: str) -> None:
        """Remove an output; one that is gone is no error."""
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        self._connect().delete_object(Bucket=bucket, Key=key)
