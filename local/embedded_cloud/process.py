"""Runs the emulator as a process of its own, with a clean environment, and ends it with all its children."""

import atexit
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import boto3
import botocore.session

from local.embedded_cloud.process_group import end_process_group, free_port

HOST = "127.0.0.1"
DEFAULT_ACCOUNT = "000000000000"
DEFAULT_REGION = "us-east-1"
START_TIMEOUT_SECONDS = 30.0
_PROJECT_ROOT = Path(__file__).resolve().parents[2]
_SECRET_KEY = "test"  # noqa: S105 - the emulator takes any
_STATE_FILE, _LOG_FILE = "cloud.json", "cloud.log"
BUSY_SECONDS = 300.0
"""For lists: the emulator is one process, and with a thousand runs at once it answers late."""
# A proxy of the host must not see requests to 127.0.0.1.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class EmbeddedCloudError(RuntimeError):
    """The emulator did not start, or refused a control request."""


def call(endpoint: str, method: str, path: str, body: Any = None, timeout_seconds: float = 30.0) -> Any:
    """Return the JSON reply to a control request; EmbeddedCloudError when it fails."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(endpoint + path, data=data, method=method)
    try:
        with _opener.open(request, timeout=timeout_seconds) as response:
            return json.loads(response.read() or b"null")
    except (OSError, ValueError) as error:
        raise EmbeddedCloudError(f"cannot {method} {path}: {error}") from error


def environment_of_clients(endpoint: str, region: str, account: str = DEFAULT_ACCOUNT) -> dict[str, str]:
    """Return the variables that make AWS clients talk to this endpoint only."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": account,
        "AWS_SECRET_ACCESS_KEY": _SECRET_KEY,
        "AWS_DEFAULT_REGION": region,
        "AWS_REGION": region,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "SAM_CLI_TELEMETRY": "0",
    }


