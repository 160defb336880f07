"""IAM's condition keys of PutEvents, which stock ministack does not know."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local.embedded_cloud import EmbeddedCloud

CONDITION = {"StringEquals": {"events:source": "threadrun", "events:detail-type": "Known"}}


@pytest.fixture
def events() -> Iterator[Any]:
    """EventBridge for a user who may put events of one source and type only."""
    with EmbeddedCloud(iam_enforced=True) as cloud:
        iam, account = cloud.client("iam"), cloud.client("sts").get_caller_identity()["Account"]
        bus = f"arn:aws:events:{cloud.region}:{account}:event-bus/default"
        statement = {"Effect": "Allow", "Action": "events:PutEvents", "Resource": bus, "Condition": CONDITION}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.create_user(UserName="one")
        iam.put_user_policy(UserName="one", PolicyName="events", PolicyDocument=policy)
        key = iam.create_access_key(UserName="one")["AccessKey"]
        yield boto3.client(
            "events",
            endpoint_url=cloud.endpoint,
            region_name=cloud.region,
            aws_access_key_id=key["AccessKeyId"],
            aws_secret_access_key=key["SecretAccessKey"],
        )


def test_events_of_another_source_or_type_are_refused(events: Any) -> None:
    def put(source: str, kind: str) -> int:
        reply = events.put_events(Entries=[{"Source": source, "DetailType": kind, "Detail": "{}"}])
        return int(reply["FailedEntryCount"])

    assert put("threadrun", "Known") == 0
    for source, kind in (("another", "Known"), ("threadrun", "Another")):
        with pytest.raises(ClientError, match="AccessDenied"):
            put(source, kind)
    mixed = [{"Source": source, "DetailType": "Known", "Detail": "{}"} for source in ("threadrun", "another")]
    with pytest.raises(ClientError, match="AccessDenied"):
        events.put_events(Entries=mixed)
