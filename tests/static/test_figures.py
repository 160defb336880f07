"""What README.md and the pages of docs/ say in figures and versions is what its sources say."""

import csv
import json
import re
import tomllib
from collections import defaultdict

import pytest
import yaml
from samtranslator.yaml_helper import yaml_parse

from bench.prices import SWEEPS_A_MONTH, cost_usd
from bench.profile import from_json
from functions.call_tool.app import MARGIN_MILLISECONDS
from local.deployment import ROOT
from testkit.template import template, timeout_seconds
from tests.support.seed import ARGUMENTS, ATTRIBUTES
from threadrun.cloudformation import delivery
from threadrun.cloudformation.events import Event
from threadrun.schema import arguments, desired, types
from threadrun.storage import records, run_attributes

LENGTHS = ("30", "120", "600")
SYSTEMS = {
    "threadrun": "threadrun",
    "threadrun-webhooks": "threadrun with webhooks",
    "cdk-provider": "CDK Provider framework",
    "crhelper": "crhelper",
}
PACKAGE = ROOT / "layers/threadrun/threadrun"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
Rows = dict[str, list[str]]
"""The other cells of a table's rows by the first one."""


def rows(page: str, section: str = "") -> Rows:
    """The rows of all tables in a section of a page, or in the whole page."""
    text = (ROOT / page).read_text()
    return rows_of(text.partition(f"\n## {section}\n")[2].partition("\n## ")[0] if section else text)


