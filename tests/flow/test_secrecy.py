"""Neither logs nor execution histories hold a prompt, an output, the API key or a presigned URL."""

from __future__ import annotations

import pytest

from local.openai_standin import Fault, Script
from tests.flow.test_life_of_a_run import PROPERTIES
from tests.world import World

PROMPT, OUTPUT = "prompt-marker-4711", "output-marker-4712"


def test_point_09_nothing_secret_is_written_anywhere(
    world: World, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", logger="threadrun")
    properties = PROPERTIES | {"thread": {"messages": [{"role": "user", "content": PROMPT}]}, "instructions": PROMPT}
    world.openai.script(Script(output_text=OUTPUT))
    world.openai.fault(Fault("GET", r"/v1/responses/.*", "reset"))
    world.url.refusals += [403] * 6
    answer = world.create(properties)
    assert answer["Data"]["output_text"] == OUTPUT
    world.create({"temperature": PROMPT, "instructions": PROMPT}, logical_id="Bad")
    written = "".join(capfd.readouterr()) + caplog.text
    assert "request received" in written
    histories = world.histories()
    assert "RUN#" in histories
    for secret in (PROMPT, OUTPUT, world.openai.api_key, "X-Amz-Signature"):
        assert secret not in histories
        assert secret not in written
