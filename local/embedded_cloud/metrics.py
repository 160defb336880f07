"""Fills CloudWatch as AWS does: from EMF lines in the logs of functions, from executions, and from queues.

Sources: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html,
https://docs.aws.amazon.com/step-functions/latest/dg/procedure-cw-metrics.html,
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
"""

import json
import os
import threading
import time
from collections import Counter, defaultdict
from typing import Any

from ministack.services import cloudwatch, lambda_svc, sqs, stepfunctions

from local.embedded_cloud.drift_guard import Call, around

_EXECUTIONS = {
    "RUNNING": "ExecutionsStarted",
    "SUCCEEDED": "ExecutionsSucceeded",
    "FAILED": "ExecutionsFailed",
    "TIMED_OUT": "ExecutionsTimedOut",
    "ABORTED": "ExecutionsAborted",
}
_QUEUE_PERIOD_SECONDS = 60
AT_ONCE = 16
"""Processes of each function. Default, unless FUNCTIONS_AT_ONCE is set.

A process takes 85 MB and 55 MB of disk for the application. A function keeps the processes that it once needed.
"""


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


def _emit_logs(call: Call) -> None:
    call.proceed()
    for line in (call.log_text or "").splitlines():
        if '"_aws"' in line:
            _record_line(line)


def _count_status(call: Call) -> None:
    name, machine = _EXECUTIONS[call.execution["status"]], call.execution["stateMachineArn"]
    cloudwatch.record_metric("AWS/States", name, 1, "Count", {"StateMachineArn": machine})
    call.proceed()


def _count_transition(call: Call) -> Any:
    if call.event_type.endswith("StateEntered"):
        cloudwatch.record_metric("AWS/States", "ConsumedCapacity", 1, "Count", {"ServiceMetric": "StateTransition"})
    return call.proceed()


class _Invocations:
    """Measures every invocation, where ministack measures synchronous ones only, and limits those at work.

    AWS runs a thousand at once; a hundred stacks at once would fill the machine. Here each function has a limit of its
    own, like reserved concurrency, so that a function that waits for another one does not block it. A further
    invocation waits before its clock starts: a deployment sees a slow AWS and never a refusal, and the duration in
    REPORT, which AWS bills, does not contain the wait.
    """

    def __init__(self) -> None:
        at_once = int(os.environ.get("FUNCTIONS_AT_ONCE", AT_ONCE))
        self._turns = defaultdict[str, threading.BoundedSemaphore](lambda: threading.BoundedSemaphore(at_once))
        self._at_work, self._lock = Counter[str](), threading.Lock()
        names = "function_name duration_ms error throttle"
        self._emit = around(lambda_svc, "_emit_lambda_metrics", names, self._only_throttled)

    def _only_throttled(self, call: Call) -> None:
        if call.throttle:
            call.proceed()

    def in_turn(self, call: Call) -> Any:
        with self._lock:
            turn = self._turns[call.config["FunctionArn"]]
        with turn:
            return self._measure(call)

    def _measure(self, call: Call) -> Any:
        name, arn, began, is_error = call.config["FunctionName"], call.config["FunctionArn"], time.time(), True
        with self._lock:
            self._at_work[arn] += 1
            count = self._at_work[arn]
        cloudwatch.record_metric("AWS/Lambda", "ConcurrentExecutions", count, "Count", {"FunctionName": name})
        try:
            result = call.proceed(started=time.time())
            is_error = bool(result.get("error"))
            return result
        finally:
            self._emit(name, (time.time() - began) * 1000, is_error, False)
            with self._lock:
                self._at_work[arn] -= 1


_queues_measured: dict[str, float] = {}


def _measure_queue(call: Call) -> Any:
    """Measure a queue that a function reads once a minute, as AWS does: the function polls it all the time."""
    queue, now = sqs._queues.get(call.queue_url), time.time()
    if queue and now >= _queues_measured.get(call.queue_url, 0) + _QUEUE_PERIOD_SECONDS:
        _queues_measured[call.queue_url] = now
        dimensions = {"QueueName": queue["attributes"]["QueueArn"].rpartition(":")[2]}
        visible = sum(message["visible_at"] <= now for message in queue["messages"])
        oldest = min((message["sent_at"] for message in queue["messages"]), default=now)
        cloudwatch.record_metric("AWS/SQS", "ApproximateNumberOfMessagesVisible", visible, "Count", dimensions)
        cloudwatch.record_metric("AWS/SQS", "ApproximateAgeOfOldestMessage", now - oldest, "Seconds", dimensions)
    return call.proceed()


def install() -> None:
    """Record metrics where they arise; DriftError when ministack changed."""
    around(lambda_svc, "_emit_lambda_logs", "func request_id log_text error duration_ms log_source", _emit_logs)
    dispatch = ("_execute_function_dispatch", "func config event request_id started")
    around(lambda_svc, *dispatch, _Invocations().in_turn)
    around(stepfunctions, "_emit_execution_status_event", "execution", _count_status)
    around(stepfunctions, "_add_event", "execution event_type details", _count_transition)
    around(sqs, "_receive_messages_for_esm", "queue_url max_number", _measure_queue)
