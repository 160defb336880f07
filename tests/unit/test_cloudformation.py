"""Reading CloudFormation's requests: events of every kind, deadlines, and where answers may go."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from werkzeug import Request, Response

from tests.support.serving import serving
from threadrun.cloudformation.events import parse_event
from threadrun.cloudformation.protocol import is_response_url
from threadrun.cloudformation.response import deliver
from threadrun.errors import InvalidEvent, ResponseNotDelivered
from threadrun.schema.arguments import RESOURCE_MODELS
from threadrun.schema.parsing import parse_properties

EVENTS = sorted((Path(__file__).parents[2] / "events").glob("*.json"))


@pytest.mark.parametrize("path", EVENTS, ids=lambda path: path.stem)
def test_every_example_event_is_a_valid_request(path: Path) -> None:
    event = parse_event(json.loads(path.read_text()))
    assert event.logical_id
    assert parse_properties(event.properties, RESOURCE_MODELS[event.resource_type])


@pytest.mark.parametrize(
    "url",
    [
        "https://cloudformation-custom-resource-response-useast1.s3.amazonaws.com/arn?X-Amz-Signature=1",
        "https://cloudformation-custom-resource-response-eucentral1.s3.eu-central-1.amazonaws.com/arn",
        "https://cloudformation-custom-resource-response-cnnorth1.s3.cn-north-1.amazonaws.com.cn/arn",
    ],
)
def test_answers_go_to_cloudformations_buckets(url: str) -> None:
    assert is_response_url(url, allow_loopback=False)


@pytest.mark.parametrize("opens_loopback", [False, True])
@pytest.mark.parametrize(
    "url",
    [
        "http://cloudformation-custom-resource-response-useast1.s3.amazonaws.com/arn",
        "https://cloudformation-custom-resource-response-useast1.s3.amazonaws.com.example.com/arn",
        "https://example.com/cloudformation-custom-resource-response-useast1.s3.amazonaws.com",
        "https://mybucket.s3.amazonaws.com/arn",
        "https://cloudformation-custom-resource-response-useast1.s3.amazonaws.com:8443/arn",
        "https://user@example.com/",
        "http://169.254.169.254/latest",
        "http://10.0.0.1/",
        "file:///etc/passwd",
        "http://127.0.0.1:99999/",
        "",
    ],
)
def test_answers_go_nowhere_else(url: str, opens_loopback: bool) -> None:
    assert not is_response_url(url, allow_loopback=opens_loopback)


@pytest.mark.parametrize("opens_loopback", [False, True])
def test_loopback_is_open_only_where_the_deployment_says_so(opens_loopback: bool) -> None:
    assert is_response_url("http://127.0.0.1:4566/x", allow_loopback=opens_loopback) == opens_loopback


def test_an_answer_follows_no_redirect() -> None:
    """Only the first address was checked."""
    asked: list[str] = []

    def redirect(request: Request) -> Response:
        asked.append(request.full_path)
        return Response(status=307, headers={"Location": "/elsewhere"})

    with serving(redirect) as origin, pytest.raises(ResponseNotDelivered) as raised:
        deliver(f"{origin}/here?X-Amz-Signature=1", b"{}", backoff_seconds=0)
    assert set(asked) == {"/here?X-Amz-Signature=1"}
    assert "X-Amz-Signature" not in raised.value.reason


def test_an_unreadable_event_is_refused_by_its_fields_and_shows_no_value() -> None:
    with pytest.raises(InvalidEvent) as raised:
        parse_event({"RequestType": "Upsert", "ResponseURL": "https://secret", "StackId": ""})
    assert "LogicalResourceId, RequestId, RequestType, StackId" in raised.value.reason
    assert "secret" not in raised.value.reason


@pytest.mark.parametrize(
    ("service_timeout", "timeout_seconds", "expected"),
    [
        ("3600", None, 3570),
        ("600", 60, 60),
        ("60", 60, 48),
        ("30", None, 24),
        ("30", 3600, 24),
        ("2", None, 1),
        ("", None, 3570),
    ],
)
def test_the_work_ends_before_cloudformations_patience(
    service_timeout: str, timeout_seconds: int | None, expected: float
) -> None:
    event = json.loads(EVENTS[0].read_text())
    event["ResourceProperties"]["ServiceTimeout"] = service_timeout
    assert parse_event(event).work_seconds(timeout_seconds) == expected
