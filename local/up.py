"""`make up` and `make down`: start the embedded cloud with the application, leave it running, and stop it."""

import argparse
import json
import os
import shlex
import signal
import subprocess
import sys

from rich.console import Console

from local.demo import OPENAI_BASE_URL, STANDIN_RUN_SECONDS
from local.deployment import BUILD, ROOT, SAM, DeploymentError, build, deploy
from local.embedded_cloud import EmbeddedCloud, EmbeddedCloudError
from local.embedded_cloud.process_group import running_processes
from local.progress import step

STATE = BUILD / "up"
_STANDIN, _ENVIRONMENT, _SAID = "standin.json", "environment", "said.txt"
EXAMPLE = ROOT / "docs" / "examples" / "question.yaml"
ANY_FUNCTION = "arn:aws:lambda:*:*:function:*"
"""Runs may name every function as a handler: this cloud has only your own."""


def start() -> None:
    """Start everything and print how to use it; where it is running already, print that again."""
    if EmbeddedCloud.running_in(STATE) is not None:
        if not (STATE / _SAID).exists():
            raise DeploymentError("another `make up` is starting it: wait for that one, or stop it with `make down`")
        print(f"It is running already.\n\n{(STATE / _SAID).read_text()}", end="")
        return
    STATE.mkdir(parents=True, exist_ok=True)
    _forget()
    cloud = EmbeddedCloud(state_directory=STATE, stop_on_exit=False)
    try:
        said = _bring_up(cloud, Console(highlight=False))
    except BaseException:
        stop()
        cloud.stop()
        raise
    (STATE / _SAID).write_text(said)
    print(said, end="")


def _bring_up(cloud: EmbeddedCloud, console: Console) -> str:
    """Start the cloud and the API, deploy the application, and write the environment; return how to use it."""
    with step(console, "starting the embedded cloud", 3):
        cloud.start()
        key, url = os.environ.get("OPENAI_API_KEY"), os.environ.get("OPENAI_BASE_URL") or OPENAI_BASE_URL
        if not key:
            url, key = _start_standin()
    console.print(f"The embedded cloud is running at {cloud.endpoint}.")
    with step(console, "sam build", 30):
        template = build()
    console.print("The application is built.")
    with step(console, "sam deploy", 20):
        application = deploy(cloud, template, openai_base_url=url, api_key=key, ToolFunctionArns=ANY_FUNCTION)
    console.print("The application is deployed.\n")
    variables = cloud.environment() | {
        "SERVICE_TOKEN": application.service_token,
        "TABLE_NAME": application.table_name,
        "STATE_MACHINE_ARN": application.state_machine_arn,
    }
    exports = [f"export {name}={shlex.quote(value)}\n" for name, value in variables.items()]
    (STATE / _ENVIRONMENT).write_text("".join(exports))
    return _how_to_use_it(url)


def _how_to_use_it(openai_base_url: str) -> str:
    path = STATE / _ENVIRONMENT
    shown = shlex.quote(str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path))
    sam = SAM.relative_to(ROOT)
    return f"""\
To use it in this shell:

  source {shown}

The AWS CLI, the SAM CLI, Terraform and the AWS SDKs then use the embedded cloud only. SERVICE_TOKEN, TABLE_NAME and
STATE_MACHINE_ARN are the outputs of the application. Its OpenAI API is {openai_base_url}.

To deploy an example and see its answer:

  {sam} deploy --stack-name question --template-file {EXAMPLE.relative_to(ROOT)} --resolve-s3

`make down` stops everything.
"""


def _forget() -> None:
    for name in (_ENVIRONMENT, _SAID):
        (STATE / name).unlink(missing_ok=True)


def _start_standin() -> tuple[str, str]:
    key = "sk-standin"
    command = [sys.executable, "-m", "local.openai_standin", "--api-key", key]
    with (STATE / "standin.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--duration-s", str(STANDIN_RUN_SECONDS)],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
    assert process.stdout is not None
    base_url = str(json.loads(process.stdout.readline())["base_url"])
    (STATE / _STANDIN).write_text(json.dumps({"pid": process.pid, "base_url": base_url}))
    return base_url, key


def stop() -> None:
    """Stop what `start` left running, if anything."""
    cloud = EmbeddedCloud.running_in(STATE)
    if cloud is not None:
        cloud.stop()
    _forget()
    standin = STATE / _STANDIN
    if standin.exists():
        pid = json.loads(standin.read_text())["pid"]
        # The system reuses ids: end the process only if it is still the stand-in.
        if any(each.pid == pid and "local.openai_standin" in each.command for each in running_processes()):
            os.kill(pid, signal.SIGTERM)
        standin.unlink()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m local.up", description=__doc__)
    parser.add_argument("--stop", action="store_true", help="stop what is running")
    try:
        if parser.parse_args().stop:
            was_running = EmbeddedCloud.running_in(STATE) is not None
            stop()
            print("The embedded cloud is stopped." if was_running else "Nothing was running.")
        else:
            start()
    except (DeploymentError, EmbeddedCloudError) as error:
        print(f"make up failed: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
