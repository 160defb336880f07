"""The twelve points at which custom resources usually break, each with its tests; the number is in the name.

1 Delete during Create, 2 the same request again, 3 a newer request (tests/crashes has them come at every point of a
request, and breaks every single call), 4 ids of failures, 5 updates and their failures, 6 the answer's size,
7 answers that are not taken, 8 transient errors, 9 secrets (tests/lives/test_events_and_metrics.py), 10 deadlines,
11 whatever else fails (tests/lives/test_responder.py), 12 earlier versions (tests/upgrade).
"""

import itertools
import json
import random
import re
from collections import defaultdict
from typing import Any

import pytest

from local.openai_standin import Fault, Script
from testkit.in_process.aws import aws
from testkit.in_process.cloud import BUCKET
from testkit.in_process.cloudformation import STACK_ID
from testkit.in_process.world import World
from tests.support.runs import (
    PROPERTIES,
    alive,
    attributes,
    delete_all,
    each_server,
    each_wire,
    failure,
    left_at_openai,
    runs_started,
)
from threadrun.cloudformation.delivery import MAX_BODY_BYTES
from threadrun.reconcile.once import START_GRACE_SECONDS
from threadrun.schema.parsing import MIN_SERVICE_TIMEOUT_SECONDS
from threadrun.state.resource import resource_key

STARTS = {"responses": "/v1/responses", "assistants": "/v1/threads/.*/runs"}


def test_point_01_a_create_delivered_after_its_delete_starts_nothing_and_one_sent_after_it_does(world: World) -> None:
    """Lambda may hold an event back for hours, and repeat it; the stack is gone by then, or the resource is back."""
    create = world.event("Create", PROPERTIES)
    world.clock.advance(60)
    world.delete("example-Run-1ABCDEF")
    world.clock.advance(3600)
    for _ in range(2):
        world.invoke("custom_resource", create)
    world.settle()
    assert (world.openai.requests, world.sweep()) == ([], 0)
    assert len(world.url.answers) == 1, "nobody waits for its answer any more"
    attributes(world.create(PROPERTIES))


@each_server
def test_point_02_a_repeated_request_gets_the_same_answer(world: World, properties: dict[str, Any]) -> None:
    """Lambda delivers an event at least once; after its end CloudFormation has another URL for it."""
    event = world.event("Create", properties)
    world.invoke("custom_resource", event)
    first = world.send(event)
    again = world.send(event | {"ResponseURL": world.url.new(world.clock())})
    assert (again, runs_started(world)) == (first, 1)


@each_server
def test_point_04_a_failed_create_names_the_run_and_its_delete_cleans_up(
    world: World, properties: dict[str, Any]
) -> None:
    world.openai.script(Script(error=("invalid_prompt", "The model had a bad day.")))
    failed = world.create(properties)
    assert re.search(r"ended as `failed`; .*: The model had a bad day\. \(invalid_prompt\)", failure(failed))
    assert failed["PhysicalResourceId"].startswith(("conv_", "chain_", "thread_"))
    delete_all(world, failed)


def test_point_04_deleting_an_unknown_id_is_success_and_changes_nothing(world: World) -> None:
    """The record of a run may be gone: the server is asked for it by its id."""
    made = world.create(PROPERTIES, logical_id="Another")
    before = alive(world)
    assert world.delete("conv_unknown:resp_unknown")["Status"] == "SUCCESS"
    assert alive(world) == before
    delete_all(world, made)
    world.openai.forget_requests()
    assert world.delete("not-created-1")["Status"] == "SUCCESS"
    assert world.openai.requests == []


@each_server
def test_point_05_a_failed_update_rolls_back_to_the_old_run_and_clears_the_new_one(
    world: World, properties: dict[str, Any]
) -> None:
    """The emulator and AWS differ in which ids they delete after it: nothing may be left either way."""
    old = world.create(properties)
    one = left_at_openai(world)
    world.openai.script(Script(error=("invalid_prompt", "no")))
    failed = world.update(old["PhysicalResourceId"], properties | {"instructions": "Be brief."})
    assert "ended as `failed`" in failure(failed)
    assert failed["PhysicalResourceId"] != old["PhysicalResourceId"], "the replacement was made"
    back = world.update(failed["PhysicalResourceId"], properties)
    assert back["PhysicalResourceId"] == old["PhysicalResourceId"]
    assert left_at_openai(world) == one
    assert world.delete(failed["PhysicalResourceId"])["Status"] == "SUCCESS"
    assert left_at_openai(world) == one
    assert runs_started(world) == 2


