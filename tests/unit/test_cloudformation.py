"""Reading CloudFormation's requests: events of every kind, deadlines, and where answers may go."""

import json
from pathlib import Path

import pytest
import urllib3
from werkzeug import Request, Response

from tests.support.serving import serving
from threadrun.cloudformation.events import parse_event
from threadrun.cloudformation.protocol import is_response_url
from threadrun.cloudformation.response import deliver
from threadrun.errors import InvalidEvent, ResponseNotDelivered
from threadrun.schema.arguments import RESOURCE_MODELS
from threadrun.schema.parsing import parse_properties


@pytest.fixture(autouse=True)
def region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "us-east-1")


EVENTS = sorted((Path(__file__).parents[2] / "events").glob("*.json"))


@pytest.mark.parametrize("path", EVENTS, ids=lambda path: path.stem)
def test_every_example_event_is_a_valid_request(path: Path) -> None:
    event = parse_event(json.loads(path.read_text()))
    assert event.logical_id
    assert parse_properties(event.properties, RESOURCE_MODELS[event.resource_type])


OURS = "cloudformation-custom-resource-response-useast1.s3.amazonaws.com"


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("us-east-1", OURS),
        ("us-east-1", f"{OURS}:443"),
        ("us-west-2", "cloudformation-custom-resource-response-uswest2.s3-us-west-2.amazonaws.com"),
        ("eu-central-1", "cloudformation-custom-resource-response-eucentral1.s3.eu-central-1.amazonaws.com"),
        ("us-gov-west-1", "cloudformation-custom-resource-response-usgovwest1.s3.us-gov-west-1.amazonaws.com"),
        ("cn-north-1", "cloudformation-custom-resource-response-cnnorth1.s3.cn-north-1.amazonaws.com.cn"),
        ("eusc-de-east-1", "cloudformation-custom-resource-response-euscdeeast1.s3.eusc-de-east-1.amazonaws.eu"),
    ],
)
def test_responses_go_to_cloudformations_bucket_of_the_region(
    region: str, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REGION", region)
    url = f"https://{host}/arn%3Aaws%3Acloudformation?X-Amz-Signature=1&X-Amz-Date=20261127T010203Z"
    assert is_response_url(url, allow_loopback=False)
    assert urllib3.util.parse_url(url).host == host.partition(":")[0], "which connects"
    monkeypatch.setenv("AWS_REGION", "sa-east-1")
    assert not is_response_url(url, allow_loopback=False), "anybody may own a bucket of this name there"


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
        f"https://user@{OURS}/arn",
        f"https://example.com\\@{OURS}/arn",
        f"https://example.com:443\\@{OURS}/arn",
        f"https://{OURS}\\@example.com/arn",
        f"https://{OURS}@example.com/arn",
        f"https://{OURS}/a b",
        f"https://{OURS}/a\n",
        f"https://{OURS}\t/a",
        f"https://{OURS}/\x00",
        "https://cloudformation-custom-resource-response-mine.s3.amazonaws.com/arn",
        "http://169.254.169.254/latest",
        "http://10.0.0.1/",
        "file:///etc/passwd",
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
