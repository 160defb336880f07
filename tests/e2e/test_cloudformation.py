"""The application as CloudFormation's users meet it: stacks by boto3 on the embedded cloud."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from local.openai_standin import Fault, McpServer, OpenAIStandIn, Script
from tests.e2e.stacks import (
    FILE_BUCKET,
    TOOL_SECRET,
    Deployed,
    Stack,
    everything_written,
    left,
    settled,
    started,
)
from tests.support.runs import NOTHING, PROPERTIES
from threadrun.state.resource import ResourceRecord
from threadrun.storage.records import Records

CHANGED = PROPERTIES | {"temperature": 0.3}
BAD_DAY = Script(error=("invalid_prompt", "The model had a bad day."))
CONNECTIONS = 10
"""As many as boto3 keeps in its pool."""
TOGETHER = 30
"""Runs of one stack; of the hundred that are created at once, the others have a stack each."""


def test_the_life_of_a_stack(stack: Stack, openai_api: OpenAIStandIn) -> None:
    openai_api.script(Script(output_text="A stack is a unit of deployment.", usage=(21, 7)))
    assert stack.create(PROPERTIES) == "CREATE_COMPLETE", stack.reasons()
    outputs = stack.outputs()
    assert outputs["outputtext"] == "A stack is a unit of deployment."
    assert outputs["usagetotaltokens"] == "28"
    assert outputs["Ref"].startswith(outputs["threadid"] + ":resp_")

    sent = [request for request in openai_api.requests if request.method == "POST"]
    assert [request.path for request in sent] == ["/v1/conversations", "/v1/responses"]
    assert sent[0].body == {"metadata": {"source": "test"}}
    expected = {"background": True, "store": True, "conversation": outputs["threadid"], "temperature": 0.2}
    assert expected.items() <= sent[1].body.items()

    item = stack.public_item(outputs["Ref"])
    assert item is not None
    assert (item["status"], item["usage.total_tokens"]) == ({"S": "completed"}, {"N": "28"})

    assert stack.update(PROPERTIES | {"timeout_seconds": 50}) == "UPDATE_COMPLETE"
    assert stack.outputs()["Ref"] == outputs["Ref"], "bookkeeping starts no run"

    assert stack.update(CHANGED) == "UPDATE_COMPLETE", stack.reasons()
    assert stack.outputs()["Ref"] != outputs["Ref"]
    assert left(openai_api)["responses"] == 1, "the old run is deleted after the update"
    assert stack.public_item(outputs["Ref"]) is None
    assert stack.delete() == "DELETE_COMPLETE"
    assert_each_request_is_answered_once([stack], 5)

    written = everything_written(stack.deployed)
    assert "request received" in written, "tests/e2e/conftest.py looks for prompts and secrets in it, after all tests"
    assert outputs["Ref"] in written


MCP_URL = "https://mcp.example.com/sse"


def test_a_secret_of_a_tool_is_read_by_the_functions_own_roles_and_written_nowhere(
    stack: Stack, openai_api: OpenAIStandIn
) -> None:
    """IAM is enforced. The first start is refused for its rate, so that both functions that start runs read it."""
    arn = stack.cloud.client("secretsmanager").create_secret(Name="e2e-mcp-docs", SecretString=TOOL_SECRET)["ARN"]
    openai_api.add_mcp_servers(McpServer(MCP_URL, authorization=TOOL_SECRET))
    openai_api.fault(Fault("POST", "/v1/responses", "status", status=429, message=f"not {TOOL_SECRET}", retry_after=1))
    tool = {"type": "mcp", "server_label": "docs", "server_url": MCP_URL, "authorization_secret_arn": arn}
    assert stack.create(PROPERTIES | {"tools": [tool]}) == "CREATE_COMPLETE", stack.reasons()
    assert [request["tools"][0]["authorization"] for request in started(openai_api)] == [TOOL_SECRET] * 2
    [response] = openai_api.world.responses.values()
    assert [item["type"] for item in response.turn.outcome.output] == ["mcp_list_tools", "mcp_call", "message"]
    [record] = records_of([stack])
    events = stack.cloud.client("cloudformation").describe_stack_events(StackName=stack.name)["StackEvents"]
    kept = [record.model_dump_json(), str(stack.public_item(stack.outputs()["Ref"])), str(events)]
    kept += [str(stack.requests()), str(stack.cloud.received_responses()), everything_written(stack.deployed)]
    assert [each for each in kept if TOOL_SECRET in each] == []


def test_an_object_of_a_named_bucket_is_read_by_the_functions_own_role(stack: Stack, openai_api: OpenAIStandIn) -> None:
    """IAM is enforced; the function that receives requests may not read it, and leaves it to the other one."""
    s3 = stack.cloud.client("s3")
    s3.create_bucket(Bucket=FILE_BUCKET)
    s3.put_object(Bucket=FILE_BUCKET, Key="report.pdf", Body=b"0" * 100_000)
    source = f"s3://{FILE_BUCKET}/report.pdf"
    template = {
        "Resources": {"Report": stack.resource("File", filename="report.pdf", source=source)},
        "Outputs": {"Bytes": {"Value": {"Fn::GetAtt": ["Report", "bytes"]}}},
    }
    files = openai_api.counters()["files"]
    stack.begin_create_from(json.dumps(template))
    assert stack.wait() == "CREATE_COMPLETE", stack.reasons()
    assert stack.outputs() == {"Bytes": "100000"}
    assert openai_api.counters()["files"] == files + 1
    assert stack.delete() == "DELETE_COMPLETE"
    assert openai_api.counters()["files"] == files


def assert_each_request_is_answered_once(stacks: list[Stack], count: int) -> None:
    asked = Counter(request["RequestId"] for stack in stacks for request in stack.requests())
    assert len(asked) == count
    answers = [each for each in stacks[0].cloud.received_responses() if each["request_id"] in asked]
    assert Counter(answer["request_id"] for answer in answers) == asked
    assert all(answer["counted"] and answer["status"] == 200 for answer in answers)


def test_a_failing_run_is_rolled_back_without_a_trace(stack: Stack, openai_api: OpenAIStandIn) -> None:
    openai_api.script(BAD_DAY)
    assert stack.create(PROPERTIES) == "ROLLBACK_COMPLETE"
    assert "The model had a bad day. (invalid_prompt)" in stack.reasons()
    assert left(openai_api) == NOTHING


def test_a_failed_update_goes_back_to_the_old_run(stack: Stack, openai_api: OpenAIStandIn) -> None:
    """Whether the new run fails, or is finished and a sibling fails."""
    stack.create(PROPERTIES)
    before = stack.outputs()
    openai_api.script(BAD_DAY)
    assert stack.update(CHANGED) == "UPDATE_ROLLBACK_COMPLETE"
    assert stack.outputs() == before
    assert left(openai_api)["responses"] == 1
    assert openai_api.counters()["runs_started"] == 2, "rolling back costs no tokens"

    bad = stack.resource(model="no-such-model", existing_thread_id=before["threadid"])
    assert stack.update(CHANGED, more={"Bad": bad | {"DependsOn": "Run"}}) == "UPDATE_ROLLBACK_COMPLETE"
    assert stack.outputs()["Ref"] == before["Ref"]
    assert left(openai_api)["responses"] == 1


def test_delete_while_create_still_runs(stack: Stack, openai_api: OpenAIStandIn) -> None:
    """A sibling fails: CloudFormation deletes the run by an id that it made up."""
    openai_api.script(Script(duration_s=50, match={"model": "gpt-5.4-mini"}))
    bad = stack.resource(temperature=3, colour="red")
    assert stack.create(PROPERTIES, more={"Bad": bad}) == "ROLLBACK_COMPLETE"
    for problem in ("temperature: must be at most 2", "colour: unknown property"):
        assert problem in stack.reasons()
    [deleted] = [e for e in stack.requests() if (e["RequestType"], e["LogicalResourceId"]) == ("Delete", "Run")]
    assert deleted["PhysicalResourceId"].startswith(f"{stack.name}-Run-")
    assert left(openai_api) == NOTHING


@pytest.fixture
def stacks(deployed: Deployed) -> Iterator[list[Stack]]:
    """The first one has many runs, the others one each."""
    deployed.openai_api.reset()
    stacks = [Stack(deployed) for _ in range(1 + 100 - TOGETHER)]
    yield stacks
    at_once(Stack.begin_delete, stacks)
    settled(stacks)


def at_once(action: Callable[[Stack], None], stacks: list[Stack]) -> None:
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        list(pool.map(action, stacks))


def test_a_hundred_runs_of_one_stack_and_of_others_at_once(stacks: list[Stack], openai_api: OpenAIStandIn) -> None:
    """None fails, none is made twice, no record is lost, though OpenAI refuses some requests for their rate."""
    limited = {"status": 429, "retry_after": 2, "times": 8}
    openai_api.fault(
        Fault("POST", "/v1/responses", "status", **limited), Fault("DELETE", "/v1/.*", "status", **limited)
    )
    properties = PROPERTIES | {"ServiceTimeout": 900}
    more = {f"Run{number}": stacks[0].resource(**properties) for number in range(1, TOGETHER)}
    at_once(lambda stack: stack.begin_create(properties, more=more if stack is stacks[0] else {}), stacks)
    assert settled(stacks) == {"CREATE_COMPLETE": len(stacks)}

    made = made_by(stacks)
    assert len(set(made)) == len(made) == 100
    counters = openai_api.counters()
    assert counters["runs_started"] == counters["responses"] == counters["conversations"] == 100
    assert len(started(openai_api)) == 108, "refused eight times"
    assert None not in [stacks[0].public_item(physical_id) for physical_id in made]

    at_once(Stack.begin_delete, stacks)
    assert settled(stacks) == {"DELETE_COMPLETE": len(stacks)}
    assert left(openai_api) == NOTHING
    assert made_by(stacks) == []
    assert [physical_id for physical_id in made if stacks[0].public_item(physical_id)] == []
    assert_each_request_is_answered_once(stacks, 200)


def made_by(stacks: list[Stack]) -> list[str]:
    """The physical ids that are on the records of these stacks, which have no answer left to send."""
    found = records_of(stacks)
    assert len(found) == 100
    assert [record for record in found if record.undelivered] == []
    return [str(run.physical_id) for record in found for run in record.made.values()]


def records_of(stacks: list[Stack]) -> list[ResourceRecord]:
    table, name = stacks[0].cloud.client("dynamodb"), stacks[0].application.table_name
    records, names = Records(table, name), {stack.name for stack in stacks}
    pages = table.get_paginator("scan").paginate(TableName=name)
    items = [item for page in pages for item in page["Items"] if item["pk"]["S"].startswith("RESOURCE#")]
    found = [records.load(each["pk"]["S"]) for each in items if each["stack_id"]["S"].split("/")[1] in names]
    return [record for record in found if record]