def rows_of(text: str) -> Rows:
    lines = [line.strip("|").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return {first.strip(): [cell.strip() for cell in rest] for first, *rest in lines}


def in_page(page: str, pattern: str) -> str:
    """The one figure that a page has there."""
    [found] = set(re.findall(pattern, (ROOT / page).read_text(), re.MULTILINE))
    return str(found)


def locked(name: str, lock: str) -> str:
    return in_page(lock, rf"^{re.escape(name)}==([\w.]+)")


# --- figures


def measured() -> dict[str, dict[str, dict[str, float]]]:
    """The bench's figures by system and length."""
    found: dict[str, dict[str, dict[str, float]]] = defaultdict(dict)
    with (ROOT / "bench/results/results.csv").open() as file:
        for row in csv.DictReader(file):
            figures = {name: float(row[name]) for name in ("lag_mean_s", "lag_max_s", "cost_usd")}
            found[row["system"]][row["run_seconds"]] = figures
    return found


def dollars(cost: float) -> str:
    return f"${cost:.2f}" if cost >= 0.01 else f"${cost:.4f}"


def compared() -> Rows:
    found = {}
    for system, name in SYSTEMS.items():
        figures = [measured()[system][length] for length in LENGTHS]
        found[f"{name}: lag, mean / worst"] = [f"{f['lag_mean_s']:.1f} / {f['lag_max_s']:.1f} s" for f in figures]
        found[f"{name}: price of 1,000 runs"] = [dollars(f["cost_usd"] * 1000) for f in figures]
    return found


def inits() -> Rows:
    """Seconds and price of the init phases of a run's functions."""
    found, profiles = {}, from_json(json.loads((ROOT / "bench/results/profile.json").read_text()))
    for system, name in SYSTEMS.items():
        seconds = sum(each.init_s for made in profiles[system].functions.values() for each in made)
        price = cost_usd(profiles[system].init(*profiles[system].functions)) * 1_000_000
        found[name] = [f"{seconds:.1f} s", f"${price:.1f} millionths"]
    return found


def limits() -> Rows:
    """How the value of each row begins."""
    names = ("RequestId", "ResponseURL", "StackId", "LogicalResourceId")
    longest = Event.model_validate({"RequestType": "Create"} | dict.fromkeys(names, "x")).work_seconds(None)
    tools = f"{arguments.DEFAULT_TOOL_ROUNDS} rounds of calls, {arguments.MAX_TOOL_ROUNDS} with `max_tool_rounds`"
    definition = yaml.safe_load((ROOT / "statemachine/thread_run.asl.yaml").read_text())["States"]
    handler = timeout_seconds("call_tool") - MARGIN_MILLISECONDS // 1000
    found = {
        "a run, from CloudFormation's request to the response": f"{longest:,.0f} s (`ServiceTimeout` of "
        f"{desired.MAX_SERVICE_TIMEOUT_SECONDS:,} s less a margin)",
        "a response to CloudFormation": f"{delivery.MAX_BODY_BYTES:,} bytes; `output_text` is shortened to what fits",
        "a text in the table's item, with its keys": f"{run_attributes.MAX_OUTPUT_BYTES:,} bytes; of a longer one the "
        f"first {run_attributes.SHORTENED_BYTES:,}, and all of it in a bucket",
        "properties of a resource": f"{records.ROOM_OF_REQUEST.text_bytes:,} bytes, "
        f"{records.ROOM_OF_REQUEST.compressed_bytes:,} compressed",
        "`metadata`": f"{types.METADATA_PAIRS} pairs, keys of {types.METADATA_KEY_CHARACTERS} and values of "
        f"{types.METADATA_VALUE_CHARACTERS} characters",
        "functions of your own": f"{tools}; {arguments.MAX_TOOL_CALLS} calls in all, "
        f"{definition['Call tools']['MaxConcurrency']} at once; {handler} s for each",
        "concurrent executions of Lambda": "one for each run, half of what the account has at most; fewer with "
        "`LingerSeconds`",
        "runs on one thread": "one at a time, the others wait",
        "arguments in Terraform": in_page("terraform/README.md", r"template of ([\d,]+) bytes") + " bytes",
    }
    return {name: [text] for name, text in found.items()}


def prices() -> Rows:
    """How the price of each row begins."""
    sweep = float(in_page("bench/results/results.md", r"runs or not: ([\d.]+) US dollars a month"))
    assert SWEEPS_A_MONTH == 30 * 24 * 60, "each minute"
    snapshot = in_page("docs/performance.md", r"\$([\d.]+) in 30 days")
    start = int(in_page("docs/performance.md", r"call_tool and signal \$(\d+) millionths"))
    watching = in_page("template.yaml", r"about \$([\d.]+) a month beyond")
    metric = in_page("docs/events.md", r"CloudWatch takes \$([\d.]+) a month for each metric")
    found = {
        "the application, without runs": f"{sweep:.2f} a month, for a look at overdue answers each minute, and "
        f"{metric} for its metric",
        "dashboard and three alarms": f"{watching} a month beyond the account's free ones; none with "
        "`Observability=false`",
        "each metric with data": f"{metric} a month",
        "`SnapStart=true`": f"{snapshot} in 30 days, and up to {start / 1_000_000:.5f} for each start",
    }
    return {name: [text] for name, text in found.items()}


def packages() -> Rows:
    """Of the layer: what is supported, and what is locked."""
    found = [re.fullmatch(r"([\w-]+)(.+)", each) for each in PROJECT["dependency-groups"]["runtime"]]
    lock = "layers/threadrun/requirements.txt"
    return {f"`{each[1]}`": [each[2], locked(each[1], lock)] for each in found if each}


GATES = ("the example", "a diff of 60 kB", "the same, with 2,000 tokens of reasoning")
TABLES = {
    "docs/comparison.md": (rows("docs/comparison.md"), compared()),
    "docs/prices.md": (rows("docs/prices.md"), limits() | prices()),
    "docs/performance.md": (rows("docs/performance.md", "Cold start"), inits()),
    "docs/supported.md": (rows("docs/supported.md"), packages()),
}


@pytest.mark.parametrize(("table", "name"), [(table, name) for table, (_, right) in TABLES.items() for name in right])
def test_a_row_of_a_table_says_what_its_sources_say(table: str, name: str) -> None:
    found, right = TABLES[table]
    assert found.get(name) == right[name], f"{table} has to say: | {' | '.join([name, *right[name]])} |"


def test_each_row_with_a_figure_has_its_source() -> None:
    """A row that nothing writes would say what it said, whatever the bench measures."""
    found, right = TABLES["docs/comparison.md"]
    assert {name for name in found if ": " in name} == set(right)
    found, right = TABLES["docs/prices.md"]
    assert set(found) - {"limit", "price", "gate", "---", *GATES} == {*right, "a run"}


def test_what_a_gate_costs_is_its_tokens_by_the_prices() -> None:
    text = (ROOT / "docs/prices.md").read_text()
    prices = re.search(r"at \$([\d.]+) and \$([\d.]+) a million tokens", text)
    assert prices is not None
    told = re.findall(r"\| ([\d,]+) / ([\d,]+) \| \$([\d.]+) \|", text)
    assert len(told) == 3
    for read, written, cost in told:
        tokens = int(read.replace(",", "")), int(written.replace(",", ""))
        right = sum(number * float(price) for number, price in zip(tokens, prices.groups(), strict=True)) / 1e6
        assert float(cost) == round(right, 4)
    assert f"about ${told[0][2]} for the model" in (ROOT / "README.md").read_text()


def test_the_tokens_of_the_gate_are_counted_of_the_texts_that_it_has() -> None:
    """Where they are others, count again, with a tokenizer that has o200k_base."""
    example = yaml_parse((ROOT / "docs/examples/release_gate.yaml").read_text())
    gate, changes = example["Resources"]["Gate"]["Properties"], example["Parameters"]["Changes"]["Default"]
    schema = json.dumps(gate["response_format"]["json_schema"]["schema"], separators=(",", ":"))
    characters = sum(map(len, (gate["instructions"], changes, schema)))
    assert f"({characters} characters) have {rows('docs/prices.md')['the example'][0].partition(' ')[0]} tokens" in (
        " ".join((ROOT / "docs/prices.md").read_text().split())
    )


def test_what_is_said_of_the_comparison_holds() -> None:
    ours, cdk, crhelper = (measured()[name] for name in ("threadrun", "cdk-provider", "crhelper"))
    webhooks = measured()["threadrun-webhooks"]
    for length in ("2", "10", *LENGTHS):
        assert crhelper[length]["cost_usd"] < min(each[length]["cost_usd"] for each in (ours, cdk, webhooks))
    assert cdk["2"]["cost_usd"] < ours["2"]["cost_usd"], "costs less for short runs"
    assert cdk["10"]["cost_usd"] < ours["10"]["cost_usd"], "costs less for short runs"
    assert cdk["30"]["cost_usd"] > ours["30"]["cost_usd"], "for runs of ten seconds and less"
    for length in ("2", "10", *LENGTHS):
        assert ours[length]["lag_mean_s"] < min(each[length]["lag_mean_s"] for each in (cdk, crhelper)), "is nearer"
    share = ours["600"]["cost_usd"] / webhooks["600"]["cost_usd"]
    assert round(share) == 6, f"docs/operations.md: a run of ten minutes costs a sixth, not 1/{share:.1f}"
    assert "a run of ten minutes costs a sixth" in (ROOT / "docs/operations.md").read_text()


def test_what_is_said_of_few_concurrent_executions_is_what_was_simulated() -> None:
    table = [line for line in (ROOT / "bench/results/capacity.md").read_text().splitlines() if line.startswith("| ")]
    head, _, *lines = [line.strip("| ").split(" | ") for line in table]
    found = {tuple(line[:3]): dict(zip(head, line, strict=True)) for line in lines}
    assert {figures["failed"] for (policy, *_), figures in found.items() if policy == "threadrun"} == {"0"}
    few, ours = found["20 retries", "10", "60"], found["threadrun", "10", "60"]
    last_s, failed = round(float(ours["last_s"])), few["failed"]
    said = f"of 300 seconds that begin at once end {last_s} seconds after; with functions that sleep, and 20 retries, "
    page = " ".join((ROOT / "docs/performance.md").read_text().split())
    assert f"with 10 concurrent executions 60 runs {said}{failed} of them fail" in page


# --- versions, parameters, packages


def test_the_parameters_of_the_operations_page_are_those_of_the_template() -> None:
    page = rows("docs/operations.md", "Parameters")
    told = {name.strip("`"): cells[0].strip("`") for name, cells in page.items() if name.startswith("`")}
    defaults = {name: str(each["Default"]) or "none" for name, each in template()["Parameters"].items()}
    assert told == defaults


def test_runtime_and_tools_are_those_of_the_template_and_the_locks() -> None:
    table, function = rows("docs/supported.md"), template()["Globals"]["Function"]
    [architecture] = function["Architectures"]
    assert f"`{function['Runtime']}` on `{architecture}`" in table["Lambda's runtime and architecture"][0]
    python = PROJECT["project"]["requires-python"].removeprefix(">=")
    assert table["Python for `make demo` and `make test`"] == [f"{python} or newer", python]
    assert table["AWS SAM CLI"][1] == locked("aws-sam-cli", "local/requirements-sam.txt")
    terraform = in_page("terraform/versions.tf", r'required_version = "(.+)"')
    assert table["Terraform"][0].startswith(f"{terraform};")
    provider = in_page("terraform/versions.tf", r'^ +version = "(.+)"')
    assert table["provider `hashicorp/aws`"][0] == provider


def test_the_packages_are_listed_in_the_order_of_the_import_contract_with_their_modules() -> None:
    [contract] = [each for each in PROJECT["tool"]["importlinter"]["contracts"] if "containers" in each]
    table = {first: cells[-1] for first, cells in rows("docs/architecture.md", "The packages").items() if "`" in first}
    assert [re.findall(r"`(\w+)`", first) for first in table] == [each.split(" | ") for each in contract["layers"]]
    listed = {name for cell in table.values() for name in re.findall(r"`(\w+)`", cell)}
    packages = [path.parent for path in PACKAGE.glob("*/__init__.py")]
    there = {path.stem for package in packages for path in package.iterdir() if not path.name.startswith("__")}
    assert listed == there


def test_the_files_that_have_a_rule_exist() -> None:
    table = rows("docs/architecture.md", "Where a rule lives")
    names = {
        name for cells in table.values() for cell in cells for name in re.findall(r"`([\w/]+\.(?:py|yaml))`", cell)
    }
    assert len(names) > 15
    assert [name for name in sorted(names) if not ((PACKAGE / name).exists() or (ROOT / name).exists())] == []


# --- the way from the old resource


def test_each_argument_and_attribute_of_the_old_resource_has_a_row_and_its_old_name() -> None:
    before, _, after = (ROOT / "docs/migration.md").read_text().partition("\n| attribute | now |")
    arguments_now = {first: cells[0] for first, cells in rows_of(before).items() if "`" in first}
    told = {first.strip("`"): now.partition("`")[2].partition("`")[0] for first, now in arguments_now.items()}
    assert told == {name: name for name in ARGUMENTS}
    assert [first.strip("`") for first in rows_of(after.partition("\n\n")[0]) if "`" in first] == list(ATTRIBUTES)
    variables, outputs = ((ROOT / "terraform" / f"{name}.tf").read_text() for name in ("variables", "outputs"))
    assert {name.split(".")[0] for name in told} <= set(re.findall(r'^variable "(\w+)"', variables, re.MULTILINE))
    inner = {part for name in told for part in name.split(".")[1:]}
    assert [name for name in sorted(inner) if not re.search(rf"\b{name} = ", variables)] == []
    named = re.findall(r"`(\w+)`", after.partition("\nNew: ")[2].partition("\n\n")[0])
    assert {*ATTRIBUTES, *named} <= set(re.findall(r'^output "(\w+)"', outputs, re.MULTILINE))
