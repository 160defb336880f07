"""What `threadrun runs` shows of a table: runs with and without functions, of this version and of those before."""

from collections.abc import Callable
from dataclasses import replace
from io import StringIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from local.openai_standin import Script
from testkit.in_process.aws import aws
from testkit.in_process.world import TABLE, World
from tests.support.runs import PROPERTIES, attributes, delete_all, failure
from threadrun.state import run as record
from threadrun.storage.packing import pack
from threadrun_cli.commands import app
from threadrun_cli.recorded_runs import Run, read_runs, seconds_text
from threadrun_cli.runs import HEADINGS, runs_table

pytestmark = pytest.mark.on_moto  # It reads the table page by page, and filtered: moto's.
CALL = {"type": "function_call", "name": "look_up", "call_id": "call_1", "arguments": {"article": "secret bolt"}}


def shown(world: World) -> list[Run]:
    return read_runs(aws("dynamodb"), TABLE, world.clock())


def create_with_a_tool(world: World) -> None:
    """A run that is queued for 1 second, works 4, waits for 7 and works for another 3."""

    def look_up(event: dict[str, Any]) -> str:
        world.clock.advance(7)
        return "secret pieces"

    function = {"name": "look_up", "handler_arn": world.tools.add("tool-look-up", look_up)}
    world.openai.script(
        Script(output=(CALL,), queued_s=1, duration_s=4, usage=(10, 1)),
        Script(output_text="A secret answer.", queued_s=0, duration_s=3, usage=(20, 2)),
    )
    attributes(world.create({**PROPERTIES, "tools": [{"type": "function", "function": function}]}))


Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """`threadrun runs`: its exit code, and what it prints on both streams."""

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setenv("COLUMNS", "80")
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            app(["runs", "--region", "us-east-1", *arguments])
        return int(ended.value.code or 0), *capsys.readouterr()

    return run


def test_a_run_with_a_tool_shows_where_its_time_went(world: World) -> None:
    begin = world.clock()
    create_with_a_tool(world)
    [run] = shown(world)
    assert (run.stack_name, run.logical_id, run.model) == ("example", "Run", "gpt-5.4-mini")
    assert (run.status, run.total_tokens, run.is_under_way) == ("completed", 33, False)
    names = [span.phase for span in run.spans if span.seconds]
    assert [name for name in names if name != "starting"] == ["queued", "running", "tools", "running", "answering"]
    assert all(one.end_epoch_s == after.begin_epoch_s for one, after in pairwise(run.spans))
    assert run.end_epoch_s <= world.clock()
    assert begin - 1 <= run.begin_epoch_s <= begin, "the request's own date has whole seconds"
    found = {phase: run.seconds_in(phase) for phase in ("queued", "running", "tools")}
    assert found == pytest.approx({"queued": 1, "running": 7, "tools": 7}, abs=1.5), "looks are half a second apart"


