"""Answers CloudFormation for the state machine: from the record's key to one delivered answer."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from threadrun.answers import answer_request
from threadrun.application import application, prepare_in_init

logger = Logger(service="signal")
metrics = Metrics(namespace="ThreadRun", service="signal")
prepare_in_init(with_backend=False)


@metrics.log_metrics
@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, str], context: LambdaContext) -> dict[str, Any]:
    """`{key, request_id, failure?}` -> `{answered}`; `failure` tells why the state machine ended early."""
    logger.set_correlation_id(event["request_id"])
    answered = answer_request(
        application().store, event["key"], event["request_id"], failure=event.get("failure") or None
    )
    logger.info("request answered" if answered else "nothing to answer")
    metrics.add_metric(name="Answers", unit=MetricUnit.Count, value=int(answered))
    return {"answered": answered}