@each_server
def test_point_05_a_refused_update_keeps_the_old_id(world: World, properties: dict[str, Any]) -> None:
    old = world.create(properties)
    one = left_at_openai(world)
    failed = world.update(old["PhysicalResourceId"], properties | {"model": "no-such-model"})
    assert "no-such-model" in failure(failed)
    assert failed["PhysicalResourceId"] == old["PhysicalResourceId"]
    world.update(old["PhysicalResourceId"], properties)
    assert left_at_openai(world) == one, "the thread of the refused run is gone"


def bucket_keys() -> list[str]:
    return [each["Key"] for each in aws("s3").list_objects_v2(Bucket=BUCKET).get("Contents", [])]


@pytest.mark.on_moto  # The bucket is moto's, and the table's limits.
def test_point_06_an_output_of_a_megabyte_is_kept_whole_and_shortened_in_the_answer(world: World) -> None:
    text = "Grüße aus Köln ✓ " * 50_000
    assert len(text.encode()) > 1_000_000
    world.openai.script(Script(output_text=text))
    answer = world.create(PROPERTIES)
    data = attributes(answer)
    assert data["output_truncated"] == "true"
    assert text.startswith(data["output_text"].removesuffix("..."))
    assert len(world.url.bodies[-1]) <= MAX_BODY_BYTES
    [item] = world.public_items().values()
    assert text.startswith(item["output_text"]["S"])
    assert len(item["output_text"]["S"].encode()) > 99_000
    bucket, _, key = item["output_s3_uri"]["S"].removeprefix("s3://").partition("/")
    kept = aws("s3").get_object(Bucket=bucket, Key=key)["Body"].read().decode()
    assert kept == text
    delete_all(world, answer)
    assert bucket_keys() == []


@pytest.mark.on_moto  # The bucket is moto's, and the table's limits.
def test_point_06_keys_of_a_large_json_output_are_kept_whole_or_not_at_all(world: World) -> None:
    output = {"verdict": "yes", "essay": "ä" * 300_000, "score": 7}
    world.openai.script(Script(output_text=json.dumps(output)))
    answer = world.create(PROPERTIES)
    assert answer["Data"]["output.verdict"] == "yes"
    assert answer["Data"]["output_truncated"] == "true"
    [item] = world.public_items().values()
    assert item["output"] == {"M": {"verdict": {"S": "yes"}}}, "what comes after the one too large is not there either"


@pytest.mark.on_moto  # The bucket is moto's, and the table's limits.
def test_point_06_an_output_that_fits_the_item_is_in_no_bucket(world: World) -> None:
    world.openai.script(Script(output_text="x" * 190_000))
    world.create(PROPERTIES)
    [item] = world.public_items().values()
    assert item["output_text"]["S"] == "x" * 190_000
    assert item["output_s3_uri"] == {"NULL": True}
    assert bucket_keys() == []


@each_server
@pytest.mark.parametrize("characters", [20_000, 2_000_000])
def test_point_06_an_error_message_of_any_length_is_shortened(
    world: World, properties: dict[str, Any], characters: int
) -> None:
    """One of megabytes would leave the record no room."""
    world.openai.script(Script(error=("invalid_prompt", "Ü" * characters)))
    answer = world.create(properties)
    assert failure(answer).endswith("Ü...")
    assert MAX_BODY_BYTES - 3 < len(world.url.bodies[-1]) <= MAX_BODY_BYTES
    delete_all(world, answer)


@pytest.mark.parametrize("refusals", [[403, 500, 503], [500] * 7], ids=["at once", "by a later try"])
def test_point_07_an_answer_that_is_not_taken_is_sent_again(world: World, refusals: list[int]) -> None:
    """A 403 is a failure too; the answer stays the same."""
    world.url.refusals += refusals
    attributes(world.create(PROPERTIES))


def test_point_07_a_success_that_is_not_accepted_for_minutes_stays_one(world: World) -> None:
    """The state machine goes on sending what was decided."""
    began = world.clock()
    world.url.refusals += [403] * 80
    attributes(world.create(PROPERTIES))
    assert world.clock() - began > 120
    assert [execution.status for execution in world.states.executions] == ["SUCCEEDED"]
    assert world.public_items()