@dataclass(kw_only=True, eq=False)
class EmbeddedCloud:
    """A local AWS on a free port of 127.0.0.1; a context manager."""

    state_directory: Path | None = None
    iam_enforced: bool = False
    """Lambda roles are enforced."""
    strict: bool = True
    """False runs stock ministack."""
    retry_seconds: float = 1.0
    """Wait before the first retry of an asynchronous invocation (AWS: 60), doubled for the second."""
    functions_at_once: int | None = None
    """Limit of each function's processes: what is beyond it waits, so that a small machine is not overrun."""
    concurrent_executions: int = 1000
    """Limit of the account: what is beyond it is refused, as on AWS, where new accounts have 10."""
    patches: Sequence[str] = ()
    """Names of modules that patch it further by their `install()`, as those of `testkit.emulator`."""
    region: str = DEFAULT_REGION
    stop_on_exit: bool = True
    """End the cloud with this interpreter."""

    def __post_init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._session = _hermetic_session()
        self._session_lock = threading.Lock()
        self._clients: dict[tuple[str, ...], Any] = {}
        self.pid = self.port = 0

    @classmethod
    def running_in(cls, state_directory: Path) -> "EmbeddedCloud | None":
        """Return the cloud that another process started in this directory, or None when it no longer runs."""
        with contextlib.suppress(OSError, ValueError, KeyError, EmbeddedCloudError):
            state = json.loads((state_directory / _STATE_FILE).read_text())
            cloud = cls(state_directory=state_directory, region=state["region"], stop_on_exit=False)
            cloud.pid, cloud.port = state["pid"], state["port"]
            if call(cloud.endpoint, "GET", "/_strict/identity")["pid"] == cloud.pid:
                return cloud
        return None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    @property
    def endpoint(self) -> str:
        """The URL of every service; EmbeddedCloudError before start()."""
        if not self.port:
            raise EmbeddedCloudError("the embedded cloud is not running: call start() first")
        return f"http://{HOST}:{self.port}"

    def environment(self, account: str = DEFAULT_ACCOUNT) -> dict[str, str]:
        """Return the variables that make AWS clients (SDKs, sam, terraform) talk to this cloud only."""
        return environment_of_clients(self.endpoint, self.region, account)

    def client(self, service: str, account: str = DEFAULT_ACCOUNT) -> Any:
        """Return the boto3 client of one service; each 12-digit account is a cloud of its own."""
        key = (service, self.endpoint, self.region, account)
        with self._session_lock:  # boto3 sessions are not thread-safe, their clients are
            if key not in self._clients:  # making one takes longer than a request
                self._clients[key] = self._session.client(
                    service,
                    endpoint_url=self.endpoint,
                    region_name=self.region,
                    aws_access_key_id=account,
                    aws_secret_access_key=_SECRET_KEY,
                )
            return self._clients[key]

    def start(self) -> None:
        """Start the emulator and wait until it is ready; EmbeddedCloudError has the log's tail when it fails."""
        if self.pid:
            return
        directory = self._directory()
        (directory / "tmp").mkdir(parents=True, exist_ok=True)
        self.port = free_port(HOST)
        command = [sys.executable, "-m", "local.embedded_cloud", *(self.patches if self.strict else ["--stock"])]
        with (directory / _LOG_FILE).open("wb") as log:
            self._process = subprocess.Popen(
                command,
                cwd=_PROJECT_ROOT,
                env=self._clean_environment(directory),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.pid = self._process.pid
        if self.stop_on_exit:
            atexit.register(self.stop)
        self._wait_until_ready()
        state = {"pid": self.pid, "port": self.port, "region": self.region}
        (directory / _STATE_FILE).write_text(json.dumps(state))

    def stop(self) -> None:
        """Reset, then end the emulator and its function workers; does nothing when it isn't running."""
        if not self.pid:
            return
        with contextlib.suppress(EmbeddedCloudError):  # It may have died already: the next line ends what is left.
            self.reset()
        end_process_group(self.pid, self._process)
        atexit.unregister(self.stop)
        (self._directory() / _STATE_FILE).unlink(missing_ok=True)
        self._process, self.pid, self.port = None, 0, 0
        if self._temporary is not None:
            self._temporary.cleanup()
            self._temporary = None

    def reset(self) -> None:
        """Forget all resources, requests and responses, and end the function workers."""
        call(self.endpoint, "POST", "/_ministack/reset")

    def sent_events(self, account: str | None = None) -> list[dict[str, Any]]:
        """Every custom-resource event sent, oldest first, of one account or of all."""
        return self._list("events", account)

    def received_responses(self, account: str | None = None) -> list[dict[str, Any]]:
        """Every PUT to a ResponseURL: request_id, account, time_epoch_s, status, byte_length, body, counted."""
        return self._list("responses", account)

    def _list(self, kind: str, account: str | None) -> list[dict[str, Any]]:
        path = f"/_strict/{kind}?account={account or ''}"
        return list(call(self.endpoint, "GET", path, timeout_seconds=BUSY_SECONDS))

    def fail_responses(self, status: int, times: int, account: str | None = None) -> None:
        """Make the next `times` PUTs to ResponseURLs of this account, or of any, get `status` without effect."""
        call(self.endpoint, "POST", "/_strict/response-faults", {"status": status, "times": times, "account": account})

    def _directory(self) -> Path:
        if self.state_directory is None and self._temporary is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="embedded-cloud-", ignore_cleanup_errors=True)
        return Path(self._temporary.name) if self._temporary else Path(str(self.state_directory)).resolve()

    def _clean_environment(self, directory: Path) -> dict[str, str]:
        # The emulator passes its whole environment to functions, so it must contain nothing of the host's.
        limit = {"FUNCTIONS_AT_ONCE": str(self.functions_at_once)} if self.functions_at_once else {}
        return limit | {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(directory),
            "TMPDIR": str(directory / "tmp"),
            "BIND_HOST": HOST,
            "MINISTACK_HOST": HOST,
            "GATEWAY_PORT": str(self.port),
            "MINISTACK_REGION": self.region,
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "LOG_LEVEL": "WARNING",
            "MINISTACK_WORKER_THREADS": "512",
            "LAMBDA_ASYNC_RETRY_BASE_SECONDS": str(self.retry_seconds),
            "AUTH": "true" if self.iam_enforced else "false",
            "LAMBDA_ACCOUNT_CONCURRENCY": str(self.concurrent_executions),
        }

    def _wait_until_ready(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                call(self.endpoint, "GET", "/_ministack/ready", timeout_seconds=5)
                return
            except EmbeddedCloudError:
                time.sleep(0.05)
        tail = (self._directory() / _LOG_FILE).read_text(errors="replace")[-4000:]
        self.stop()
        raise EmbeddedCloudError(f"the embedded cloud did not become ready; the end of its log:\n{tail}")


def _hermetic_session() -> Any:
    """Return a boto3 session that reads neither the host's profiles nor its configuration files."""
    # Each is (key in the profile, environment variable, default, conversion): no variable, no host file.
    ignored: dict[str, Any] = {"profile": (None, None, None, None)}
    ignored |= dict.fromkeys(("config_file", "credentials_file"), (None, None, os.devnull, None))
    return boto3.session.Session(botocore_session=botocore.session.Session(session_vars=ignored))
