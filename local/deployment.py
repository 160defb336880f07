"""Builds the application with the SAM CLI and deploys it, and example stacks, to an embedded cloud."""

import fcntl
import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from botocore.exceptions import ClientError

from local.embedded_cloud import EmbeddedCloud

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / ".build"
SAM = ROOT / ".venv-sam" / "bin" / "sam"
PYTHON_WITH_PIP = BUILD / "installer" / "bin" / "python"
"""Builds the layer, as a user's python3 does; the environments that uv makes have no pip."""
APPLICATION_STACK = "threadrun"
SAM_DEFAULTS = "local"
"""An environment that samconfig.toml does not have, because its defaults are for deployments to AWS."""
LAYER_FOR_THIS_MACHINE = {
    "PYTHON": str(PYTHON_WITH_PIP),
    "LAYER_PLATFORM": "",
    "LAYER_COMPILER": sys.executable,
    "LAYER_PIP_ARGUMENTS": f"--no-index --find-links {BUILD / 'wheels'}",
}
"""Variables of the layer's Makefile: for this Python, from wheels that `make setup` has fetched, without a download."""
RUNTIME_PACKAGES = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six.py", "urllib3")
"""Packages of Lambda's Python runtime, by their names in site-packages; the layer does not contain them."""


class DeploymentError(RuntimeError):
    """A build, a deployment or a stack failed; the text says which one and why."""


@dataclass(frozen=True)
class Application:
    """The outputs of a deployed application, for the stacks that use it."""

    service_token: str
    table_name: str
    state_machine_arn: str


def build() -> Path:
    """Build with `sam build` for the Python that runs the functions in the emulator; return the template."""
    settings = {"PYTHONDONTWRITEBYTECODE": "", "AWS_DEFAULT_REGION": "us-east-1", "SAM_CLI_TELEMETRY": "0"}
    environment = os.environ | LAYER_FOR_THIS_MACHINE | settings
    directory, digest = BUILD / "sam", _digest_of_sources()
    built, template = directory / "digest", directory / "template.yaml"
    arguments = ["build", "--cached", "--cache-dir", str(BUILD / "sam-cache"), "--build-dir", str(directory)]
    with _locked(fcntl.LOCK_EX):
        if not (template.exists() and built.exists() and built.read_text() == digest):
            run_sam([*arguments, "--template", str(ROOT / "template.yaml")], environment)
            built.write_text(digest)
    return template


def _digest_of_sources() -> str:
    """Everything that a build reads: the CLI's own cache looks at all of it too, in several seconds."""
    digest = hashlib.sha256(sys.version.encode())
    places = (ROOT / name for name in ("functions", "layers", "statemachine", "template.yaml", "samconfig.toml"))
    found = (path for place in places for path in ([place] if place.is_file() else sorted(place.rglob("*"))))
    for path in found:
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(f"{path.relative_to(ROOT)}\0{path.stat().st_mode}\0".encode() + path.read_bytes())
    return digest.hexdigest()


@contextmanager
def _locked(kind: int) -> Iterator[None]:
    """Lock the build: tests build in several processes, and a build begins by removing the previous one."""
    with (BUILD / "sam.lock").open("w") as lock:
        fcntl.flock(lock, kind)
        yield


def reading_build() -> AbstractContextManager[None]:
    """Keep the present build until the block ends."""
    return _locked(fcntl.LOCK_SH)


def deploy(
    cloud: EmbeddedCloud,
    template: Path,
    *,
    openai_base_url: str,
    api_key: str,
    stack_name: str = APPLICATION_STACK,
    **more: str,
) -> Application:
    """Deploy the built application with `sam deploy`; raise `DeploymentError` with the end of the CLI's output.

    `more` are parameters of the template, by their names.
    """
    secret = cloud.client("secretsmanager").create_secret(Name=f"{stack_name}-api-key", SecretString=api_key)
    parameters = {
        "OpenAIBaseUrl": openai_base_url,
        "OpenAIApiKeySecretArn": secret["ARN"],
        "AllowLoopbackResponseUrl": "true",
        "LogRetentionDays": "1",
        **more,
    }
    arguments = ["deploy", "--template-file", str(template), "--stack-name", stack_name, "--resolve-s3"]
    arguments += ["--capabilities", "CAPABILITY_IAM", "--no-confirm-changeset", "--no-progressbar"]
    arguments += ["--parameter-overrides", *(f"{name}={value}" for name, value in parameters.items())]
    path = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "LANG") if name in os.environ}
    with reading_build():
        run_sam(arguments, path | cloud.environment())
    outputs = stack_outputs(cloud, stack_name)
    return Application(outputs["ServiceToken"], outputs["TableName"], outputs["StateMachineArn"])


def run_sam(arguments: list[str], environment: Mapping[str, str]) -> None:
    """Run the SAM CLI; raises `DeploymentError` with the end of its output."""
    command = [str(SAM), *arguments, "--config-env", SAM_DEFAULTS]
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    if result.returncode != 0:
        tail = "\n".join((result.stdout + result.stderr).splitlines()[-40:])
        raise DeploymentError(f"sam {arguments[0]} failed:\n{tail}")


class Clients(Protocol):
    """A cloud, or one account of it."""

    def client(self, service: str) -> Any: ...


def stack_outputs(cloud: Clients, name: str) -> dict[str, str]:
    """Return the outputs of a stack."""
    stack = cloud.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


def stack_status(cloud: Clients, name: str) -> str:
    """Return the status of a stack; DELETE_COMPLETE if it does not exist."""
    try:
        stacks = cloud.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    except ClientError:
        return "DELETE_COMPLETE"
    return str(stacks[0]["StackStatus"])


def wait_for_stack(
    cloud: Clients, name: str, *, timeout_seconds: float = 120, on_look: Callable[[str], Any] = lambda status: None
) -> str:
    """Wait until an operation on the stack has ended; return its status. `on_look` receives each status on the way."""
    deadline = time.monotonic() + timeout_seconds
    while True:
        status = stack_status(cloud, name)
        on_look(status)
        if not status.endswith("_IN_PROGRESS"):
            return status
        if time.monotonic() > deadline:
            raise DeploymentError(f"stack {name} is still {status} after {timeout_seconds:.0f} s")
        time.sleep(0.2)
