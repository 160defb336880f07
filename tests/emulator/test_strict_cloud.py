"""Shows that the emulator is as strict as AWS where stock ministack is kinder: each test fails on stock ministack."""

import itertools
import json
import os
import time
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.parsers import ResponseParserError

from local.embedded_cloud import EmbeddedCloud
from tests.emulator.deployment import Deployment
from tests.support.until import until

_accounts = itertools.count(700000000001)


@pytest.fixture(scope="module")
def cloud() -> Iterator[EmbeddedCloud]:
    # EMBEDDED_CLOUD_STOCK=1 tries the same on stock ministack, which has no control calls under /_strict/ either.
    with EmbeddedCloud(strict="EMBEDDED_CLOUD_STOCK" not in os.environ, retry_seconds=0.2) as running:
        yield running


@pytest.fixture
def aws(cloud: EmbeddedCloud) -> Deployment:
    return Deployment(cloud, str(next(_accounts)))


@pytest.fixture(scope="module")
def shared(cloud: EmbeddedCloud) -> Deployment:
    """One account for tests that differ in one response only, so that the function stays warm."""
    return Deployment(cloud, str(next(_accounts)))


FAILED = {"Status": "FAILED", "Reason": "no such model"}


# --- after a failed Create comes a Delete


def test_failed_create_is_deleted_with_the_id_of_its_response(aws: Deployment) -> None:
    """What a failed Create left behind can only be cleaned up by the Delete that follows it."""
    assert aws.create(Thing=aws.thing(Create={"response": {**FAILED, "PhysicalResourceId": "half-made"}})) == (
        "ROLLBACK_COMPLETE"
    )
    assert [(e["RequestType"], e.get("PhysicalResourceId")) for e in aws.requests()] == [
        ("Create", None),
        ("Delete", "half-made"),
    ]
    assert aws.history("Thing") == ["CREATE_IN_PROGRESS", "CREATE_FAILED", "DELETE_IN_PROGRESS", "DELETE_COMPLETE"]
    assert "Message returned: no such model" in aws.reason("Thing", "CREATE_FAILED")


def test_create_without_a_response_in_time_is_deleted_with_a_made_up_id(aws: Deployment) -> None:
    """A provider must cope with ids that it never gave out; the clock runs while its function does."""
    began = time.monotonic()
    assert aws.create(Thing=aws.thing(timeout_seconds=1, Create={"delay_seconds": 10})) == "ROLLBACK_COMPLETE"
    assert 1 <= time.monotonic() - began < 8
    create, delete = aws.requests("Thing")
    assert delete["PhysicalResourceId"].startswith("demo-Thing-")
    assert f"requestId [{create['RequestId']}]" in aws.reason("Thing", "CREATE_FAILED")


def test_failed_create_waits_for_delete_stack_when_rollback_is_disabled(aws: Deployment) -> None:
    """With DisableRollback the evidence stays until the user deletes the stack."""
    assert aws.create(keep=True, Thing=aws.thing(Create={"response": FAILED})) == "CREATE_FAILED"
    kept = aws.cloudformation.describe_stack_resource(StackName="demo", LogicalResourceId="Thing")
    assert kept["StackResourceDetail"]["ResourceStatus"] == "CREATE_FAILED"
    assert aws.request_types("Thing") == ["Create"]
    assert aws.delete() == "DELETE_COMPLETE"
    assert aws.request_types("Thing") == ["Create", "Delete"]


def test_delete_is_tried_three_times_in_cleanup_and_once_otherwise(aws: Deployment) -> None:
    """In clean-up AWS gives up after three tries and orphans the resource; an ordinary delete fails at once."""
    stubborn, other = aws.thing(Delete={"response": FAILED}), aws.thing()
    assert aws.create(Thing=stubborn, Other=other) == "CREATE_COMPLETE"
    assert aws.update(Other=other) == "UPDATE_COMPLETE"
    assert aws.request_types("Thing") == ["Create", "Delete", "Delete", "Delete"]
    assert aws.history("Thing")[2:] == ["DELETE_IN_PROGRESS", "DELETE_FAILED"] * 3
    assert aws.update(Other=other, Late=stubborn) == "UPDATE_COMPLETE"
    assert aws.delete() == "DELETE_FAILED"
    assert aws.request_types("Late") == ["Create", "Delete"]


