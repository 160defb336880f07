"""The example templates of docs/examples, of README.md and of cdk/README.md, deployed as they are, all at once."""

import json
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from local.deployment import ROOT
from local.openai_standin import OpenAIStandIn, Script
from testkit import cdk
from tests.e2e.stacks import EXAMPLES, Deployed, Stack, counted, left, started
from tests.support.pages import page_at
from tests.support.runs import NOTHING
from tests.support.until import until
from threadrun_cli.recorded_runs import Run, read_runs

OF_THE_CDK = "cdk/README.md"
FILE = "file-000000000000000000000001"
PALETTE, REVIEW, POLICY, CDK = (
    {"text": {"format": {"name": name}}} for name in ("palette", "review", "policy_review", "cited_review")
)
RULE = "2. No change deletes data of a customer."
CALLS = [
    {"type": "function_call", "name": "look_up_stock", "call_id": f"call_{name}", "arguments": {"article": name}}
    for name in ("bolt", "nut")
]
SUMMARY, PREVENTION = "Every second checkout failed.", "An alarm on the pool."


def has_function(request: Any) -> bool:
    return any(tool.get("name") == "look_up_stock" for tool in request.get("tools", ()))


def instructed(words: str, answer: str) -> Script:
    return Script(match=lambda request: words in request.get("instructions", ""), output_text=answer)


@dataclass(frozen=True)
class Example:
    """What the model answers, what is given for parameters, and what comes of it: outputs, and stored parameters."""

    scripts: tuple[Script, ...] = ()
    given: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    stored: dict[str, str] = field(default_factory=dict)


TABLE = {
    "question.yaml": Example(
        (Script(match="Why as code?", output_text="So that it can be read.", usage=(30, 9)),),
        {"Question": "Why as code?"},
        {"Answer": "So that it can be read.", "Status": "completed", "TotalTokens": "39"},
    ),
    "existing_thread.yaml": Example(
        (instructed("Summarize the incident", SUMMARY), instructed("Name one measure", PREVENTION)),
        outputs={"Summary": SUMMARY, "Prevention": PREVENTION},
    ),
    "retrieval.yaml": Example(
        (Script(match="Whom do we call", output_text="The platform team."),),
        {"FileId": FILE},
        {"Answer": "The platform team.", "FileIds": json.dumps([FILE])},
    ),
    "two_regions.yaml": Example(
        (instructed("into English", "No changes on Sunday."), instructed("into German", "Sonntags nicht.")),
        outputs={"Notice": "No changes on Sunday."},
        stored={"notice": "No changes on Sunday."},
    ),
    "structured_answer.yaml": Example(
        (Script(match=PALETTE, output_text='{"primary": "#1d4ed8", "accent": "#f59e0b"}'),),
        stored={"primary": "#1d4ed8", "accent": "#f59e0b"},
    ),
    "release_gate.yaml": Example(
        (Script(match=REVIEW, output_text='{"verdict": "approve", "summary": "Faster search."}'),),
        stored={"release-notes": "Faster search."},
    ),
    "policy_gate.yaml": Example(
        (Script(match=POLICY, output_text=json.dumps({"verdict": "complies", "rule": RULE})),),
        stored={"released-by": RULE},
    ),
    "terraform_expert.yaml": Example(
        (
            Script(match={"model": "gpt-4.1"}, output_text="Keep modules small."),
            instructed("Please analyze the data", "Most on Tuesday."),
        ),
        outputs={"Status": "completed", "Answer": "Keep modules small.", "Analysis": "Most on Tuesday."},
    ),
    "function_tool.yaml": Example(
        (
            Script(match=has_function, output=CALLS, duration_s=6),
            Script(match=has_function, output_text="Two bolts and no nuts."),
        ),
        outputs={"Answer": "Two bolts and no nuts."},
    ),
    "README.md": Example(
        (Script(match="What is a CloudFormation stack?", output_text="A collection of resources."),),
        outputs={"Answer": "A collection of resources."},
    ),
    OF_THE_CDK: Example(
        (Script(match=CDK, output_text=json.dumps({"verdict": "approve", "rule": RULE}), usage=(30, 9)),),
        outputs={"Rule": RULE, "Tokens": "39"},
    ),
    "run_events.yaml": Example(),
}


