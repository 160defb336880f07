"""The event and the metrics of a run's end, as a rule and CloudWatch would get them; and what is written nowhere."""

import json
import logging
from unittest.mock import Mock

import jsonschema
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from local.deployment import ROOT
from local.openai_standin import Fault, Script
from testkit.in_process.cloudformation import STACK_ID
from testkit.in_process.moto import received_events, subscribe
from testkit.in_process.world import World
from testkit.template import template
from tests.support.runs import CHANGED, PROPERTIES, attributes

pytestmark = pytest.mark.on_moto  # The bus, its rule and its queue are moto's.
SCHEMA = json.loads((ROOT / "docs" / "events.schema.json").read_text())


def measured(capsys: pytest.CaptureFixture[str]) -> dict[tuple[str, ...], float]:
    """Sums of the metrics of runs since the last look, by name and what their dimensions add to the service."""
    found: dict[tuple[str, ...], float] = {}
    for line in capsys.readouterr().out.splitlines():
        written = json.loads(line) if line.startswith('{"_aws"') else {}
        if written.get("service") != "runs":
            continue
        [directive] = written["_aws"]["CloudWatchMetrics"]
        assert directive["Namespace"] == "ThreadRun"
        [dimensions] = directive["Dimensions"]
        more = tuple(written[name] for name in dimensions if name != "service")
        for metric in directive["Metrics"]:
            key = (metric["Name"], *more)
            found[key] = found.get(key, 0) + sum(written[metric["Name"]])
    return found


@pytest.fixture
def metrics(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POWERTOOLS_METRICS_DISABLED", "false")


@pytest.fixture
def rule(world: World) -> None:
    """The rule of the example."""
    example = template(ROOT / "docs/examples/run_events.yaml")
    subscribe(example["Resources"]["RunEnds"]["Properties"]["EventPattern"])


def test_the_end_of_a_run_is_an_event(world: World, rule: None) -> None:
    world.openai.script(Script(usage=(21, 7), duration_s=3))
    event = world.event("Create", PROPERTIES)
    data = world.send(event)["Data"]
    [received] = received_events()
    assert (received["source"], received["detail-type"]) == ("threadrun", "OpenAI Thread Run Status Change")
    assert received["resources"] == [STACK_ID]
    detail = received["detail"]
    jsonschema.validate(detail, SCHEMA)
    assert detail.pop("seconds") >= 3
    assert detail == {
        "stack_id": STACK_ID,
        "logical_id": "Run",
        "request_id": event["RequestId"],
        "request_type": "Create",
        "response": "SUCCESS",
        "failure": None,
        "thread_id": data["thread_id"],
        "run_id": data["id"],
        "status": "completed",
        "model": "gpt-5.4-mini",
        "usage": {
            **{"prompt_tokens": 21, "completion_tokens": 7, "total_tokens": 28},
            **{"cached_tokens": 0, "reasoning_tokens": 0},
        },
    }


def test_only_ends_of_runs_are_events(world: World, rule: None) -> None:
    made = world.create(PROPERTIES)["PhysicalResourceId"]
    received_events()
    world.update(made, PROPERTIES | {"timeout_seconds": "60"})
    other = world.update(made, CHANGED)["PhysicalResourceId"]
    assert [each["detail"]["request_type"] for each in received_events()] == ["Update"]
    world.update(other, PROPERTIES)
    world.delete(other)
    world.create({"temperature": "hot"}, logical_id="Bad")
    world.create(PROPERTIES | {"model": "no-such-model"}, logical_id="Refused")
    world.create({"metadata": {"a": "b"}}, logical_id="Thread", ResourceType="Custom::OpenAIThread")
    assert received_events() == []


@pytest.mark.parametrize(
    "failure",
    [
        ClientError({"Error": {"Code": "AccessDeniedException", "Message": ""}}, "PutEvents"),
        EndpointConnectionError(endpoint_url="https://events"),
        None,
    ],
    ids=["refused", "out of reach", "not taken"],
)
def test_an_event_that_the_bus_does_not_take_fails_nothing(world: World, failure: Exception | None) -> None:
    refused = {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "InternalFailure"}]}
    world.app.event_bus = bus = Mock()
    bus.put_events.configure_mock(side_effect=failure, return_value=refused)
    attributes(world.create(PROPERTIES))
    bus.put_events.assert_called_once()


