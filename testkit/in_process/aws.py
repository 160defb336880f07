"""AWS's clients in this process."""

from __future__ import annotations

import functools
from typing import Any

import boto3
from botocore.config import Config


@functools.cache
def aws(service: str) -> Any:
    """A client, made once for all tests: making one takes longer than most tests."""
    client: Any = boto3.client
    # With the user agent given: making one up takes longer than the call.
    return client(service, region_name="us-east-1", config=Config(user_agent="testkit"))
