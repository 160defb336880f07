"""What README.md says of the most frequent failures: each is made to happen, and told in the words of its row."""

from __future__ import annotations

import re
from typing import Any

import pytest

from local.openai_standin import Fault, Script
from testkit.in_process.tool_functions import ARN
from testkit.in_process.world import World
from tests.support.failure_table import README, rows, told
from tests.support.runs import PROPERTIES, failure

SCHEMA = {"type": "object", "properties": {"verdict": {"const": "yes"}}, "required": ["verdict"]}
PROMISE = {"response_format": {"type": "json_schema", "json_schema": {"name": "review", "schema": SCHEMA}}}
TOOL = {"type": "function", "function": {"name": "look_up", "handler_arn": ARN.format("somebody-elses")}}

NO_SECRET = "the secret is deleted"


def prepare(world: World, what: object) -> None:
    """What happens before the run is asked for."""
    match what:
        case Fault():
            world.openai.fault(what)
        case Script():
            world.openai.script(what)
        case str():
            secret = world.app.settings.openai_api_key_secret_arn
            world.secrets.delete_secret(SecretId=secret, ForceDeleteWithoutRecovery=True)


RATE_LIMIT = Fault("POST", "/v1/responses", "status", status=429, retry_after=30, times=None)
SCENARIOS: dict[str, tuple[object, dict[str, Any]]] = {
    "invalid properties, …: …": (None, {"temperature": "3"}),
    "cannot …: …": (None, {"model": "no-such-model"}),
    "the run could not be started within …: …": (RATE_LIMIT, {"ServiceTimeout": "60"}),
    "run … ended …, accepted is …": (Script(incomplete_reason="max_output_tokens"), {}),
    "the answer of run … is not the promised JSON: …": (Script(output_text='{"verdict": "no"}'), PROMISE),
    "this application may not invoke …: deploy it with ToolFunctionArns=…": (None, {"tools": [TOOL]}),
    "cannot read … …: …": (NO_SECRET, {}),
}


def test_each_row_of_the_readme_has_a_scenario() -> None:
    of_readme = rows(README.read_text().partition("## When it fails")[2].partition("\n## ")[0])
    assert {told(message) for message in of_readme} == set(SCENARIOS)


@pytest.mark.parametrize("message", SCENARIOS)
def test_a_frequent_failure_is_told_as_the_readme_has_it(world: World, message: str) -> None:
    before, change = SCENARIOS[message]
    prepare(world, before)
    reason = failure(world.create(PROPERTIES | change))
    assert re.search(re.escape(message).replace("…", ".+"), reason)
    # No other row's words: the general ones fit many sentences.
    special = {each for each in SCENARIOS if each != message and len(re.findall(r"[a-z]{2,}", each)) > 3}
    assert [each for each in special if re.search(re.escape(each).replace("…", ".+"), reason)] == []