def test_metrics_of_a_completed_run(world: World, metrics: None, capsys: pytest.CaptureFixture[str]) -> None:
    world.openai.script(Script(usage=(21, 7), duration_s=3))
    world.openai.fault(Fault("POST", "/v1/responses", "status", status=429, retry_after=1))
    made = world.create(PROPERTIES)["PhysicalResourceId"]
    found = measured(capsys)
    assert 0 <= found.pop(("Lag",)) < 5
    assert found == {
        ("RunsStarted",): 1,
        ("Retries",): 1,
        ("RunsCompleted",): 1,
        ("RunsFailed",): 0,
        ("PromptTokens", "gpt-5.4-mini"): 21,
        ("CompletionTokens", "gpt-5.4-mini"): 7,
    }
    world.update(made, PROPERTIES | {"timeout_seconds": "60"})
    world.delete(made)
    assert measured(capsys) == {}, "what was counted is not counted again"


def test_metrics_of_runs_that_fail(world: World, metrics: None, capsys: pytest.CaptureFixture[str]) -> None:
    """For one whose execution is aborted the responder answers."""
    world.openai.script(
        Script(error=("invalid_prompt", "The model had a bad day."), usage=(0, 0)), Script(duration_s=300)
    )
    world.create(PROPERTIES, logical_id="Failed")
    world.states.executions.clear()
    world.deliver(world.event("Create", PROPERTIES, logical_id="Aborted"))
    world.abort_execution()
    world.settle()
    world.create(PROPERTIES | {"model": "no-such-model"}, logical_id="Refused")
    found = measured(capsys)
    assert (found[("RunsFailed",)], found[("RunsStarted",)]) == (3, 2)
    for reason in ("failed", "ended_early", "not_started"):
        assert found[("RunsFailed", reason)] == 1, reason


PROMPT, OUTPUT = "prompt-marker-4711", "output-marker-4712"


def test_point_09_nothing_secret_is_written_anywhere(
    world: World,
    metrics: None,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level("DEBUG", logger="threadrun")
    monkeypatch.setattr(logging.getLogger("threadrun"), "propagate", True)
    subscribe({"source": ["threadrun"]})
    properties = PROPERTIES | {"thread": {"messages": [{"role": "user", "content": PROMPT}]}, "instructions": PROMPT}
    world.openai.script(Script(output_text=OUTPUT))
    world.openai.fault(Fault("GET", r"/v1/responses/.*", "reset"))
    world.url.refusals += [403] * 6
    answer = world.create(properties)
    assert answer["Data"]["output_text"] == OUTPUT
    world.openai.script(Script(error=("invalid_prompt", f"The server repeats {PROMPT}.")))
    world.create(properties, logical_id="Failed")
    world.openai.fault(Fault("POST", "/v1/conversations", "status", status=400, message=f"It repeats {PROMPT}."))
    world.create(properties, logical_id="Refused")
    world.create({"temperature": PROMPT, "instructions": PROMPT}, logical_id="Bad")
    # With all that the lines of the log have beside their message.
    written = "".join(capfd.readouterr()) + "".join(
        f"{record.getMessage()} {vars(record)}" for record in caplog.records
    )
    for line in ("request received", "OpenAI request", '"RunsFailed":[1.0]'):
        assert line in written
    events = json.dumps(received_events())
    assert "OpenAI Thread Run Status Change" in events
    histories = world.states.histories()
    assert "RUN#" in histories
    for secret in (PROMPT, OUTPUT, world.openai.api_key, "X-Amz-Signature"):
        assert secret not in histories
        assert secret not in written
        assert secret not in events