def test_point_08_an_outage_of_two_minutes_fails_nothing(world: World) -> None:
    """Every call is refused or cut off, in the middle of a run of ten minutes."""
    world.openai.script(Script(duration_s=600))
    began = world.clock()
    outage: Any = {"begins_at": began + 60, "ends_at": began + 180}
    world.openai.fault(
        Fault("*", ".*", "status", status=503, times=1, **outage), Fault("*", ".*", "reset", times=None, **outage)
    )
    attributes(world.create(PROPERTIES | {"ServiceTimeout": "900"}))
    assert runs_started(world) == 1
    looks = [each.time - began for each in world.openai.requests if each.method == "GET"]
    assert sum(60 <= look < 180 for look in looks) > 3


@each_server
def test_point_08_a_rate_limit_is_obeyed(world: World, properties: dict[str, Any]) -> None:
    world.openai.fault(Fault("POST", STARTS[world.wire], "status", status=429, retry_after=120, times=2))
    began = world.clock()
    attributes(world.create(properties))
    assert world.clock() - began >= 240
    assert runs_started(world) == 1


def test_point_08_an_account_with_few_starts_a_minute_starts_all_in_the_end(world: World) -> None:
    """5 runs can start in each 10 seconds: whoever is refused is told to wait as long."""
    for begins_at in (world.clock.BEGIN + 10 * number for number in range(30)):
        window: Any = {"begins_at": begins_at, "ends_at": begins_at + 10, "after": 5, "times": None}
        world.openai.fault(Fault("POST", STARTS["responses"], "status", status=429, retry_after=10, **window))
    world.app.jitter = random.Random(11).random
    for number in range(20):
        properties = PROPERTIES | {"metadata": {"run": str(number)}}
        world.deliver(world.event("Create", properties, logical_id=str(number)))
    world.settle()
    assert [answer["Status"] for answer in world.url.answers] == ["SUCCESS"] * 20
    assert runs_started(world) == 20
    tries = defaultdict(list)
    for request in world.openai.requests:
        if (request.method, request.path) == ("POST", STARTS["responses"]):
            tries[request.body["metadata"]["run"]].append(request.time - world.clock.BEGIN)
    assert max(map(len, tries.values())) > 2
    for times in tries.values():
        for refused, again in itertools.pairwise(times):
            assert again >= refused + 10
    assert world.openai.counters()["max_concurrent_per_conversation"] == 1


@each_wire
@pytest.mark.parametrize(
    ("kind", "seconds"),
    [("lost_reply", 5), ("lost_reply", 100), ("garbage", 5), ("garbage", 100), ("drip", 5), ("late_status", 5)],
)
def test_point_08_a_lost_reply_does_not_start_a_second_run(
    world: World, properties: dict[str, Any], kind: str, seconds: int
) -> None:
    """The thread itself proves that the run was started and ended, or by its lock that the run is alive."""
    world.openai.script(Script(output_text="Found again.", duration_s=seconds))
    world.openai.fault(Fault("POST", STARTS[world.wire], kind, seconds=10, status=408, code="Timeout"))
    answer = world.create(properties)
    assert attributes(answer)["output_text"] == "Found again."
    assert runs_started(world) == 1
    world.delete(answer["PhysicalResourceId"])
    assert left_at_openai(world)["conversations"] + left_at_openai(world)["threads"] == 0


@each_wire
def test_point_08_half_an_answer_whose_start_got_no_reply_is_no_success(
    world: World, wire: str, properties: dict[str, Any]
) -> None:
    world.openai.script(Script(incomplete_reason="max_output_tokens", output_text="Drop nothing, and"))
    world.openai.fault(Fault("POST", STARTS[wire], "lost_reply"))
    given = properties | {"max_completion_tokens": "300"}
    answer = world.create(given)
    assert "ended as `incomplete`; only `completed` is accepted: incomplete " in failure(answer)
    assert runs_started(world) == 1
    assert world.delete(answer["PhysicalResourceId"])["Status"] == "SUCCESS"