def test_phases_are_noted_in_saves_that_happen_anyway(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def saves() -> int:
        world.start_over()
        create_with_a_tool(world)
        [kept] = [world.records.load(key) for key in world.items() if key.startswith("RESOURCE#")]
        assert kept is not None
        return kept.version

    noting = saves()
    monkeypatch.setattr(record, "entered", lambda timeline, *_: timeline)
    monkeypatch.setattr(record, "looked_at", lambda timeline, *_: timeline)
    assert (saves(), shown(world)) == (noting, [])


def test_a_run_under_way_is_shown_as_far_as_it_has_come(world: World) -> None:
    world.openai.script(Script(queued_s=0, duration_s=100))
    world.invoke("custom_resource", world.event("Create", PROPERTIES))
    world.clock.advance(20)
    [run] = shown(world)
    assert (run.status, run.is_under_way) == ("in_progress", True)
    assert (run.spans[-1].phase, run.end_epoch_s) == ("running", world.clock())


def test_a_run_that_could_not_start_is_shown_as_failed(world: World) -> None:
    failure(world.create({**PROPERTIES, "model": "no-such-model"}))
    [run] = shown(world)
    assert (run.status, run.is_under_way) == ("not started, resource failed", False)
    assert [span.phase for span in run.spans] == ["starting", "answering"]


def test_a_run_that_was_rolled_back_or_deleted_is_shown_for_as_long_as_the_logs(world: World) -> None:
    """What went wrong is looked for after the stack is gone."""
    world.openai.script(Script(error=("invalid_prompt", "No.")))
    delete_all(world, answer := world.create(PROPERTIES))
    delete_all(world, world.create(PROPERTIES, logical_id="Other"))
    by_name = {run.logical_id: run for run in shown(world)}
    assert by_name["Run"].status == "failed, rolled back"
    assert by_name["Run"].reason == answer["Reason"]
    assert (by_name["Other"].status, by_name["Other"].reason) == ("completed, deleted", "")
    assert [span.phase for span in by_name["Run"].spans][-1] == "answering"
    kept = [item for key, item in world.items().items() if key.startswith("RESOURCE#")]
    assert [float(each["expires_epoch_s"]["N"]) - world.clock() > 29 * 24 * 3600 for each in kept] == [True, True]


def test_a_request_that_was_refused_is_shown_with_its_reason(world: World) -> None:
    reason = failure(world.create({**PROPERTIES, "temperature": "3"}))
    [run] = shown(world)
    assert (run.status, run.reason, run.seconds) == ("refused", reason, 0)


def test_the_command_prints_a_table_and_writes_the_page_without_what_was_asked_or_answered(
    world: World, command: Command, tmp_path: Path
) -> None:
    create_with_a_tool(world)
    page = tmp_path / "timeline.html"
    code, printed, _ = command("--table", TABLE, "--html", str(page))
    assert code == 0
    for text in ("Run", "example", "gpt-5.4-mini", "completed", "33", "tools"):
        assert text in printed
    written = page.read_text()
    assert written.startswith("<!DOCTYPE html>")
    assert 'class="tools"' in written
    for text in ("secret", "Hello.", "What is a stack?", "Answer in one sentence.", "team"):
        assert text not in printed + written


def test_the_command_says_what_is_missing(world: World, command: Command) -> None:
    assert command("--table", TABLE) == (0, f"Table {TABLE} has no runs.\n", "")
    assert command("--table", "other") == (1, "", "threadrun runs: table other does not exist in us-east-1\n")


def test_a_record_that_cannot_be_read_is_left_out_and_not_repeated(
    world: World, command: Command, caplog: pytest.LogCaptureFixture
) -> None:
    attributes(world.create(PROPERTIES))
    item = {"pk": {"S": "RESOURCE#1"}, "body": {"B": pack('{"stack_id": ["secret"]}')}, "version": {"N": "1"}}
    aws("dynamodb").put_item(TableName=TABLE, Item=item)
    code, printed, error = command("--table", TABLE)
    assert (code, printed.count("completed")) == (0, 1)
    assert "RESOURCE#1 is left out: the record cannot be read: stack_id (string_type)" in caplog.text
    assert "secret" not in printed + error + caplog.text


@pytest.mark.parametrize(
    ("model", "name"), [("m" * 40, "R" * 40), ("gpt-5.4-mini", "summary-terraform"), ("m", "R" * 40)]
)
def test_in_80_columns_a_date_stays_on_one_line_and_no_number_is_cut(world: World, model: str, name: str) -> None:
    attributes(world.create(PROPERTIES))
    [run] = shown(world)
    run = replace(run, model=model, logical_id=name, status="completed, deleted", total_tokens=10**9)
    console = Console(record=True, width=80, color_system=None, file=StringIO())
    console.print(runs_table(TABLE, [run]))
    text = console.export_text()
    assert run.began[:16] in text
    numbers = next(line for line in text.splitlines() if str(run.total_tokens) in line).split()[-6:]
    assert numbers == [str(run.total_tokens), *(seconds_text(run.seconds_in(phase)) for phase in HEADINGS)]
