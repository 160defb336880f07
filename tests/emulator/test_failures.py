"""What `make stacks` adds to the embedded cloud: DynamoDB fails in its own words, and functions are killed at work."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from local.embedded_cloud import EmbeddedCloud
from tests.emulator.deployment import Deployment

NAME, SCHEMA = "table", [{"AttributeName": "pk", "KeyType": "HASH"}]
SLOW = "import time\ndef handler(event, context):\n    time.sleep(0.2)\n    return event"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedCloud]:
    folder = tmp_path_factory.mktemp("failing")
    with EmbeddedCloud(state_directory=folder, patches=["testkit.emulator.failures"]) as cloud:
        yield cloud


def test_three_in_a_hundred_calls_of_dynamodb_fail_before_their_effect_or_after_it(cloud: EmbeddedCloud) -> None:
    given = {name.lower(): value for name, value in cloud.environment().items() if name.startswith("AWS_")}
    keys = {name: given[name] for name in ("aws_access_key_id", "aws_secret_access_key")}
    once = Config(retries={"total_max_attempts": 1})
    table = boto3.client("dynamodb", cloud.region, endpoint_url=cloud.endpoint, config=once, **keys)
    attributes = [{"AttributeName": "pk", "AttributeType": "S"}]
    table.create_table(TableName=NAME, KeySchema=SCHEMA, AttributeDefinitions=attributes, BillingMode="PAY_PER_REQUEST")
    failed = {}
    for number in range(200):
        try:
            table.put_item(TableName=NAME, Item={"pk": {"S": str(number)}})
        except ClientError as error:
            failed[str(number)] = error.response["Error"]["Code"]
    assert Counter(failed.values()) == {"ThrottlingException": 3, "InternalServerError": 3}
    there = {item["pk"]["S"] for item in table.scan(TableName=NAME)["Items"]}
    assert {number for number in failed if number in there} == {
        number for number, code in failed.items() if code == "InternalServerError"
    }


def test_a_function_is_killed_while_it_works_and_works_again(cloud: EmbeddedCloud) -> None:
    aws = Deployment(cloud, "700000000901")
    aws.create_function("slow", SLOW)
    invoked = [aws.client("lambda").invoke(FunctionName="slow", Payload=b"{}") for _ in range(13)]
    errors = [json.loads(each["Payload"].read())["errorType"] for each in invoked if "FunctionError" in each]
    assert errors == ["Runtime.ExitError"] * 2
    assert Path(str(cloud.state_directory), "failures.log").read_text().splitlines()[-1] == "killed slow"