BROKEN = {
    "structured_answer.yaml": (
        '{"primary": "blue", "accent": "#f59e0b"}',
        'does not match json_schema: primary is not as the schema says: pattern "^#[0-9a-f]{6}$"',
    ),
    "release_gate.yaml": (
        '{"verdict": "reject", "summary": "A column is dropped."}',
        'verdict is not as the schema says: const "approve"; summary: A column is dropped.',
    ),
}
"""An answer that breaks its promise, and the reason for which the stack fails."""


@pytest.fixture(scope="module")
def examples(
    deployed: Deployed, deployed_elsewhere: Deployed, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Stack]]:
    """All of them, that of two regions once more in the other region, and the templates of README.md and of the CDK."""
    api = deployed.openai_api
    app = ThreadPoolExecutor().submit(template_of_the_cdk, tmp_path_factory.mktemp("cdk"))
    api.reset()
    api.add_file(id=FILE, name="on-call.md")
    assert set(TABLE) == {"README.md", OF_THE_CDK, *(path.name for path in EXAMPLES.glob("*.yaml"))}
    stacks = {name: Stack(deployed) for name in TABLE if name != OF_THE_CDK or cdk.missing() is None}
    stacks["elsewhere"] = Stack(deployed_elsewhere, stacks["two_regions.yaml"].name)
    # Its rule is to be there before a run ends, and the CDK takes seconds.
    for name in sorted(stacks, key=lambda name: (name != "run_events.yaml", name == OF_THE_CDK)):
        example = TABLE.get(name, Example())
        api.script(*example.scripts)
        if name == OF_THE_CDK:
            stacks[name].begin_create_from(app.result())
        elif name == "README.md":
            stacks[name].begin_create_from(template_of_the_readme())
        else:
            stacks[name].begin_create_example("two_regions.yaml" if name == "elsewhere" else name, **example.given)
    stock, item = stacks["function_tool.yaml"].physical_id("Stock"), {"article": {"S": "bolt"}, "pieces": {"N": "2"}}
    deployed.cloud.client("dynamodb").put_item(TableName=stock, Item=item)
    assert {name: stack.wait() for name, stack in stacks.items()} == dict.fromkeys(stacks, "CREATE_COMPLETE")
    yield stacks
    for stack in stacks.values():
        stack.begin_delete()
    assert {stack.wait() for stack in stacks.values()} == {"DELETE_COMPLETE"}
    assert left(api) == NOTHING
    assert api.counters()["files"] == 1, "the file is the user's own"
    assert [stack.name for stack in stacks.values() if stack.parameters()] == []


