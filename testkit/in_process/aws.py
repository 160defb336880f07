"""AWS's clients in this process."""

from __future__ import annotations

import functools
from typing import Any

import boto3


@functools.cache
def aws(service: str) -> Any:
    """A client, made once for all tests: making one takes longer than most tests."""
    client: Any = boto3.client
    return client(service, region_name="us-east-1")