@pytest.mark.parametrize("seconds", [20, 100])
def test_point_08_a_run_that_is_still_writing_its_items_is_neither_taken_for_ended_nor_started_again(
    world: World, seconds: int
) -> None:
    """OpenAI shows the items of an ended run only; what else speaks this API may show them earlier."""
    world.openai.script(Script(output_text="All of it."))
    world.openai.fault(Fault("POST", STARTS["responses"], "lost_reply"))
    place, ends_at = ("data", -1, "status"), world.clock() + seconds
    shown = Fault("GET", ".*/items", "odd", place=place, odd_value="in_progress", times=None, ends_at=ends_at)
    world.openai.fault(shown)
    began = world.clock()
    assert attributes(world.create(PROPERTIES))["output_text"] == "All of it."
    assert runs_started(world) == 1
    assert world.clock() - began >= seconds


@each_wire
@pytest.mark.parametrize("kind", ["status", "reset"])
def test_point_08_a_start_that_never_arrived_is_made_again(world: World, properties: dict[str, Any], kind: str) -> None:
    """Not before it would have been seen."""
    world.openai.fault(Fault("POST", STARTS[world.wire], kind, status=503))
    data = attributes(world.create(properties))
    assert int(data["created_at"]) >= world.clock.BEGIN + START_GRACE_SECONDS
    assert runs_started(world) == 1


def test_point_09_what_was_said_in_a_request_is_forgotten_with_it(world: World) -> None:
    answer = world.create(PROPERTIES)
    record = world.records.load(resource_key(STACK_ID, "Run"))
    assert record is not None
    [request] = record.requests.values()
    [run] = record.made.values()
    assert request.response_url is None
    assert run.desired is None
    assert "What is a stack" not in record.model_dump_json()
    world.delete(answer["PhysicalResourceId"])
    [item] = world.items().values()
    assert "expires_epoch_s" in item, "the empty record leaves the table by itself"


@each_server
def test_point_10_a_run_over_its_deadline_is_cancelled_and_fails(world: World, properties: dict[str, Any]) -> None:
    world.openai.script(Script(duration_s=300))
    started = world.clock()
    answer = world.create(properties | {"ServiceTimeout": "60"})
    assert "ended as `expired`" in failure(answer)
    assert world.clock() - started < 60
    left = left_at_openai(world)
    assert left["responses_in_flight"] + left["runs_in_flight"] == 0
    delete_all(world, answer)


@each_wire
def test_point_10_the_shortest_time_that_is_possible_is_enough_to_clean_up(
    world: World, properties: dict[str, Any]
) -> None:
    """After a start without a reply, whose run nobody knows at first."""
    shortest = {"ServiceTimeout": str(MIN_SERVICE_TIMEOUT_SECONDS)}
    world.openai.script(Script(duration_s=20))
    world.openai.fault(Fault("POST", STARTS[world.wire], "lost_reply"))
    world.invoke("custom_resource", world.event("Create", properties | shortest))
    began = world.clock()
    assert world.delete("example-Run-1ABCDEF", properties | shortest)["Status"] == "SUCCESS"
    assert world.clock() - began < MIN_SERVICE_TIMEOUT_SECONDS
    assert left_at_openai(world).keys() <= {"responses"}, "that left an item, whose own id nobody knows"


def test_point_10_a_wait_beyond_the_deadline_fails_by_the_deadline_and_says_what_it_waited_for(world: World) -> None:
    world.openai.fault(Fault("POST", STARTS["responses"], "status", status=429, retry_after=300, times=None))
    began = world.clock()
    answer = world.create(PROPERTIES | {"ServiceTimeout": "120"})
    assert world.clock() - began <= 120
    for part in ("could not be started within", "Rate limit reached for requests", "HTTP 429"):
        assert part in failure(answer)
    delete_all(world, answer)


def test_point_10_a_request_delivered_after_its_deadline_starts_nothing(world: World) -> None:
    """Lambda was throttled: CloudFormation's clock ran all the same."""
    event = world.event("Create", PROPERTIES)
    world.clock.advance(700)
    assert "could not be started" in failure(world.send(event))
    assert world.openai.requests == []


def test_point_11_a_broken_reconcile_function_is_answered_as_a_failure(world: World) -> None:
    event = world.event("Create", PROPERTIES)
    world.fail_next["reconcile"] = [KeyError("secret text")]
    answer = world.send(event)
    assert "the reconcile function failed (KeyError)" in failure(answer)
    assert "secret text" not in answer["Reason"]
    delete_all(world, answer)
