"""The dashboard and the alarms are as they should be, and what the documentation says of metrics is true."""

import json
import re
from typing import Any

from local.dashboard import metrics_of_dashboard
from local.deployment import ROOT
from testkit.template import template
from tests.support.definitions import expanded
from threadrun.telemetry.run_end import FAILURES
from threadrun.telemetry.run_events import DETAIL_TYPE, SOURCE


def resources(kind: str) -> dict[str, dict[str, Any]]:
    return {name: each for name, each in expanded()["Resources"].items() if each["Type"] == kind}


def dashboard() -> dict[str, Any]:
    """With webhooks, which has all that it can have."""
    [resource] = resources("AWS::CloudWatch::Dashboard").values()
    text, values = resource["Properties"]["DashboardBody"]["Fn::Sub"]
    condition, with_webhooks, without = values["WebhookWidget"]["Fn::If"]
    alarm_condition, alarm, no_alarm = values["WebhookAlarm"]["Fn::If"]
    assert {condition, alarm_condition} == {"HasWebhooks"}
    json.loads(text.replace("${WebhookWidget}", without).replace("${WebhookAlarm}", no_alarm))
    text = text.replace("${WebhookAlarm}", alarm["Fn::Sub"])
    body: dict[str, Any] = json.loads(text.replace("${WebhookWidget}", with_webhooks["Fn::Sub"]))
    return body


def in_documentation() -> dict[str, set[tuple[str, ...]]]:
    """The dimensions of each of our metrics, by the tables of docs/events.md."""
    found: dict[str, set[tuple[str, ...]]] = {}
    for row in (ROOT / "docs" / "events.md").read_text().splitlines():
        cells = row.split("|")
        if len(cells) == 5 and "`service=" in cells[2]:
            dimensions = tuple(dict.fromkeys(re.findall(r"`(service|reason|model)", cells[2])))
            for name in re.findall(r"`(\w+)`", cells[1]):
                found.setdefault(name, set()).add(dimensions)
    return found


def test_every_metric_of_ours_on_the_dashboard_is_documented_with_its_dimensions() -> None:
    """tests/e2e/test_demo.py shows that all have data, but those of webhooks: the demo has none."""
    ours = [each for each in metrics_of_dashboard(dashboard()) if each.namespace == "ThreadRun"]
    assert len(ours) > 10
    for each in ours:
        assert (*dict(each.dimensions), *filter(None, [each.searched])) in in_documentation()[each.name], each.name


def test_the_documentation_has_all_metrics_and_reasons() -> None:
    sources = [*(ROOT / "functions").glob("*/app.py"), ROOT / "layers/threadrun/threadrun/telemetry/metrics.py"]
    sources += [ROOT / "layers/threadrun/threadrun/workflow/steps.py"]
    text = "".join(path.read_text() for path in sources)
    patterns = (
        r'add_metric\(name="(\w+)"',
        r'"(\w+)": (?:int\(|state\.usage)',
        r'counts\["(\w+)"\]',
        r'values\["(\w+)"\]',
    )
    written = {name for pattern in patterns for name in re.findall(pattern, text)} | {"ToolCalls", "ToolFailures"}
    kinds = {f"{kind}Requests" for kind in ("Create", "Update", "Delete")}  # Named by the request's type.
    assert set(in_documentation()) == written | kinds
    documentation = (ROOT / "docs" / "events.md").read_text()
    assert [reason for reason in FAILURES if f"`{reason}`" not in documentation] == []


def test_the_dashboard_is_a_grid_without_overlaps() -> None:
    taken: set[tuple[int, int]] = set()
    for widget in dashboard()["widgets"]:
        columns = range(widget["x"], widget["x"] + widget["width"])
        cells = {(x, y) for x in columns for y in range(widget["y"], widget["y"] + widget["height"])}
        assert max(columns) < 24
        assert not taken & cells, widget["properties"]["title"]
        taken |= cells


def test_an_alarm_says_what_to_do_and_is_quiet_without_data() -> None:
    alarms = resources("AWS::CloudWatch::Alarm")
    assert len(alarms) == 4
    shown = {
        name.removesuffix(".Arn}").removeprefix("${") for name in dashboard()["widgets"][0]["properties"]["alarms"]
    }
    assert shown == set(alarms)
    for alarm in alarms.values():
        given = alarm["Properties"]
        assert re.search(r"\b(Look|look|says why)\b", given["AlarmDescription"])
        assert len(given["AlarmDescription"]) <= 1024
        assert given["TreatMissingData"] == "notBreaching"
        either = ["HasAlarmTopic", [{"Ref": "AlarmTopicArn"}], {"Ref": "AWS::NoValue"}]
        assert given["AlarmActions"] == {"Fn::If": either}


def test_what_costs_by_the_month_can_be_left_out() -> None:
    template = expanded()
    paid = [each for each in template["Resources"].values() if each["Type"].startswith("AWS::CloudWatch::")]
    assert {each["Condition"] for each in paid} == {"HasObservability", "HasWebhookAlarm"}
    assert {"Condition": "HasObservability"} in template["Conditions"]["HasWebhookAlarm"]["Fn::And"]
    assert template["Parameters"]["Observability"]["Default"] == "true"
    assert template["Outputs"]["DashboardUrl"]["Condition"] == "HasObservability"


def test_only_the_event_that_is_documented_may_be_put() -> None:
    """The emulator's simulation of policies leaves conditions out: docs/upstream/event_conditions.md."""
    roles = resources("AWS::IAM::Role")
    putting = {name: role for name, role in roles.items() if "events:PutEvents" in json.dumps(role)}
    [(name, role)] = putting.items()
    policies = [each["PolicyDocument"]["Statement"] for each in role["Properties"]["Policies"]]
    [statement] = [each for listed in policies for each in listed if "events:PutEvents" in each["Action"]]
    assert name == "SignalFunctionRole"
    assert statement["Action"] == "events:PutEvents"
    assert statement["Condition"] == {"StringEquals": {"events:source": SOURCE, "events:detail-type": DETAIL_TYPE}}
    assert statement["Resource"]["Fn::Sub"].endswith(":event-bus/default")


def test_the_example_of_a_rule_matches_the_event() -> None:
    pattern = template(ROOT / "docs/examples/run_events.yaml")["Resources"]["RunEnds"]["Properties"]["EventPattern"]
    assert pattern == {"source": [SOURCE], "detail-type": [DETAIL_TYPE]}
