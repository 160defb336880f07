"""The process as a whole: its environment and secret, its jitter, and its way to the server."""

import importlib
import pkgutil
import random
import time
from collections.abc import Callable, Iterator
from typing import Any

import botocore.httpsession
import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import BotoCoreError, ConnectTimeoutError, ReadTimeoutError
from pydantic import BaseModel, TypeAdapter, ValidationError

import threadrun
from testkit.memory.table import MemoryTable
from testkit.template import template
from threadrun.app import application
from threadrun.app.application import Application
from threadrun.app.responder import GRACE_SECONDS, sweep
from threadrun.app.settings import OPENAI_BASE_URL, Settings, api_key_from_secret
from threadrun.cloudformation import respond
from threadrun.errors import StorageUnavailable, TerminalError, ThreadRunError
from threadrun.state.resource import Request, ResourceRecord, resource_key
from threadrun.storage.records import DUE
from threadrun.workflow.waiting import SCARCE_WAIT_SECONDS

MANTLE = "https://bedrock-mantle.eu-west-1.api.aws"


@pytest.fixture(autouse=True)
def in_ireland(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A function there, whose environment has what must not be taken for its role."""
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "a-bearer-token")
    monkeypatch.setenv("AWS_BEDROCK_BASE_URL", "https://elsewhere.example/v1")
    application._bedrock_client.cache_clear()
    yield
    application._bedrock_client.cache_clear()


def on_bedrock(base_url: str = OPENAI_BASE_URL) -> Application:
    return Application(Settings(table_name="table", openai_provider="bedrock", openai_base_url=base_url))


@pytest.mark.parametrize(
    ("named", "asked"),
    [
        (OPENAI_BASE_URL, f"{MANTLE}/openai/v1/"),
        (f"{OPENAI_BASE_URL}/", f"{MANTLE}/openai/v1/"),
        (f"{MANTLE}/v1", f"{MANTLE}/v1/"),
    ],
)
def test_bedrock_is_by_default_the_regions_mantle_endpoint_and_has_no_key(named: str, asked: str) -> None:
    """OpenAI's own address is the template's default, and no server that takes AWS's signatures."""
    client = on_bedrock(named).connect()
    assert (str(client.base_url), client.api_key) == (asked, "")
    assert client.max_retries == 0, "a retried POST could start a second run"
    assert on_bedrock(named).connect() is client


@pytest.mark.parametrize(
    ("base_url", "problem"),
    [
        ("https://bedrock-mantle.us-east-1.api.aws/v1", "does not match the configured AWS region `eu-west-1`"),
        ("https://bedrock-runtime.eu-west-1.amazonaws.com/openai/v1", "does not match the selected `mantle` endpoint"),
        ("http://bedrock-mantle.eu-west-1.api.aws/v1", "require HTTPS"),
    ],
)
def test_an_endpoint_that_the_role_cannot_sign_for_is_refused(base_url: str, problem: str) -> None:
    """The `runtime` endpoint has no background responses."""
    with pytest.raises(TerminalError, match="cannot use Amazon Bedrock: ") as raised:
        on_bedrock(base_url).connect()
    assert problem in raised.value.reason


def test_a_server_with_a_key_needs_its_secret() -> None:
    with pytest.raises(TerminalError, match="deploy the application with OpenAIApiKeySecretArn, or"):
        Application(Settings(table_name="table")).connect()


def test_environments_of_one_snapshot_do_not_wait_alike() -> None:
    """Python's own generator is in the snapshot: each environment would draw the same numbers."""
    jitter = Application(Settings(table_name="table")).jitter
    snapshot = random.getstate()
    one = [jitter() for _ in range(5)]
    random.setstate(snapshot)
    assert [jitter() for _ in range(5)] != one
    assert all(0 <= number < 1 for number in one)


def test_settings_come_from_the_environment() -> None:
    settings = Settings.from_environment({"TABLE_NAME": "t", "ALLOW_LOOPBACK_RESPONSE_URL": "true", "PATH": "/bin"})
    assert (settings.table_name, settings.allow_loopback_response_url) == ("t", True)
    assert (settings.openai_provider, settings.openai_base_url) == ("api_key", "https://api.openai.com/v1")


@pytest.mark.parametrize("secret", ["sk-1", " sk-1\n", '{"api_key": "sk-1"}', '{"api_key": " sk-1 ", "org": "o"}'])
def test_a_secret_is_the_bare_key_or_a_json_object(secret: str) -> None:
    assert api_key_from_secret(secret, "arn") == "sk-1"


@pytest.mark.parametrize("secret", ["", "{}", '{"key": "sk-1"}', '{"api_key": 5}', "{sk-broken", '{"sk-":' * 9999])
def test_another_secret_is_refused_without_showing_it(secret: str) -> None:
    with pytest.raises(TerminalError, match=r"^the API key's secret arn must hold the key itself") as raised:
        api_key_from_secret(secret, "arn")
    assert "sk-" not in raised.value.reason


@pytest.mark.parametrize(
    ("in_flight", "retry_count", "sleeps"),
    [(1, 0, True), (10, 0, True), (11, 0, False), (1, 1, False)],
    ids=["one alone", "half of the executions at most", "more than half", "one that Lambda may have refused"],
)
def test_a_function_sleeps_only_where_the_account_has_room(in_flight: int, retry_count: int, sleeps: bool) -> None:
    table = MemoryTable("t")
    for number in range(in_flight):
        item = {"pk": {"S": f"RESOURCE#{number}"}, "due": {"S": DUE}, "due_epoch_s": {"N": "2000"}}
        table.put_item(TableName="t", Item=item)
    app = Application(Settings(table_name="t"))
    app._dynamodb, app.concurrent_executions = table, 20  # type: ignore[assignment]
    waiting = app.waiting(800, retry_count)
    assert (waiting.inline_seconds > 0) == sleeps
    assert waiting.min_wait_seconds == (1 if sleeps else SCARCE_WAIT_SECONDS)


def test_the_sweep_responds_past_the_grace_and_none_without_a_response_holds_up_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The request's own execution responds best. A record that cannot be read is counted, for the alarm."""
    table, now, answered = MemoryTable("t"), 1000.0, list[str]()
    monkeypatch.setattr(respond, "deliver", lambda url, body: answered.append(url))
    app = Application(Settings(table_name="t"), lambda: now)
    app._dynamodb = table  # type: ignore[assignment]
    for logical_id, deadline in (("Unreadable", 1999), ("Run", 2000)):
        given = {"request_id": logical_id, "request_type": "Create", "response_url": f"https://{logical_id}"}
        request = Request.model_validate({**given, "received_epoch_s": 1000, "deadline_epoch_s": deadline})
        app.records.save(ResourceRecord(stack_id="s", logical_id=logical_id, requests={logical_id: request}))
    table.items[resource_key("s", "Unreadable")]["body"] = {"B": b"broken"}
    now = 1999 + GRACE_SECONDS
    assert (sweep(app), answered) == (0, [])
    now = 2001 + GRACE_SECONDS
    assert (sweep(app), answered) == (2, ["https://Run"])
    assert (sweep(app), answered) == (1, ["https://Run"])


def models(of: type[BaseModel] = BaseModel) -> Iterator[type[BaseModel]]:
    for model in of.__subclasses__():
        yield model
        yield from models(model)


def test_no_error_of_a_model_shows_what_it_was_given() -> None:
    """Errors are logged: of a record or a request, which have prompts and presigned URLs."""
    modules = [importlib.import_module(each.name) for each in pkgutil.walk_packages(threadrun.__path__, "threadrun.")]
    ours = {model for model in models() if model.__module__.startswith("threadrun")}
    assert len(ours) > 20
    assert {model for model in ours if not model.model_config.get("hide_input_in_errors")} == set()
    assert not [each for module in modules for each in vars(module).values() if isinstance(each, TypeAdapter)]
    secret: Any = ["a prompt"]
    for model in (each for each in ours if each.model_fields):
        aliases = [field.alias for field in model.model_fields.values() if field.alias]
        with pytest.raises(ValidationError) as raised:
            model.model_validate(dict.fromkeys([*model.model_fields, *aliases, "another", "kind"], secret))
        assert "a prompt" not in str(raised.value), model


# --- AWS out of reach, as in a VPC without a way there

SECRET_ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:key-AbCdEf"
Fail = Callable[[botocore.httpsession.URLLib3Session, Any], AWSResponse]


def no_connection(session: Any, request: Any) -> AWSResponse:
    time.sleep(session._timeout.connect_timeout)
    raise ConnectTimeoutError(endpoint_url=request.url)


def no_reply(session: Any, request: Any) -> AWSResponse:
    time.sleep(session._timeout.read_timeout)
    raise ReadTimeoutError(endpoint_url=request.url)


def throttled(_: Any, request: Any) -> AWSResponse:
    body = b'{"__type": "ThrottlingException"}'
    response = AWSResponse(request.url, 400, {}, None)
    response._content = body
    return response


class OutOfReach:
    """An application in a function whose requests to AWS all fail in one way; `spent` has the seconds they took."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch, self.spent = monkeypatch, list[float]()
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "testing")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
        monkeypatch.setattr(time, "sleep", self.spent.append)
        names = {"openai_api_key_secret_arn": SECRET_ARN, "webhook_secret_arn": SECRET_ARN, "outputs_bucket": "b"}
        self.app = Application(Settings.model_validate({"table_name": "t", "state_machine_arn": "arn", **names}))

    def by(self, send: Fail) -> None:
        self._monkeypatch.setattr(botocore.httpsession.URLLib3Session, "send", send)


@pytest.fixture
def out_of_reach(monkeypatch: pytest.MonkeyPatch) -> Iterator[OutOfReach]:
    application._secrets.cache_clear()
    yield OutOfReach(monkeypatch)
    application._secrets.cache_clear()


@pytest.mark.parametrize("send", [no_connection, no_reply])
@pytest.mark.parametrize(
    "call",
    [
        lambda app: app.records.load("RESOURCE#1"),
        lambda app: app.connect(),
        lambda app: app.keep_webhook_secret("whsec_1"),
        lambda app: app.hand_over("RESOURCE#1", "request"),
        lambda app: app._s3.put_object(Bucket="b", Key="k", Body=b""),
        lambda app: app.event_bus.put_events(Entries=[]),
        lambda app: app.step_functions.send_task_success(taskToken="t", output="{}"),
    ],
    ids=["table", "key", "webhook secret", "execution", "bucket", "bus", "token"],
)
def test_no_call_to_aws_outlasts_the_function_that_has_to_respond(
    out_of_reach: OutOfReach, call: Callable[[Application], object], send: Fail
) -> None:
    resources = template()["Resources"]
    shortest = min(resources[f"{name}Function"]["Properties"].get("Timeout", 120) for name in RESPONDING)
    out_of_reach.by(send)
    with pytest.raises((ThreadRunError, BotoCoreError)):
        call(out_of_reach.app)
    assert sum(out_of_reach.spent) < shortest - 10


RESPONDING = ("CustomResource", "Signal", "Responder", "WebhookEndpoint")


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (
            lambda app: app.records.load("RESOURCE#1"),
            "cannot read the record: dynamodb.eu-west-1.amazonaws.com could not be reached (ConnectTimeoutError)",
        ),
        (
            lambda app: app.connect(),
            f"cannot read the API key's secret {SECRET_ARN}: secretsmanager.eu-west-1.amazonaws.com could not be "
            "reached (ConnectTimeoutError)",
        ),
    ],
    ids=["table", "key"],
)
def test_a_service_that_is_out_of_reach_is_named(
    out_of_reach: OutOfReach, call: Callable[[Application], object], reason: str
) -> None:
    out_of_reach.by(no_connection)
    with pytest.raises(ThreadRunError) as raised:
        call(out_of_reach.app)
    assert raised.value.reason == reason


def test_a_table_that_throttles_is_asked_for_as_long_as_botocore_does(out_of_reach: OutOfReach) -> None:
    """That is with ten tries in 25 seconds."""
    out_of_reach.by(throttled)
    with pytest.raises(StorageUnavailable, match="cannot read the record: ThrottlingException"):
        out_of_reach.app.records.load("RESOURCE#1")
    assert len(out_of_reach.spent) == 9
    assert sum(out_of_reach.spent) > 25
