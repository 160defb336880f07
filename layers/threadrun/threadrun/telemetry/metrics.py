"""Metrics of runs, whichever function sees them: CloudWatch takes them from lines of the log (EMF).

Their dimension `service` is `runs` for all functions, so that an alarm has one metric to watch. Each value of
a dimension is a metric with a price: reasons are a closed set, models are those in use. Source:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

from collections.abc import Mapping

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from threadrun.cloudformation.respond import Delivered
from threadrun.telemetry.run_end import RunEnd, run_end

NAMESPACE, SERVICE = "ThreadRun", "runs"
MODEL_CHARACTERS = 250
"""CloudWatch takes values of 1,024 ASCII characters at most; no model's name is as long as this."""


def count(counts: Mapping[str, int]) -> None:
    """Write how often each thing happened, if any did: what did not is written as 0 beside it."""
    if any(counts.values()):
        _write(counts)


def measure_response(delivered: Delivered, now: float) -> tuple[RunEnd | None, dict[str, str]]:
    """Measure the run's end that a response was the first to report; returns it, and facts of the response to log."""
    end = run_end(delivered, now)
    if end is None:
        return None, {"response": delivered.response.status}
    measure(end)
    facts = {"response": delivered.response.status, "status": end.run.observed.status, "failure": end.failure}
    return end, {name: fact for name, fact in facts.items() if fact is not None}


def measure(end: RunEnd) -> None:
    """Write how a run ended, how long after its end CloudFormation got that response, and its tokens."""
    run, state, has_failed = end.run, end.run.observed, end.failure is not None
    # Both for each run: the average of RunsFailed is the failure rate.
    values: dict[str, float] = {"RunsCompleted": int(not has_failed), "RunsFailed": int(has_failed)}
    if end.lag_seconds is not None:
        values["Lag"] = end.lag_seconds
    _write(values)
    if end.failure is not None:
        _write({"RunsFailed": 1}, reason=end.failure)
    if run.run and run.run.is_ours and state.model and state.usage.total_tokens:
        tokens = {"PromptTokens": state.usage.prompt_tokens, "CompletionTokens": state.usage.completion_tokens}
        _write(tokens, model=state.model.encode("ascii", "replace").decode()[:MODEL_CHARACTERS])


def _write(values: Mapping[str, float], **dimensions: str) -> None:
    """One line with one set of dimensions: what is in a line gets all that the line has."""
    metrics = EphemeralMetrics(namespace=NAMESPACE, service=SERVICE)
    for name, text in dimensions.items():
        metrics.add_dimension(name, text)
    for name, value in values.items():
        metrics.add_metric(name, MetricUnit.Seconds if name == "Lag" else MetricUnit.Count, value)
    metrics.flush_metrics()