def template_of_the_readme() -> str:
    section = (ROOT / "README.md").read_text().partition("\n## Use it from CloudFormation\n")[2].partition("\n## ")[0]
    [template] = re.findall(r"^```yaml\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    return str(template)


def template_of_the_cdk(folder: Path) -> str:
    """What the app of cdk/README.md is synthesised to, without the rule and the parameter of `cdk bootstrap`."""
    [block] = [each for each in page_at(ROOT / "cdk" / "README.md").blocks if each.language == "python"]
    (folder / "app.py").write_text(block.text)
    [template] = cdk.synthesised(folder / "app.py", folder).values()
    return json.dumps({name: template[name] for name in ("Resources", "Outputs")})


@pytest.mark.parametrize("name", TABLE)
def test_an_example_gives_what_it_is_for(examples: dict[str, Stack], name: str) -> None:
    if name not in examples:
        pytest.skip(str(cdk.missing()))
    assert TABLE[name].outputs.items() <= examples[name].outputs().items()
    assert examples[name].parameters() == TABLE[name].stored


def recorded(stack: Stack) -> Run:
    """The one run of a stack, as its region's table has it."""
    every = read_runs(stack.cloud.client("dynamodb"), stack.application.table_name, time.time())
    [run] = [each for each in every if each.stack_name == stack.name]
    return run


def test_what_a_user_writes_reaches_openai(examples: dict[str, Stack], openai_api: OpenAIStandIn) -> None:
    question, outputs = examples["question.yaml"], examples["existing_thread.yaml"].outputs()
    sent = started(openai_api)
    assert [each["metadata"]["stack"] for each in sent if "stack" in each.get("metadata", {})] == [question.name]
    assert [each["conversation"] for each in sent].count(outputs["ThreadId"]) == 2, "both runs are on the thread"
    [schema] = [each["text"]["format"]["schema"] for each in sent if PALETTE["text"]["format"]["name"] in str(each)]
    assert schema["additionalProperties"] is False, "CloudFormation's string is a boolean again"
    made = [each.body for each in openai_api.requests if (each.method, each.path) == ("POST", "/v1/vector_stores")]
    uploaded = json.loads(examples["terraform_expert.yaml"].outputs()["FileIds"])
    assert [each["file_ids"] for each in made].count([FILE]) == [each["file_ids"] for each in made].count(uploaded) == 1
    searches = [tool for each in sent for tool in each.get("tools", ()) if tool["type"] == "file_search"]
    assert len(searches) == len(made) == 3 + (OF_THE_CDK in examples)


def test_each_region_has_its_own_language_and_record(examples: dict[str, Stack]) -> None:
    there = examples["elsewhere"]
    assert there.outputs() == {"Notice": "Sonntags nicht."}
    assert there.parameters() == {"notice": "Sonntags nicht."}
    assert recorded(there) != recorded(examples["two_regions.yaml"])


def test_a_function_tool_reads_a_table_of_the_stack(examples: dict[str, Stack], openai_api: OpenAIStandIn) -> None:
    """Two calls at once; the emulator holds the functions to their roles."""
    [*_, last] = filter(has_function, started(openai_api))
    outputs = {each["call_id"]: each["output"] for each in last["input"]}
    assert outputs == {"call_bolt": '{"pieces": 2}', "call_nut": '{"pieces": 0}'}
    run = recorded(examples["function_tool.yaml"])
    phases = [span.phase for span in run.spans if span.phase != "queued"]
    assert phases == ["starting", "running", "tools", "running", "answering"]
    first = next(span for span in run.spans if span.phase == "tools")
    assert first.begin_epoch_s - run.begin_epoch_s >= 5, "the response that calls takes 6 seconds"
    assert counted(examples["question.yaml"].cloud)["ToolCalls"]


def test_the_end_of_a_run_arrives_at_a_queue_by_the_rule(examples: dict[str, Stack]) -> None:
    """With the permission's condition: IAM is enforced on the function's role."""
    stack, sqs = examples["question.yaml"], examples["run_events.yaml"].cloud.client("sqs")
    queue_url = examples["run_events.yaml"].outputs()["QueueUrl"]

    def received() -> dict[str, Any] | None:
        """That of the question, one message after the other."""
        for message in sqs.receive_message(QueueUrl=queue_url).get("Messages", ()):
            event: dict[str, Any] = json.loads(message["Body"])
            if f"/{stack.name}/" in event["detail"]["stack_id"]:
                return event
        return None

    event = until(received)
    jsonschema.validate(event["detail"], json.loads((ROOT / "docs" / "events.schema.json").read_text()))
    assert (event["source"], event["detail-type"]) == ("threadrun", "OpenAI Thread Run Status Change")
    assert f"{event['detail']['thread_id']}:{event['detail']['run_id']}" == stack.outputs()["RunId"]
    assert event["detail"]["usage"]["total_tokens"] == 39
    assert event["resources"] == [event["detail"]["stack_id"]]


@pytest.mark.parametrize("name", BROKEN)
def test_an_answer_that_breaks_its_promise_fails_the_deployment(
    examples: dict[str, Stack], deployed: Deployed, name: str
) -> None:
    answer, reason = BROKEN[name]
    deployed.openai_api.script(Script(output_text=answer))
    stack, before = Stack(deployed), left(deployed.openai_api)
    stack.begin_create_example(name)
    assert stack.wait() == "ROLLBACK_COMPLETE"
    assert reason in stack.reasons()
    assert stack.parameters() == {}
    assert left(deployed.openai_api) == before
    assert stack.delete() == "DELETE_COMPLETE"
