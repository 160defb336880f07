"""Fills CloudWatch as AWS does: from EMF lines in the logs of functions, from executions, and from queues.

Sources: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html,
https://docs.aws.amazon.com/step-functions/latest/dg/procedure-cw-metrics.html,
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
"""

import json
import threading
import time
from collections import Counter
from typing import Any

from ministack.services import cloudwatch, lambda_svc, sqs, stepfunctions

from local.embedded_cloud.drift_guard import Call, around, require

_EXECUTIONS = {
    "RUNNING": "ExecutionsStarted",
    "SUCCEEDED": "ExecutionsSucceeded",
    "FAILED": "ExecutionsFailed",
    "TIMED_OUT": "ExecutionsTimedOut",
    "ABORTED": "ExecutionsAborted",
}
_QUEUE_PERIOD_SECONDS = 60


def _record_line(line: str) -> None:
    """Record the metrics of one line, if it is a document of the embedded metric format."""
    try:
        document = json.loads(line)
        directives = document["_aws"]["CloudWatchMetrics"]
        epoch_s = document["_aws"]["Timestamp"] / 1000
    except (ValueError, KeyError, TypeError):
        return
    for directive in directives:
        for names in directive["Dimensions"]:
            dimensions = {name: document[name] for name in names}
            for metric in directive["Metrics"]:
                value = document[metric["Name"]]
                values = value if isinstance(value, list) else [value]
                place = (directive["Namespace"], metric["Name"], dimensions)
                cloudwatch._store_datum(*place, epoch_s, metric.get("Unit", "None"), None, values, None, None)


def _record_queue(queue: dict[str, Any], now: float) -> None:
    """Record how many messages wait in a queue, and for how long."""
    visible = [message for message in queue["messages"] if message["visible_at"] <= now]
    oldest = min((message["sent_at"] for message in queue["messages"]), default=now)
    dimensions = {"QueueName": queue["attributes"]["QueueArn"].rpartition(":")[2]}
    for name, value, unit in (
        ("ApproximateNumberOfMessagesVisible", len(visible), "Count"),
        ("ApproximateAgeOfOldestMessage", now - oldest, "Seconds"),
    ):
        cloudwatch.record_metric("AWS/SQS", name, value, unit, dimensions)


def install() -> None:
    """Record metrics where they arise; DriftError when ministack changed."""
    require(cloudwatch, "_store_datum", "namespace name dims ts unit value values counts stat_values")
    _watch_logs()
    _watch_invocations()
    _watch_executions()
    _watch_queues()


def _watch_logs() -> None:
    def emit(call: Call) -> None:
        call.proceed()
        for line in (call.log_text or "").splitlines():
            if '"_aws"' in line:
                _record_line(line)

    around(lambda_svc, "_emit_lambda_logs", "func request_id log_text error duration_ms log_source", emit)


def _watch_invocations() -> None:
    """Measure every invocation: ministack measures synchronous ones only."""
    at_work, lock = Counter[str](), threading.Lock()

    def only_throttled(call: Call) -> None:
        if call.throttle:
            call.proceed()

    emit = around(lambda_svc, "_emit_lambda_metrics", "function_name duration_ms error throttle", only_throttled)

    def measured(call: Call) -> Any:
        name, arn, began, is_error = call.config["FunctionName"], call.config["FunctionArn"], time.time(), True
        with lock:
            at_work[arn] += 1
            count = at_work[arn]
        cloudwatch.record_metric("AWS/Lambda", "ConcurrentExecutions", count, "Count", {"FunctionName": name})
        try:
            result = call.proceed()
            is_error = bool(result.get("error"))
            return result
        finally:
            emit(name, (time.time() - began) * 1000, is_error, False)
            with lock:
                at_work[arn] -= 1

    around(lambda_svc, "_execute_function_dispatch", "func config event request_id started", measured)


def _watch_executions() -> None:
    def count_status(call: Call) -> None:
        name = _EXECUTIONS[call.execution["status"]]
        dimensions = {"StateMachineArn": call.execution["stateMachineArn"]}
        cloudwatch.record_metric("AWS/States", name, 1, "Count", dimensions)
        call.proceed()

    def count_transition(call: Call) -> Any:
        if call.event_type.endswith("StateEntered"):
            dimensions = {"ServiceMetric": "StateTransition"}
            cloudwatch.record_metric("AWS/States", "ConsumedCapacity", 1, "Count", dimensions)
        return call.proceed()

    around(stepfunctions, "_emit_execution_status_event", "execution", count_status)
    around(stepfunctions, "_add_event", "execution event_type details", count_transition)


def _watch_queues() -> None:
    """Measure a queue that a function reads once a minute, as AWS does: the function polls it all the time."""
    measured: dict[str, float] = {}

    def measure(call: Call) -> Any:
        queue, now = sqs._queues.get(call.queue_url), time.time()
        if queue and now >= measured.get(call.queue_url, 0) + _QUEUE_PERIOD_SECONDS:
            measured[call.queue_url] = now
            _record_queue(queue, now)
        return call.proceed()

    around(sqs, "_receive_messages_for_esm", "queue_url max_number", measure)
