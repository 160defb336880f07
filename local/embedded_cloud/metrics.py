"""Fills CloudWatch as AWS does: from EMF lines in logs of functions, from executions, and from queues they read.

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

from local.embedded_cloud.drift_guard import Function, replace, require

_EXECUTIONS = {
    "RUNNING": "ExecutionsStarted",
    "SUCCEEDED": "ExecutionsSucceeded",
    "FAILED": "ExecutionsFailed",
    "TIMED_OUT": "ExecutionsTimedOut",
    "ABORTED": "ExecutionsAborted",
}
_QUEUE_PERIOD_SECONDS = 60


def _record_line(line: str) -> None:
    """The metrics of one line, if it is a document of the embedded metric format."""
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
    """How much waits in a queue, and for how long."""
    visible = [message for message in queue["messages"] if message["visible_at"] <= now]
    oldest = min((message["sent_at"] for message in queue["messages"]), default=now)
    dimensions = {"QueueName": queue["attributes"]["QueueArn"].rpartition(":")[2]}
    for name, value, unit in (
        ("ApproximateNumberOfMessagesVisible", len(visible), "Count"),
        ("ApproximateAgeOfOldestMessage", now - oldest, "Seconds"),
    ):
        cloudwatch.record_metric("AWS/SQS", name, value, unit, dimensions)


def install() -> None:
    """Record them where they arise; DriftError when ministack changed."""
    require(cloudwatch, "_store_datum", "namespace name dims ts unit value values counts stat_values")
    _watch_logs()
    _watch_invocations()
    _watch_executions()
    _watch_queues()


def _watch_logs() -> None:
    def of_lines(emit: Function) -> Function:
        def emit_lambda_logs(func: Any, request_id: str, log_text: str, *rest: Any, **more: Any) -> None:
            emit(func, request_id, log_text, *rest, **more)
            for line in (log_text or "").splitlines():
                if '"_aws"' in line:
                    _record_line(line)

        return emit_lambda_logs

    replace(lambda_svc, "_emit_lambda_logs", "func request_id log_text error duration_ms log_source", of_lines)


def _watch_invocations() -> None:
    """ministack measures synchronous ones only."""
    at_work, lock = Counter[str](), threading.Lock()

    def of_throttled(emit: Function) -> Function:
        def emit_lambda_metrics(function_name: str, duration_ms: float, error: bool, throttle: bool) -> None:
            if throttle:
                emit(function_name, duration_ms, error, throttle)

        return emit_lambda_metrics

    emit = replace(lambda_svc, "_emit_lambda_metrics", "function_name duration_ms error throttle", of_throttled)

    def of_all(execute: Function) -> Function:
        def execute_function(func: Any, config: Any, event: Any, request_id: str, started: float) -> Any:
            with lock:
                at_work[config["FunctionArn"]] += 1
                count = at_work[config["FunctionArn"]]
            name, began, is_error = config["FunctionName"], time.time(), True
            cloudwatch.record_metric("AWS/Lambda", "ConcurrentExecutions", count, "Count", {"FunctionName": name})
            try:
                result = execute(func, config, event, request_id, started)
                is_error = bool(result.get("error"))
                return result
            finally:
                emit(name, (time.time() - began) * 1000, is_error, False)
                with lock:
                    at_work[config["FunctionArn"]] -= 1

        return execute_function

    replace(lambda_svc, "_execute_function_dispatch", "func config event request_id started", of_all)


def _watch_executions() -> None:
    def of_status(emit: Function) -> Function:
        def emit_execution_status(execution: Any) -> None:
            name, dimensions = _EXECUTIONS[execution["status"]], {"StateMachineArn": execution["stateMachineArn"]}
            cloudwatch.record_metric("AWS/States", name, 1, "Count", dimensions)
            emit(execution)

        return emit_execution_status

    def of_transitions(add: Function) -> Function:
        def add_event(execution: Any, event_type: str, details: Any = None) -> Any:
            if event_type.endswith("StateEntered"):
                dimensions = {"ServiceMetric": "StateTransition"}
                cloudwatch.record_metric("AWS/States", "ConsumedCapacity", 1, "Count", dimensions)
            return add(execution, event_type, details)

        return add_event

    replace(stepfunctions, "_emit_execution_status_event", "execution", of_status)
    replace(stepfunctions, "_add_event", "execution event_type details", of_transitions)


def _watch_queues() -> None:
    """A queue that a function reads is asked all the time: AWS tells of such once a minute."""
    measured: dict[str, float] = {}

    def of_queues(receive: Function) -> Function:
        def receive_messages(queue_url: str, max_number: int) -> Any:
            queue, now = sqs._queues.get(queue_url), time.time()
            if queue and now >= measured.get(queue_url, 0) + _QUEUE_PERIOD_SECONDS:
                measured[queue_url] = now
                _record_queue(queue, now)
            return receive(queue_url, max_number)

        return receive_messages

    replace(sqs, "_receive_messages_for_esm", "queue_url max_number", of_queues)
