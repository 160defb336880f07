"""Texts at and beyond the limits: an answer has 4,096 bytes, an item of the table 400 kB, an output any size."""

from __future__ import annotations

import json

import pytest

from local.openai_standin import Script
from testkit.in_process.aws import aws
from testkit.in_process.cloud import BUCKET
from testkit.in_process.world import World
from tests.support.runs import NOTHING, PROPERTIES, left_at_openai
from threadrun.cloudformation.response import MAX_BODY_BYTES

MEGABYTE = "Grüße aus Köln ✓ " * 50_000


@pytest.fixture
def on_moto() -> bool:
    """The bucket is moto's, and the table's limits."""
    return True


def bucket_keys() -> list[str]:
    return [each["Key"] for each in aws("s3").list_objects_v2(Bucket=BUCKET).get("Contents", [])]


def test_an_output_of_a_megabyte_is_kept_whole_and_shortened_in_the_answer(world: World) -> None:
    assert len(MEGABYTE.encode()) > 1_000_000
    world.openai.script(Script(output_text=MEGABYTE))
    answer = world.create(PROPERTIES)
    assert answer["Status"] == "SUCCESS", answer
    assert answer["Data"]["output_truncated"] == "true"
    assert MEGABYTE.startswith(answer["Data"]["output_text"].removesuffix("…"))
    assert len(world.url.bodies[-1]) <= MAX_BODY_BYTES

    [item] = world.public_items().values()
    assert MEGABYTE.startswith(item["output_text"]["S"])
    assert len(item["output_text"]["S"].encode()) > 99_000
    bucket, _, key = item["output_s3_uri"]["S"].removeprefix("s3://").partition("/")
    kept = aws("s3").get_object(Bucket=bucket, Key=key)["Body"].read().decode()
    assert kept == MEGABYTE

    world.delete(answer["PhysicalResourceId"])
    assert bucket_keys() == []
    assert left_at_openai(world) == NOTHING


def test_keys_of_a_large_json_output_are_kept_whole_or_not_at_all(world: World) -> None:
    output = {"verdict": "yes", "essay": "ä" * 300_000, "score": 7}
    world.openai.script(Script(output_text=json.dumps(output)))
    answer = world.create(PROPERTIES)
    assert answer["Data"]["output.verdict"] == "yes"
    assert answer["Data"]["output_truncated"] == "true"
    [item] = world.public_items().values()
    assert item["output"] == {"M": {"verdict": {"S": "yes"}}}, "what comes after the one too large is not there either"


def test_an_output_that_fits_the_item_is_in_no_bucket(world: World) -> None:
    world.openai.script(Script(output_text="x" * 190_000))
    world.create(PROPERTIES)
    [item] = world.public_items().values()
    assert item["output_text"]["S"] == "x" * 190_000
    assert item["output_s3_uri"] == {"NULL": True}
    assert bucket_keys() == []


def test_answers_of_4096_and_of_4097_bytes_of_multibyte_text(world: World) -> None:
    """The first is sent as it is; of the second only the text is shortened, between characters."""
    world.openai.script(Script(output_text="", usage=(21, 7)))
    world.create(PROPERTIES, logical_id="Run0")
    room = MAX_BODY_BYTES - len(world.url.bodies[-1])
    fitting = "é" * (room // 2) + "x" * (room % 2)
    for number, (text, is_cut) in enumerate([(fitting, "false"), (fitting + "x", "true")], start=1):
        world.openai.script(Script(output_text=text, usage=(21, 7)))
        answer = world.create(PROPERTIES, logical_id=f"Run{number}")
        assert answer["Data"]["output_truncated"] == is_cut
        assert MAX_BODY_BYTES - 3 < len(world.url.bodies[-1]) <= MAX_BODY_BYTES
    assert answer["Data"]["output_text"] == text[: len(answer["Data"]["output_text"]) - 1] + "…"


def test_an_error_message_of_40_kilobytes_is_shortened(world: World) -> None:
    world.openai.script(Script(error=("server_error", "Ü" * 20_000)))
    answer = world.create(PROPERTIES)
    assert answer["Status"] == "FAILED"
    assert answer["Reason"].endswith("Ü…")
    assert MAX_BODY_BYTES - 3 < len(world.url.bodies[-1]) <= MAX_BODY_BYTES
    assert world.delete(answer["PhysicalResourceId"])["Status"] == "SUCCESS"
