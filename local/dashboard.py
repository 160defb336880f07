"""Reads from CloudWatch each metric that the application's dashboard and alarms name."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from rich.markup import escape
from rich.table import Table

from local.deployment import APPLICATION_STACK
from local.embedded_cloud import EmbeddedCloud

_SEARCH = re.compile(r"SEARCH\('\{(\w+),([\w,]+)\} MetricName=\"(\w+)\" (\w+)=\"(\w+)\"', '(\w+)'")
PERIOD_SECONDS = 3600


class Metric(NamedTuple):
    """A metric that a widget or an alarm names; `searched` is the dimension whose every value is shown.

    `value` is what CloudWatch has of it, once it was read; None if nothing was ever written.
    """

    title: str
    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]
    statistic: str
    searched: str | None = None
    value: float | None = None


def dashboard_readings(cloud: EmbeddedCloud) -> list[Metric]:
    """Return the present values in the order of the screen: the dashboard's widgets, then the alarms."""
    cloudwatch = cloud.client("cloudwatch")
    body = cloudwatch.get_dashboard(DashboardName=f"{APPLICATION_STACK}-{cloud.region}")["DashboardBody"]
    metrics = list(metrics_of_dashboard(json.loads(body)))
    for alarm in cloudwatch.describe_alarms(AlarmNamePrefix=APPLICATION_STACK)["MetricAlarms"]:
        dimensions = tuple((each["Name"], each["Value"]) for each in alarm["Dimensions"])
        names = (alarm["AlarmName"], alarm["Namespace"], alarm["MetricName"])
        metrics.append(Metric(*names, dimensions, alarm["Statistic"]))
    return [reading for metric in metrics for reading in _read(cloudwatch, metric)]


def metrics_of_dashboard(body: dict[str, Any]) -> Iterator[Metric]:
    """Yield what the widgets of a dashboard name."""
    for widget in body["widgets"]:
        title, default = widget["properties"]["title"], widget["properties"].get("stat", "Sum")
        for row in widget["properties"].get("metrics", ()):
            if isinstance(row[0], str):
                namespace, name, *pairs = [part for part in row if isinstance(part, str)]
                options = row[-1] if isinstance(row[-1], dict) else {}
                dimensions = tuple(zip(pairs[::2], pairs[1::2], strict=True))
                yield Metric(title, namespace, name, dimensions, options.get("stat", default))
            elif found := _SEARCH.search(row[0]["expression"]):
                namespace, names, name, key, value, statistic = found.groups()
                [searched] = set(names.split(",")) - {key}
                yield Metric(title, namespace, name, ((key, value),), statistic, searched)


def sweep(cloud: EmbeddedCloud) -> int:
    """Look for overdue requests, as the application's schedule does each minute; return how many there were."""
    events, functions = cloud.client("events"), cloud.client("lambda")
    rules = events.list_rules()["Rules"]
    [schedule] = [each for each in rules if each.get("ScheduleExpression") == "rate(1 minute)"]
    [target] = events.list_targets_by_rule(Rule=schedule["Name"])["Targets"]
    reply = functions.invoke(FunctionName=target["Arn"], Payload=b"{}")
    return int(json.loads(reply["Payload"].read())["overdue"])


def dashboard_table(cloud: EmbeddedCloud) -> Table:
    """Return the readings as a table for the terminal."""
    title = "Dashboard and alarms, read from CloudWatch"
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for column in ("shown as", "metric", "statistic"):
        table.add_column(column, overflow="fold")
    table.add_column("value", justify="right")
    shown = ""
    for metric in dashboard_readings(cloud):
        value = "-" if metric.value is None else f"{metric.value:,.2f}".rstrip("0").rstrip(".")
        about = dict(metric.dimensions).get(metric.searched or "FunctionName", "")
        about = about.removeprefix(f"{APPLICATION_STACK}-").partition("Function-")[0]
        title = "" if metric.title == shown else escape(metric.title)
        table.add_row(title, escape(f"{metric.name} {about}".strip()), metric.statistic, value)
        shown = metric.title
    return table


def _read(cloudwatch: Any, metric: Metric) -> list[Metric]:
    """Read the metric over the last hour, once for each value of the dimension that is searched."""
    found, now = [], datetime.now(UTC)
    for dimensions in _dimensions(cloudwatch, metric):
        named = [{"Name": name, "Value": value} for name, value in dimensions]
        about = {"Namespace": metric.namespace, "MetricName": metric.name, "Dimensions": named}
        query = {"Id": "m", "MetricStat": {"Metric": about, "Period": PERIOD_SECONDS, "Stat": metric.statistic}}
        begin, end = now - timedelta(seconds=PERIOD_SECONDS), now + timedelta(minutes=1)
        reply = cloudwatch.get_metric_data(MetricDataQueries=[query], StartTime=begin, EndTime=end)
        values = reply["MetricDataResults"][0]["Values"]
        # There are two when a new hour began meanwhile.
        joined = (sum if metric.statistic == "Sum" else max)(values) if values else None
        found.append(metric._replace(dimensions=dimensions, value=joined))
    return found or [metric]


def _dimensions(cloudwatch: Any, metric: Metric) -> list[tuple[tuple[str, str], ...]]:
    if metric.searched is None:
        return [metric.dimensions]
    pages = cloudwatch.get_paginator("list_metrics").paginate(Namespace=metric.namespace, MetricName=metric.name)
    listed = [each["Dimensions"] for page in pages for each in page["Metrics"]]
    every = [{each["Name"]: each["Value"] for each in dimensions} for dimensions in listed]
    wanted = {metric.searched, *dict(metric.dimensions)}
    fitting = [each for each in every if set(each) == wanted and dict(metric.dimensions).items() <= each.items()]
    return sorted(tuple(sorted(each.items())) for each in fitting)