# --- the function is invoked asynchronously


def test_function_that_raises_is_invoked_again_with_the_same_request(aws: Deployment) -> None:
    """AWS retries twice, so a provider sees one RequestId up to three times."""
    assert aws.create(Thing=aws.thing(Create={"raises": 2})) == "CREATE_COMPLETE"
    assert aws.request_types("Thing") == ["Create"]


def test_function_that_always_raises_reaches_its_failure_destination(aws: Deployment) -> None:
    """The destination is the responder of last resort: it needs the request and the real error."""
    queue = aws.client("sqs").create_queue(QueueName="failed")["QueueUrl"]
    aws.client("lambda").put_function_event_invoke_config(
        FunctionName="provider",
        DestinationConfig={"OnFailure": {"Destination": f"arn:aws:sqs:us-east-1:{aws.account}:failed"}},
    )
    aws.create(Thing=aws.thing(timeout_seconds=5, Create={"raises": 9}), wait=False)
    message = aws.client("sqs").receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"][0]
    failure = json.loads(message["Body"])
    assert failure["requestPayload"]["LogicalResourceId"] == "Thing"
    assert failure["responsePayload"]["errorType"] == "ProviderBroken"


def test_missing_function_fails_the_resource_and_needs_no_delete(aws: Deployment) -> None:
    """Nothing was ever invoked, so nothing is left to delete."""
    missing = aws.thing()
    missing["Properties"]["ServiceToken"] += "-gone"
    assert aws.create(Thing=missing) == "ROLLBACK_COMPLETE"
    assert "Function not found" in aws.reason("Thing", "CREATE_FAILED")
    assert aws.requests() == []


# --- responses


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        ({"response": {"RequestId": "other"}}, "Invalid RequestId"),
        ({"response": {"StackId": "other"}}, "Invalid StackId"),
        ({"response": {"LogicalResourceId": "(absent)"}}, "Invalid LogicalResourceId"),
        ({"response": {"Status": "DONE"}}, "Invalid Status"),
        ({"response": {"Status": "FAILED"}}, "Invalid Reason"),
        ({"response": {"PhysicalResourceId": ""}}, "Invalid PhysicalResourceId"),
        ({"response": {"PhysicalResourceId": "(absent)"}}, "Invalid PhysicalResourceId"),
        ({"response": {"PhysicalResourceId": "é" * 513}}, "Invalid PhysicalResourceId"),
        ({"response": {"Data": {"text": "é" * 2000}}}, "Response object is too long."),
        ({"body": "SUCCESS"}, "Response is not valid JSON"),
    ],
)
def test_invalid_response_fails_the_resource(shared: Deployment, behaviour: dict[str, Any], reason: str) -> None:
    """AWS takes any body with 200 and then fails the resource; Delete follows with an id that AWS made up."""
    try:
        assert shared.create(Thing=shared.thing(Create=behaviour)) == "ROLLBACK_COMPLETE"
        assert shared.reason("Thing", "CREATE_FAILED") == reason
        delete = shared.requests()[-1]
        assert delete["RequestType"] == "Delete"
        assert delete["PhysicalResourceId"].startswith("demo-Thing-")
    finally:
        shared.delete()


def test_control_characters_of_a_reason_make_the_events_unreadable(aws: Deployment) -> None:
    """XML cannot hold them: aws-cloudformation/cloudformation-coverage-roadmap 1601. Stock ministack is no kinder."""
    failed = {"Status": "FAILED", "Reason": "a bell: \x07"}
    aws.create(Thing=aws.thing(Create={"response": failed}))
    with pytest.raises(ResponseParserError):
        aws.reason("Thing", "CREATE_FAILED")


