"""The application's part of AWS, as moto has it: another judge than the memory, and a bus with rules."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from moto import mock_aws

from testkit.in_process.aws import aws
from testkit.in_process.cloud import BUCKET, Cloud
from testkit.state_machine import TABLE
from testkit.template import template

_CONFIG: Any = {"core": {"service_whitelist": None}}


@contextmanager
def cloud_on_moto(secret: str) -> Iterator[tuple[Cloud, str]]:
    """A table, a bucket and a secret; gives the ARN of the secret, too."""
    with mock_aws(config=_CONFIG), Cloud(falls_through=True) as cloud:
        create_table()
        aws("s3").create_bucket(Bucket=BUCKET)
        yield cloud, aws("secretsmanager").create_secret(Name="key", SecretString=secret)["ARN"]


def create_table(name: str = TABLE) -> None:
    """As the template has it."""
    table = template()["Resources"]["Table"]["Properties"]
    asked = ("KeySchema", "AttributeDefinitions", "GlobalSecondaryIndexes", "BillingMode")
    aws("dynamodb").create_table(TableName=name, **{name: table[name] for name in asked})


def subscribe(pattern: dict[str, Any]) -> None:
    """Have a rule on the default bus bring what matches to a queue."""
    queue = aws("sqs").create_queue(QueueName="events")["QueueUrl"]
    arn = aws("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    aws("events").put_rule(Name="events", EventPattern=json.dumps(pattern))
    aws("events").put_targets(Rule="events", Targets=[{"Id": "queue", "Arn": arn}])


def received_events() -> list[dict[str, Any]]:
    """What the rule has brought since the last look."""
    queue, found = aws("sqs").get_queue_url(QueueName="events")["QueueUrl"], []
    while messages := aws("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            found.append(json.loads(message["Body"]))
            aws("sqs").delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    return found
