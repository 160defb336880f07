"""What an AWS service in memory refuses, as its client raises it."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError


class Refusal(ClientError):
    """The service refuses the request, for the reason of this code."""

    def __init__(self, code: str, message: str = "", status: int = 400) -> None:
        response: Any = {
            "Error": {"Code": code, "Message": message},
            "ResponseMetadata": {"HTTPStatusCode": status},
        }
        super().__init__(response, "of the testkit")
        self.status = status


class Invalid(Refusal):
    """DynamoDB refuses the request, whatever there is in the table."""

    def __init__(self, message: str) -> None:
        super().__init__("ValidationException", message)