def test_largest_response_is_taken(aws: Deployment) -> None:
    """4,096 bytes and a physical id of 1,024 bytes are within the contract: text of several bytes counts in bytes."""
    response = {"PhysicalResourceId": "é" * 512, "Data": {"text": "é" * 1250}}
    assert aws.create(Thing=aws.thing(Create={"response": response})) == "CREATE_COMPLETE"
    assert 3500 < aws.responses()[0]["byte_length"] <= 4096


@pytest.mark.parametrize(
    ("plan", "puts"),
    [
        # A second PUT overwrites the S3 object that nobody reads any more.
        ({"again": {"PhysicalResourceId": "second", **FAILED}}, [(200, True), (200, False)]),
        # ResponseURL is a presigned URL: only its owner can respond.
        ({"forge_first": "yes"}, [(403, False), (200, True)]),
    ],
)
def test_the_first_response_with_the_signature_of_its_url_counts(
    aws: Deployment, plan: dict[str, Any], puts: list[tuple[int, bool]]
) -> None:
    assert aws.create(Thing=aws.thing(Create=plan)) == "CREATE_COMPLETE"
    until(lambda: len(aws.responses()) == 2)
    assert [(each["status"], each["counted"]) for each in aws.responses()] == puts
    assert aws.status() == "CREATE_COMPLETE"
    assert "X-Amz-Signature=" in aws.requests()[0]["ResponseURL"]


def test_scripted_fault_makes_the_provider_repeat_its_response(aws: Deployment) -> None:
    """S3 fails now and then: a lost response must be sent again."""
    aws.cloud.fail_responses(500, times=2, account=aws.account)
    assert aws.create(Thing=aws.thing()) == "CREATE_COMPLETE"
    assert [a["status"] for a in aws.responses()] == [500, 500, 200]


def test_no_echo_masks_outputs_and_not_dependants(aws: Deployment) -> None:
    """A secret attribute is usable in the stack and invisible outside it."""
    secret = aws.thing(Create={"response": {"NoEcho": True, "Data": {"secret": "s3cret"}}})
    value = {"Fn::GetAtt": ["Thing", "secret"]}
    parameter = {"Type": "AWS::SSM::Parameter", "Properties": {"Name": "copy", "Type": "String", "Value": value}}
    assert aws.create({"Secret": value}, Thing=secret, Copy=parameter) == "CREATE_COMPLETE"
    assert aws.outputs() == {"Secret": "*****"}
    assert aws.client("ssm").get_parameter(Name="copy")["Parameter"]["Value"] == "s3cret"


# --- parallel resources and cancellation


def test_independent_custom_resources_are_created_at_the_same_time(aws: Deployment) -> None:
    """AWS waits only where one resource uses another, also through resources of its own."""
    slow = {"delay_seconds": 0.5, "response": {"Data": {"name": "from-first"}}}
    name = {"Fn::GetAtt": ["A", "name"]}
    status = aws.create(
        A=aws.thing(Create=slow),
        B=aws.thing(Create=slow),
        Between={"Type": "AWS::SQS::Queue", "Properties": {"QueueName": name}},
        C=aws.thing(Create=slow, After={"Ref": "Between"}),
        D=aws.thing(depends_on=["B"], Create=slow),
    )
    assert status == "CREATE_COMPLETE"
    assert aws.requests("C")[0]["ResourceProperties"]["After"].endswith("/from-first")
    assert aws.overlapped("A", "B")
    assert aws.overlapped("C", "D")
    assert not aws.overlapped("A", "C")
    assert not aws.overlapped("B", "D")
    assert all(aws.history(i) == ["CREATE_IN_PROGRESS", "CREATE_COMPLETE"] for i in ("A", "B", "Between", "C", "D"))


