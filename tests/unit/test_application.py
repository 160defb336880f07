"""The process as a whole: its environment and secret, its jitter, and its way to the server."""

import importlib
import pkgutil
import random
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

import threadrun
from testkit.memory.table import MemoryTable
from threadrun.app import application
from threadrun.app.application import Application
from threadrun.app.responder import GRACE_SECONDS, sweep
from threadrun.app.settings import OPENAI_BASE_URL, Settings, api_key_from_secret
from threadrun.cloudformation import respond
from threadrun.errors import TerminalError
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
