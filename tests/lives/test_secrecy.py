"""Neither logs, metrics and events nor execution histories hold a prompt, an output, the API key or a presigned URL."""

from __future__ import annotations

import json
import logging

import pytest

from local.openai_standin import Fault, Script
from testkit.in_process.moto import received_events, subscribe
from testkit.in_process.world import World
from tests.support.runs import PROPERTIES

pytestmark = pytest.mark.on_moto  # The bus and its rule are moto's.
PROMPT, OUTPUT = "prompt-marker-4711", "output-marker-4712"


def test_point_09_nothing_secret_is_written_anywhere(
    world: World,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level("DEBUG", logger="threadrun")
    monkeypatch.setattr(logging.getLogger("threadrun"), "propagate", True)
    monkeypatch.setenv("POWERTOOLS_METRICS_DISABLED", "false")
    subscribe({"source": ["threadrun"]})
    properties = PROPERTIES | {"thread": {"messages": [{"role": "user", "content": PROMPT}]}, "instructions": PROMPT}
    world.openai.script(Script(output_text=OUTPUT))
    world.openai.fault(Fault("GET", r"/v1/responses/.*", "reset"))
    world.url.refusals += [403] * 6
    answer = world.create(properties)
    assert answer["Data"]["output_text"] == OUTPUT
    world.openai.script(Script(error=("server_error", f"The server repeats {PROMPT}.")))
    world.create(properties, logical_id="Failed")
    world.openai.fault(Fault("POST", "/v1/conversations", "status", status=400, message=f"It repeats {PROMPT}."))
    world.create(properties, logical_id="Refused")
    world.create({"temperature": PROMPT, "instructions": PROMPT}, logical_id="Bad")
    # With all that the lines of the log have beside their message.
    written = "".join(capfd.readouterr()) + "".join(
        f"{record.getMessage()} {vars(record)}" for record in caplog.records
    )
    for line in ("request received", "OpenAI called", '"RunsFailed":[1.0]'):
        assert line in written
    events = json.dumps(received_events())
    assert "OpenAI Thread Run Status Change" in events
    histories = world.states.histories()
    assert "RUN#" in histories
    for secret in (PROMPT, OUTPUT, world.openai.api_key, "X-Amz-Signature"):
        assert secret not in histories
        assert secret not in written
        assert secret not in events
