"""The reference pages name exactly the attributes that the code gives."""

from __future__ import annotations

import pytest

from local.reference import ATTRIBUTES, page
from testkit.memory.backend import wanted_run
from threadrun.schema.arguments import RESOURCE_MODELS
from threadrun.state.attributes import made_attributes, response_data, run_attributes
from threadrun.state.observations import ObservedRun
from threadrun.state.shared import AssistantRecord, ThreadRecord

COMMON = {"key": "k", "identity": "i", "window": {"since_epoch_s": 0, "deadline_epoch_s": 1}}


def test_every_attribute_of_a_run_is_described() -> None:
    fixed, output = response_data(
        run_attributes(wanted_run(), ObservedRun("r", "completed", output_text='{"k": 1}')), "snake_case"
    )
    given = {*fixed, "output_text", "output_truncated", *(name.replace(".k", ".<key>") for name in output)}
    assert set(ATTRIBUTES["Custom::OpenAIThreadRun"]) == given


@pytest.mark.parametrize(
    ("kind", "record"),
    [
        ("Custom::OpenAIThread", ThreadRecord.model_validate(COMMON)),
        ("Custom::OpenAIAssistant", AssistantRecord.model_validate(COMMON)),
    ],
)
def test_every_attribute_of_the_others_is_described(kind: str, record: ThreadRecord | AssistantRecord) -> None:
    assert set(ATTRIBUTES[kind]) == set(made_attributes(record))


@pytest.mark.parametrize("kind", RESOURCE_MODELS)
def test_every_argument_has_a_description(kind: str) -> None:
    assert "None" not in page(RESOURCE_MODELS[kind])
