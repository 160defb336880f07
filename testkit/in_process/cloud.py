"""AWS in memory, for every client of this process.

botocore checks each request and raises each error as ever; what it would sign and send is answered by a function here.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from types import SimpleNamespace, TracebackType
from typing import Any

from botocore.handlers import BUILTIN_HANDLERS

from testkit.memory.refusals import Refusal
from testkit.memory.table import MemoryTable

Operation = Callable[..., dict[str, Any] | None]
"""Gets the parameters of the client's call; returns its reply, or raises `Refusal`."""
BUCKET = "threadrun-outputs"
SECRET_ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:key"
TOOL_SECRET_ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:mcp-{}"
"""Of a secret that tools may name."""
_PARAMETERS = "testkit parameters"


class Cloud:
    """What answers AWS's clients while a block lasts, by operation, as in `lambda.Invoke`.

    Any other operation is refused, or left to moto where it `falls_through`.
    """

    def __init__(self, *, falls_through: bool = False) -> None:
        self.operations: dict[str, Operation] = {}
        self.falls_through = falls_through

    def __enter__(self) -> Cloud:
        _open.append(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        _open.remove(self)

    def answer(self, operation: str, parameters: dict[str, Any]) -> Any:
        """The reply and its body in botocore's form; None where somebody else answers."""
        answered = self.operations.get(operation)
        if answered is None and self.falls_through:
            return None
        if answered is None:
            raise NotImplementedError(f"nothing answers {operation}")
        try:
            status, body = 200, answered(**parameters) or {}
        except Refusal as refusal:
            status, body = refusal.status, dict(refusal.response)
        return SimpleNamespace(status_code=status), {"ResponseMetadata": {"HTTPStatusCode": status}} | body


_open: list[Cloud] = []


def _note_parameters(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
    context[_PARAMETERS] = dict(params)  # As they are before botocore adds its own.


def _answer(event_name: str, context: dict[str, Any], **_: Any) -> Any:
    return _open[-1].answer(event_name.partition(".")[2], context[_PARAMETERS]) if _open else None


# Every client of a session that is made from now on has them.
BUILTIN_HANDLERS.append(("provide-client-params", _note_parameters))
BUILTIN_HANDLERS.append(("before-call", _answer))


class Account:
    """What the application has in AWS besides its functions and its state machine: a table, a bucket, a secret."""

    def __init__(self, cloud: Cloud, table: str, secret: str) -> None:
        self.table = MemoryTable(table)
        self.objects: dict[str, bytes] = {}
        self.secret_arn = SECRET_ARN
        self._secrets = {SECRET_ARN: secret}
        cloud.operations |= {
            "dynamodb.GetItem": self.table.get_item,
            "dynamodb.PutItem": self.table.put_item,
            "dynamodb.UpdateItem": self.table.update_item,
            "dynamodb.DeleteItem": self.table.delete_item,
            "dynamodb.Query": self.table.query,
            "dynamodb.Scan": self.table.scan,
            "s3.PutObject": self._put_object,
            "s3.DeleteObject": self._delete_object,
            "s3.ListObjectsV2": self._list_objects,
            "secrets-manager.GetSecretValue": self._get_secret,
            "secrets-manager.PutSecretValue": self._put_secret,
            "secrets-manager.DeleteSecret": self._delete_secret,
            "eventbridge.PutEvents": self._put_events,
        }

    def _put_object(self, *, Bucket: str, Key: str, Body: bytes, ContentType: str) -> None:
        self.objects[Key] = Body

    def _delete_object(self, *, Bucket: str, Key: str) -> None:
        self.objects.pop(Key, None)

    def _list_objects(self, *, Bucket: str) -> dict[str, Any]:
        return {"KeyCount": len(self.objects), "Contents": [{"Key": key} for key in self.objects]}

    def _get_secret(self, *, SecretId: str) -> dict[str, Any]:
        if SecretId not in self._secrets:
            raise Refusal("ResourceNotFoundException")
        return {"ARN": SecretId, "SecretString": self._secrets[SecretId]}

    def _put_secret(self, *, SecretId: str, SecretString: str) -> None:
        self._secrets[SecretId] = SecretString

    def _delete_secret(self, *, SecretId: str, ForceDeleteWithoutRecovery: bool) -> None:
        del self._secrets[SecretId]

    def _put_events(self, *, Entries: list[dict[str, Any]]) -> dict[str, Any]:
        return {"FailedEntryCount": 0, "Entries": [{"EventId": str(uuid.uuid4())} for _ in Entries]}