def test_custom_resources_are_updated_and_added_at_the_same_time(aws: Deployment) -> None:
    """An update of many resources takes as long as its slowest one."""
    assert aws.create(A=aws.thing(), B=aws.thing()) == "CREATE_COMPLETE"
    slow = {"delay_seconds": 0.5}
    things: dict[str, Any] = {"A": aws.thing(Update=slow), "B": aws.thing(Update=slow), "C": aws.thing(Create=slow)}
    assert aws.update(**things) == "UPDATE_COMPLETE"
    assert aws.overlapped("A", "B")
    assert aws.overlapped("A", "C")
    assert aws.history("B")[2:] == ["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE"]
    assert aws.history("C") == ["CREATE_IN_PROGRESS", "CREATE_COMPLETE"]


def test_sibling_failure_sends_delete_while_create_runs(aws: Deployment) -> None:
    """The provider gets a Delete with an id it never saw, and its late response to Create changes nothing."""
    slow = aws.thing(Create={"delay_seconds": 1.5})
    assert aws.create(Slow=slow, Bad=aws.thing(Create={"response": FAILED})) == "ROLLBACK_COMPLETE"
    create, delete = aws.requests("Slow")
    assert delete["PhysicalResourceId"].startswith("demo-Slow-")
    assert aws.reason("Slow", "CREATE_FAILED") == "Resource creation cancelled"
    assert create["RequestId"] not in [a["request_id"] for a in aws.responses()]
    until(lambda: create["RequestId"] in [a["request_id"] for a in aws.responses()])
    late = next(a for a in aws.responses() if a["request_id"] == create["RequestId"])
    assert (late["status"], late["counted"]) == (200, False)
    assert "[Bad, Slow]" in aws.reason("demo", "ROLLBACK_IN_PROGRESS")


def test_delete_stack_cancels_a_running_create(aws: Deployment) -> None:
    """DeleteStack doesn't wait for what is being created."""
    aws.create(Slow=aws.thing(Create={"delay_seconds": 10}), wait=False)
    until(lambda: aws.request_types("Slow") == ["Create"])
    began = time.monotonic()
    assert aws.delete() == "DELETE_COMPLETE"
    assert time.monotonic() - began < 8
    assert aws.request_types("Slow") == ["Create", "Delete"]
    assert aws.reason("Slow", "CREATE_FAILED") == "Resource creation cancelled"


def test_cancelled_update_sends_the_old_properties_while_the_update_runs(aws: Deployment) -> None:
    """A provider must be ready for the next Update of a resource before it responded to the one before."""
    aws.create(Slow=aws.thing(Size=1))
    aws.update(Slow=aws.thing(Size=2, Update={"delay_seconds": 10}), wait=False)
    until(lambda: aws.request_types("Slow") == ["Create", "Update"])
    began = time.monotonic()
    aws.cloudformation.cancel_update_stack(StackName="demo")
    assert aws.settled() == "UPDATE_ROLLBACK_COMPLETE"
    assert time.monotonic() - began < 8
    assert [e["ResourceProperties"]["Size"] for e in aws.requests("Slow")] == ["1", "2", "1"]


def test_replacement_is_updated_back_before_it_is_deleted(aws: Deployment) -> None:
    """A rollback asks for the old properties from the new id, so that a provider may find the old resource again."""
    aws.create(Thing=aws.thing(Size=1, Update={"response": {"PhysicalResourceId": "Thing-id"}}))
    replaced = aws.thing(Size=2, Update={"response": {"PhysicalResourceId": "new"}})
    bad = aws.thing(depends_on=["Thing"], Create={"response": FAILED})
    assert aws.update(Thing=replaced, Bad=bad) == "UPDATE_ROLLBACK_COMPLETE"
    assert [(e["RequestType"], e.get("PhysicalResourceId")) for e in aws.requests("Thing")] == [
        ("Create", None),
        ("Update", "Thing-id"),
        ("Update", "new"),
        ("Delete", "new"),
    ]
    kept = aws.cloudformation.describe_stack_resource(StackName="demo", LogicalResourceId="Thing")
    assert kept["StackResourceDetail"]["PhysicalResourceId"] == "Thing-id"
