"""Texts at and beyond the limits: an answer has 4,096 bytes, an item of the table 400 kB, an output any size."""

from __future__ import annotations

import json

import pytest

from local.openai_standin import Script
from testkit.in_process.aws import aws
from testkit.in_process.cloud import BUCKET
from testkit.in_process.world import World
from tests.support.runs import PROPERTIES, attributes, delete_all, failure
from threadrun.cloudformation.response import MAX_BODY_BYTES

pytestmark = pytest.mark.on_moto  # The bucket is moto's, and the table's limits.
MEGABYTE = "Grüße aus Köln ✓ " * 50_000


def bucket_keys() -> list[str]:
    return [each["Key"] for each in aws("s3").list_objects_v2(Bucket=BUCKET).get("Contents", [])]


def test_point_06_an_output_of_a_megabyte_is_kept_whole_and_shortened_in_the_answer(world: World) -> None:
    assert len(MEGABYTE.encode()) > 1_000_000
    world.openai.script(Script(output_text=MEGABYTE))
    answer = world.create(PROPERTIES)
    data = attributes(answer)
    assert data["output_truncated"] == "true"
    assert MEGABYTE.startswith(data["output_text"].removesuffix("..."))
    assert len(world.url.bodies[-1]) <= MAX_BODY_BYTES

    [item] = world.public_items().values()
    assert MEGABYTE.startswith(item["output_text"]["S"])
    assert len(item["output_text"]["S"].encode()) > 99_000
    bucket, _, key = item["output_s3_uri"]["S"].removeprefix("s3://").partition("/")
    kept = aws("s3").get_object(Bucket=bucket, Key=key)["Body"].read().decode()
    assert kept == MEGABYTE

    delete_all(world, answer)
    assert bucket_keys() == []


def test_point_06_keys_of_a_large_json_output_are_kept_whole_or_not_at_all(world: World) -> None:
    output = {"verdict": "yes", "essay": "ä" * 300_000, "score": 7}
    world.openai.script(Script(output_text=json.dumps(output)))
    answer = world.create(PROPERTIES)
    assert answer["Data"]["output.verdict"] == "yes"
    assert answer["Data"]["output_truncated"] == "true"
    [item] = world.public_items().values()
    assert item["output"] == {"M": {"verdict": {"S": "yes"}}}, "what comes after the one too large is not there either"


def test_point_06_an_output_that_fits_the_item_is_in_no_bucket(world: World) -> None:
    world.openai.script(Script(output_text="x" * 190_000))
    world.create(PROPERTIES)
    [item] = world.public_items().values()
    assert item["output_text"]["S"] == "x" * 190_000
    assert item["output_s3_uri"] == {"NULL": True}
    assert bucket_keys() == []


def test_point_06_an_error_message_of_40_kilobytes_is_shortened(world: World) -> None:
    world.openai.script(Script(error=("server_error", "Ü" * 20_000)))
    answer = world.create(PROPERTIES)
    assert failure(answer).endswith("Ü...")
    assert MAX_BODY_BYTES - 3 < len(world.url.bodies[-1]) <= MAX_BODY_BYTES
    delete_all(world, answer)
