"""Shows that the emulator's process keeps to itself: a clean environment inside, nothing left running outside."""

import json
import os
import types
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from local.embedded_cloud import EmbeddedCloud, EmbeddedCloudError, process
from local.embedded_cloud.drift_guard import DriftError, around, replace_text
from local.embedded_cloud.metrics import AT_ONCE
from local.embedded_cloud.process_group import RunningProcess, running_processes
from tests.emulator.deployment import Deployment, zipped
from tests.support.until import until

SHOW_ENVIRONMENT = """
import os
def handler(event, context):
    return dict(os.environ)
"""

SHOW_ORIGIN = """
import os, threadrun
def handler(event, context):
    threadrun.SEEN.append(os.environ["OWN"])
    imported = {"by": threadrun.PID, "from": threadrun.__file__}
    return {"pid": os.getpid(), "seen": threadrun.SEEN, "imported": imported, "environment": dict(os.environ)}
"""


def processes_of(cloud_pid: int) -> list[RunningProcess]:
    """The living processes of the emulator's group."""
    return [each for each in running_processes() if each.group == cloud_pid and not each.state.startswith("Z")]


def test_functions_see_nothing_of_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key of the host in a function would call the real OpenAI from a test."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-host")
    monkeypatch.setenv("AWS_PROFILE", "host")
    with EmbeddedCloud() as cloud:
        aws = Deployment(cloud, "700000000801")
        aws.create_function("show", SHOW_ENVIRONMENT)
        seen = json.loads(aws.client("lambda").invoke(FunctionName="show")["Payload"].read())
        assert "OPENAI_API_KEY" not in seen
        assert "AWS_PROFILE" not in seen
        assert seen["AWS_ENDPOINT_URL"] == cloud.endpoint
        assert seen["HOME"] != os.environ["HOME"]


SLEEP = """
import time
def handler(event, context):
    time.sleep(event["seconds"])
"""


def test_lambda_refuses_what_is_beyond_the_concurrent_executions_of_the_account() -> None:
    """And tells how many there are."""
    with EmbeddedCloud(concurrent_executions=1) as cloud:
        aws = Deployment(cloud, "700000000805")
        aws.create_function("sleep", SLEEP)
        # Without retries: boto3's own would outlast the function that sleeps.
        functions = boto3.client(
            "lambda",
            endpoint_url=cloud.endpoint,
            region_name=cloud.region,
            aws_access_key_id=aws.account,
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}),
        )
        assert functions.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"] == 1
        functions.invoke(FunctionName="sleep", InvocationType="Event", Payload=json.dumps({"seconds": 5}))
        # Before that a request of this test could be at work itself, and the one that sleeps be refused.
        until(lambda: len(processes_of(cloud.pid)) == 2)
        until(lambda: is_refused(functions))


def is_refused(functions: Any) -> bool:
    try:
        functions.invoke(FunctionName="sleep", Payload=json.dumps({"seconds": 0}))
    except functions.exceptions.TooManyRequestsException as error:
        return bool(error.response["ResponseMetadata"]["HTTPStatusCode"] == 429)
    return False


def test_forked_functions_share_only_what_their_layer_was_when_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is a process with an environment and a memory of its own; another layer is not taken for the first one."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-host")
    with EmbeddedCloud(patches=["testkit.emulator.forked_functions"]) as cloud:
        aws = Deployment(cloud, "700000000804")

        def show(name: str, layer: str) -> dict[str, Any]:
            code = zipped("python/threadrun/__init__.py", f"import os; PID, SEEN = os.getpid(), []  # {layer}")
            version = aws.client("lambda").publish_layer_version(LayerName=layer, Content={"ZipFile": code})
            more = {"Layers": [version["LayerVersionArn"]], "Environment": {"Variables": {"OWN": name}}}
            aws.create_function(name, SHOW_ORIGIN, **more)
            seen: dict[str, Any] = json.loads(aws.client("lambda").invoke(FunctionName=name)["Payload"].read())
            assert seen["seen"] == [name]
            assert "/layer" in seen["imported"]["from"]
            assert "OPENAI_API_KEY" not in seen["environment"]
            return seen

        first, second, other = show("first", "one"), show("second", "one"), show("other", "two")
        assert first["pid"] != second["pid"]
        assert first["imported"]["by"] == second["imported"]["by"] not in (first["pid"], second["pid"], cloud.pid)
        assert other["imported"]["by"] == other["pid"]
        pid = cloud.pid
    assert processes_of(pid) == []


def test_nothing_is_left_running_after_stop(tmp_path: Path) -> None:
    """Function workers are children of the emulator, busy ones too, and end with it."""
    cloud = EmbeddedCloud(state_directory=tmp_path)
    cloud.start()
    cloud.start()
    pid = cloud.pid
    aws = Deployment(cloud, "700000000802")
    aws.create(Slow=aws.thing(Create={"delay_seconds": 20}), wait=False)
    until(lambda: len(processes_of(pid)) >= 2)
    cloud.stop()
    cloud.stop()
    assert processes_of(pid) == []
    assert cloud.pid == 0
    assert not list((tmp_path / "tmp").glob("ministack-lambda-*"))


def test_functions_beyond_the_limit_wait_for_their_turn() -> None:
    """A process for each of a hundred runs would fill the machine; none of them may fail for that."""
    with EmbeddedCloud() as cloud:
        aws = Deployment(cloud, "700000000803")
        things = {f"Thing{number}": aws.thing(Create={"delay_seconds": 0.5}) for number in range(2 * AT_ONCE)}
        assert aws.create(**things) == "CREATE_COMPLETE"
        assert len(aws.requests()) == 2 * AT_ONCE
        assert len(processes_of(cloud.pid)) == 1 + AT_ONCE


def test_cloud_left_running_is_found_and_stopped_from_elsewhere(tmp_path: Path) -> None:
    """`make up` ends before the cloud does; `make down` must find it again."""
    started = EmbeddedCloud(state_directory=tmp_path, stop_on_exit=False)
    assert EmbeddedCloud.running_in(tmp_path) is None
    started.start()
    found = EmbeddedCloud.running_in(tmp_path)
    assert found is not None
    assert found.environment()["AWS_ENDPOINT_URL"] == started.endpoint
    found.stop()
    started.stop()
    assert EmbeddedCloud.running_in(tmp_path) is None


def test_failed_start_shows_the_end_of_the_log(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whoever starts it must see why it did not come up."""
    monkeypatch.setattr(process, "_PROJECT_ROOT", tmp_path)
    with pytest.raises(EmbeddedCloudError, match="No module named"):
        EmbeddedCloud().start()


def test_drift_of_ministack_is_named() -> None:
    """A patch that silently doesn't fit makes every test of this project lie."""
    module = types.ModuleType("ministack.engine")
    vars(module).update(deploy=lambda stack, tags: None, SCRIPT="text")
    with pytest.raises(DriftError, match=r"ministack\.engine\.remove no longer exists"):
        around(module, "remove", "stack", lambda call: None)
    with pytest.raises(DriftError, match=r"ministack\.engine\.deploy takes \(stack tags\), expected \(stack\)"):
        around(module, "deploy", "stack", lambda call: None)
    with pytest.raises(DriftError, match="SCRIPT no longer holds 'old'"):
        replace_text(module, "SCRIPT", "old", "new")
