"""`make up` and `make down`: start the embedded cloud with the application, leave it running, and stop it."""

import argparse
import json
import os
import signal
import subprocess
import sys

from local.demo import OPENAI_BASE_URL, STANDIN_RUN_SECONDS
from local.deployment import BUILD, ROOT, DeploymentError, build, deploy
from local.embedded_cloud import EmbeddedCloud, EmbeddedCloudError
from local.embedded_cloud.process_group import running_processes

STATE = BUILD / "up"
_STANDIN = STATE / "standin.json"
ANY_FUNCTION = "arn:aws:lambda:*:*:function:*"
"""Runs may name every function as a handler: this cloud has only your own."""


def start() -> None:
    """Start everything and print how to reach it; raise `DeploymentError` if it is running already."""
    if EmbeddedCloud.running_in(STATE) is not None:
        raise DeploymentError("it is running already: `make down` stops it")
    STATE.mkdir(parents=True, exist_ok=True)
    cloud = EmbeddedCloud(state_directory=STATE, stop_on_exit=False)
    try:
        cloud.start()
        key = os.environ.get("OPENAI_API_KEY")
        url = os.environ.get("OPENAI_BASE_URL") or OPENAI_BASE_URL
        if not key:
            url, key = _start_standin()
        application = deploy(cloud, build(), openai_base_url=url, api_key=key, ToolFunctionArns=ANY_FUNCTION)
    except BaseException:
        stop()
        cloud.stop()
        raise
    print(f"The embedded cloud listens on {cloud.endpoint}; `make down` stops it.\n")
    for name, value in cloud.environment().items():
        print(f"export {name}={value}")
    print(f"\nServiceToken      {application.service_token}")
    print(f"TableName         {application.table_name}")
    print(f"StateMachineArn   {application.state_machine_arn}")
    print(f"OpenAI API        {url}")


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
    _STANDIN.write_text(json.dumps({"pid": process.pid, "base_url": base_url}))
    return base_url, key


def stop() -> None:
    """Stop what `start` left running, if anything."""
    cloud = EmbeddedCloud.running_in(STATE)
    if cloud is not None:
        cloud.stop()
    if _STANDIN.exists():
        pid = json.loads(_STANDIN.read_text())["pid"]
        # The system reuses ids: end the process only if it is still the stand-in.
        if any(each.pid == pid and "local.openai_standin" in each.command for each in running_processes()):
            os.kill(pid, signal.SIGTERM)
        _STANDIN.unlink()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m local.up", description=__doc__)
    parser.add_argument("--stop", action="store_true", help="stop what is running")
    try:
        stop() if parser.parse_args().stop else start()
    except (DeploymentError, EmbeddedCloudError) as error:
        print(f"make up failed: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
