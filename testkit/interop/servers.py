"""Real servers of OpenAI's API, as processes with environments of their own, and the model behind each."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local.deployment import BUILD
from local.embedded_cloud.process_group import end_process_group, free_port
from local.openai_standin import OpenAIStandIn, Script
from testkit.interop.chat_model import ARGUMENTS, MODEL, SLOW_SECONDS, SLOWLY, ChatModel

ENVIRONMENTS = BUILD / "interop"
CONFIGS = Path(__file__).parent / "configs"
HOST, KEY = "127.0.0.1", "sk-interop"
START_SECONDS = 120.0
RESPONSES_MODEL = "gpt-5.4-mini"


class DidNotStart(RuntimeError):
    """A server's process ended, or did not become ready; the text has the end of its log."""


@dataclass(frozen=True)
class Server:
    """One base URL of a server, and what is behind it."""

    name: str
    package: str
    version: str
    path: str
    behind: str
    base_url: str
    model: str
    received: Callable[[], str]
    """All that the model behind it got, as text."""
    runs: Callable[[], int]
    """How many times the model was asked to answer."""


def version_of(environment: str, package: str) -> str:
    """The installed version of a package in one of the environments."""
    code = f"import importlib.metadata as m; print(m.version({package!r}))"
    python = ENVIRONMENTS / environment / "bin" / "python"
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


@contextmanager
def process(name: str, arguments: list[str], variables: dict[str, str], ready_url: str) -> Iterator[None]:
    """Run a program of the environment of this name until the block ends; raises `DidNotStart`."""
    log = ENVIRONMENTS / f"{name}.log"
    with tempfile.TemporaryDirectory(prefix=f"interop-{name}-") as state, log.open("wb") as output:
        program = str(ENVIRONMENTS / name / "bin" / arguments[0])
        environment = {"PATH": os.environ["PATH"], "HOME": state, "STATE": state, "TMPDIR": state, **variables}
        started = subprocess.Popen(
            [program, *arguments[1:]],
            cwd=state,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            _wait_until_ready(started, ready_url, log)
            yield
        finally:
            end_process_group(started.pid, started)


def _wait_until_ready(started: subprocess.Popen[bytes], url: str, log: Path) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and started.poll() is None:
        try:
            with opener.open(url, timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    raise DidNotStart(
        f"{log.stem} did not become ready; the end of its log:\n{log.read_text(errors='replace')[-3000:]}"
    )


@contextmanager
def ogx() -> Iterator[list[Server]]:
    """OGX before a model that speaks chat completions."""
    port = free_port(HOST)
    with ChatModel() as model:
        arguments = ["ogx", "run", str(CONFIGS / "ogx.yaml"), "--insecure", "--port", str(port)]
        variables = {"MODEL_URL": model.base_url}
        with process("ogx", arguments, variables, f"http://{HOST}:{port}/v1/models"):
            yield [_server("OGX", "ogx", "/v1", "chat completions", port, f"chat/{MODEL}", model)]


@contextmanager
def litellm() -> Iterator[list[Server]]:
    """The LiteLLM proxy: its ways to a server with responses, and the one to a server with chat completions only."""
    port = free_port(HOST)
    with ChatModel() as chat, OpenAIStandIn(duration_s=1) as standin:
        standin.script(*SCRIPTS)
        arguments = ["litellm", "--config", str(CONFIGS / "litellm.yaml"), "--host", HOST, "--port", str(port)]
        variables = {
            "MODEL_URL": chat.base_url,
            "RESPONSES_URL": standin.base_url,
            "OPENAI_API_BASE": standin.base_url.removesuffix("/v1"),
            "OPENAI_API_KEY": standin.api_key,
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        }
        with process("litellm", arguments, variables, f"http://{HOST}:{port}/health/readiness"):
            yield [
                _server("LiteLLM", "litellm", path, "responses", port, RESPONSES_MODEL, standin)
                for path in ("/v1", "/openai/v1", "/openai_passthrough/v1")
            ] + [_server("LiteLLM", "litellm", "/v1", "chat completions", port, "chat", chat)]


SCRIPTS = (
    Script(match=lambda asked: SLOWLY in json.dumps(asked), duration_s=SLOW_SECONDS, times=None),
    Script(
        match=lambda asked: bool(asked.get("tools")) and "function_call_output" not in json.dumps(asked["input"]),
        output=[{"type": "function_call", "name": "look_up", "call_id": "call_1", "arguments": ARGUMENTS}],
        times=None,
    ),
)
"""What the stand-in does as the other model does."""


def _server(
    name: str, package: str, path: str, behind: str, port: int, model_name: str, model: ChatModel | OpenAIStandIn
) -> Server:
    def received() -> str:
        asked = model.requests if isinstance(model, ChatModel) else [each.body for each in model.requests]
        return json.dumps(asked, ensure_ascii=False)

    def runs() -> int:
        return len(model.requests) if isinstance(model, ChatModel) else model.counters()["runs_started"]

    version, url = version_of(package, package), f"http://{HOST}:{port}{path}"
    return Server(name, package, version, path, behind, url, model_name, received, runs)
