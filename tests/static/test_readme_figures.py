"""The figures of README.md are those of the bench, of the code and of the pages that they come from."""

from __future__ import annotations

import csv
import re
from typing import Any

import pytest
import yaml

from bench.prices import SWEEPS_A_MONTH
from functions.call_tool.app import MARGIN_MILLISECONDS
from local.deployment import ROOT
from testkit.template import template, timeout_seconds
from threadrun.cloudformation import response
from threadrun.cloudformation.events import Event
from threadrun.schema import arguments, types
from threadrun.storage import records, run_attributes

LENGTHS = ("30", "120", "600")
SYSTEMS = {
    "threadrun": "threadrun",
    "threadrun-webhooks": "threadrun with webhooks",
    "cdk-provider": "CDK Provider framework",
    "crhelper": "crhelper",
}


def section(name: str) -> str:
    return (ROOT / "README.md").read_text().partition(f"\n## {name}\n")[2].partition("\n## ")[0]


def rows(text: str) -> dict[str, list[str]]:
    """The tables' rows by their first cell."""
    lines = [line.strip("|").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return {first.strip(): [cell.strip() for cell in rest] for first, *rest in lines}


def measured() -> dict[str, dict[str, dict[str, float]]]:
    """The bench's figures by system and length."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    with (ROOT / "bench/results/results.csv").open() as file:
        for row in csv.DictReader(file):
            figures = {name: float(row[name]) for name in ("lag_mean_s", "lag_max_s", "cost_usd")}
            found.setdefault(row["system"], {})[row["run_seconds"]] = figures
    return found


def dollars(cost: float) -> str:
    return f"${cost:.2f}" if cost >= 0.01 else f"${cost:.4f}"


def row_by_row() -> dict[str, list[str]]:
    """What the table has to say."""
    found = {}
    for system, name in SYSTEMS.items():
        figures = [measured()[system][length] for length in LENGTHS]
        found[f"{name}: lag, mean / worst"] = [f"{f['lag_mean_s']:.1f} / {f['lag_max_s']:.1f} s" for f in figures]
        found[f"{name}: price of 1,000 runs"] = [dollars(f["cost_usd"] * 1000) for f in figures]
    return found


@pytest.mark.parametrize("name", row_by_row())
def test_the_comparison_is_that_of_the_last_bench(name: str) -> None:
    expected = row_by_row()[name]
    line = " | ".join([name, *expected])
    assert rows(section("Compared")).get(name) == expected, f"README.md, Compared, has to say: | {line} |"


def test_each_row_with_a_figure_is_one_of_the_bench() -> None:
    with_figures = {name for name in rows(section("Compared")) if ": " in name}
    assert with_figures == set(row_by_row())


def test_what_is_said_of_the_comparison_holds() -> None:
    ours, cdk, crhelper = (measured()[name] for name in ("threadrun", "cdk-provider", "crhelper"))
    webhooks = measured()["threadrun-webhooks"]
    for length in ("2", "10", *LENGTHS):
        assert crhelper[length]["cost_usd"] < min(each[length]["cost_usd"] for each in (ours, cdk, webhooks))
    assert cdk["2"]["cost_usd"] < ours["2"]["cost_usd"], "costs less for short runs"
    assert cdk["10"]["cost_usd"] < ours["10"]["cost_usd"], "costs less for short runs"
    assert cdk["600"]["lag_mean_s"] < ours["600"]["lag_mean_s"], "lags less for long ones"
    share = ours["600"]["cost_usd"] / webhooks["600"]["cost_usd"]
    assert round(share) == 7, (
        f"docs/operations.md: a run of ten minutes costs a seventh with webhooks, not 1/{share:.1f}"
    )
    assert "a run of ten minutes costs a seventh" in (ROOT / "docs/operations.md").read_text()


def longest_run_seconds() -> float:
    names = ("RequestId", "ResponseURL", "StackId", "LogicalResourceId")
    return Event.model_validate({"RequestType": "Create"} | dict.fromkeys(names, "x")).work_seconds(None)


def in_page(page: str, pattern: str) -> str:
    """The one figure that a page has there."""
    [found] = set(re.findall(pattern, (ROOT / page).read_text()))
    return str(found)


def definition() -> Any:
    return yaml.safe_load((ROOT / "statemachine/thread_run.asl.yaml").read_text())["States"]


def limits() -> dict[str, str]:
    """How the value of each row begins."""
    tools = f"{arguments.DEFAULT_TOOL_ROUNDS} rounds of calls, {arguments.MAX_TOOL_ROUNDS} with `max_tool_rounds`"
    at_once = definition()["Call tools"]["MaxConcurrency"]
    handler = timeout_seconds("call_tool") - MARGIN_MILLISECONDS // 1000
    lingering = in_page("docs/performance.md", r"for (\d+) seconds at most")
    return {
        "a run, from CloudFormation's request to the answer": f"{longest_run_seconds():,.0f} s (`ServiceTimeout` of "
        f"{arguments.MAX_SERVICE_TIMEOUT_SECONDS:,} s less a margin)",
        "an answer to CloudFormation": f"{response.MAX_BODY_BYTES:,} bytes; `output_text` is shortened to what fits",
        "a text in the table's item": f"{run_attributes.MAX_OUTPUT_BYTES:,} bytes; of a longer one the first "
        f"{run_attributes.SHORTENED_BYTES:,}, and all of it in a bucket",
        "properties of a resource": f"{records.MAX_BYTES:,} bytes, compressed",
        "`metadata`": f"{types.METADATA_PAIRS} pairs, keys of {types.METADATA_KEY_CHARACTERS} and values of "
        f"{types.METADATA_VALUE_CHARACTERS} characters",
        "functions of your own": f"{tools}; {at_once} calls at once; {handler} s for each",
        "concurrent executions of Lambda": f"one for each run in its first {lingering} s; fewer with `LingerSeconds`",
        "runs on one thread": "one at a time, the others wait",
        "arguments in Terraform": in_page("terraform/README.md", r"template of ([\d,]+) bytes") + " bytes",
    }


@pytest.mark.parametrize("name", limits())
def test_a_limit_is_that_of_the_code(name: str) -> None:
    expected = limits()[name]
    assert rows(section("Limits and prices")).get(name) == [expected], f"README.md has to say: | {name} | {expected} |"


def prices() -> dict[str, str]:
    """How the price of each row begins."""
    sweep = float(in_page("bench/results/results.md", r"runs or not: ([\d.]+) US dollars a month"))
    assert SWEEPS_A_MONTH == 30 * 24 * 60, "each minute"
    snapshot = in_page("docs/performance.md", r"\$([\d.]+) in 30 days")
    start = int(in_page("docs/performance.md", r"call_tool and signal \$(\d+) millionths"))
    watching = in_page("template.yaml", r"about \$([\d.]+) a month beyond")
    metric = in_page("docs/events.md", r"CloudWatch takes \$([\d.]+) a month for each metric")
    return {
        "the application, without runs": f"{sweep:.2f} a month, for a look at overdue answers each minute, and "
        f"{metric} for its metric",
        "dashboard and three alarms": f"{watching} a month beyond the account's free ones; none with "
        "`Observability=false`",
        "each metric with data": f"{metric} a month",
        "`SnapStart=true`": f"{snapshot} in 30 days, and up to {start / 1_000_000:.5f} for each start",
    }


@pytest.mark.parametrize("name", prices())
def test_a_price_is_that_of_its_page(name: str) -> None:
    expected = prices()[name]
    assert rows(section("Limits and prices")).get(name) == [expected], f"README.md has to say: | {name} | {expected} |"


def test_each_limit_and_price_has_its_source() -> None:
    headings = {"limit", "price", "---"}
    assert set(rows(section("Limits and prices"))) - headings == {*limits(), *prices(), "a run"}


def test_the_parameters_of_the_operations_page_are_those_of_the_template() -> None:
    page = (ROOT / "docs/operations.md").read_text().partition("\n## Parameters\n")[2].partition("\n## ")[0]
    told = {name.strip("`"): cells[0].strip("`") for name, cells in rows(page).items() if name.startswith("`")}
    defaults = {name: str(each["Default"]) or "none" for name, each in template()["Parameters"].items()}
    assert told == defaults
