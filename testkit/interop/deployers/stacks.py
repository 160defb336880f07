"""What each tool is asked to do with its stack, and what came of it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from local.deployment import ROOT, SAM, SAM_DEFAULTS, Application, build, deploy, stack_outputs, stack_status
from local.embedded_cloud import EmbeddedCloud
from local.openai_standin import OpenAIStandIn, Script
from testkit.cdk import PYTHON, PYTHON_VARIABLES
from testkit.interop.page import WORKS
from testkit.interop.servers import ENVIRONMENTS, version_of

HERE = Path(__file__).parent
FIRST, SECOND, FAILING = "What is a stack?", "What is an update?", "What is a bad day?"
REASON = "The model had a bad day."
PATIENCE_SECONDS = 240
AWS = ENVIRONMENTS / "deployers" / "bin" / "aws"
CDK = ENVIRONMENTS / "cdk" / "node_modules" / ".bin" / "cdk"


class Wrong(Exception):
    """A step did not go as it has to; the text says how."""


@dataclass
class Tool:
    """A tool, the stack that it deploys, and where; `put` and `remove` return its exit status and its output."""

    name: str
    version: str
    stack: str
    where: Where

    def put(self, question: str) -> tuple[int, str]:
        raise NotImplementedError

    def remove(self) -> tuple[int, str]:
        raise NotImplementedError


@dataclass(frozen=True)
class Where:
    """The cloud, the application in it, and the API that the application asks."""

    cloud: EmbeddedCloud
    application: Application
    api: OpenAIStandIn
    directory: Path

    def run(self, *command: str | Path, **variables: str) -> tuple[int, str]:
        """Run a program with nothing of this machine's AWS configuration; returns its exit status and its output."""
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        environment = {**kept, "HOME": str(self.directory), **self.cloud.environment(), **variables}
        arguments = [str(part) for part in command]
        result = subprocess.run(
            arguments, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=PATIENCE_SECONDS
        )
        return result.returncode, result.stdout + result.stderr

    def overrides(self, question: str) -> list[str]:
        return ["--parameter-overrides", f"ServiceToken={self.application.service_token}", f"Question={question}"]


class AwsCli(Tool):
    """`aws cloudformation deploy` of a template file."""

    template = ROOT / "docs" / "examples" / "question.yaml"

    def put(self, question: str) -> tuple[int, str]:
        asked: list[str | Path] = [
            "--stack-name",
            self.stack,
            "--template-file",
            self.template,
            *self.where.overrides(question),
        ]
        return self.where.run(AWS, "cloudformation", "deploy", *asked)

    def remove(self) -> tuple[int, str]:
        self.where.run(AWS, "cloudformation", "delete-stack", "--stack-name", self.stack)
        return self.where.run(AWS, "cloudformation", "wait", "stack-delete-complete", "--stack-name", self.stack)


class Troposphere(AwsCli):
    """A template that troposphere wrote, deployed the same way."""

    def put(self, question: str) -> tuple[int, str]:
        python, self.template = ENVIRONMENTS / "deployers" / "bin" / "python", self.where.directory / "troposphere.json"
        status, text = self.where.run(python, HERE / "troposphere_app.py")
        if status:
            return status, text
        self.template.write_text(text)
        return super().put(question)


class Sam(Tool):
    """`sam deploy` of an app with a function."""

    def put(self, question: str) -> tuple[int, str]:
        asked: list[str | Path] = ["--stack-name", self.stack, "--template-file", HERE / "sam_app.yaml", "--resolve-s3"]
        asked += ["--capabilities", "CAPABILITY_IAM", "--config-env", SAM_DEFAULTS, "--no-progressbar"]
        return self.where.run(SAM, "deploy", *asked, *self.where.overrides(f'"{question}"'))  # It splits at spaces.

    def remove(self) -> tuple[int, str]:
        asked = ["--stack-name", self.stack, "--no-prompts", "--region", self.where.cloud.region]
        return self.where.run(SAM, "delete", *asked, "--config-env", SAM_DEFAULTS)


class Cdk(Tool):
    """`cdk deploy` of an app with a construct of ours."""

    def put(self, question: str) -> tuple[int, str]:
        return self._cdk("deploy", question, "--require-approval", "never")

    def remove(self) -> tuple[int, str]:
        return self._cdk("destroy", FIRST, "--force")

    def _cdk(self, command: str, question: str, *more: str) -> tuple[int, str]:
        output = self.where.directory / "cdk.out"
        asked = [f"--app={PYTHON} {HERE / 'cdk_app.py'}", f"--output={output}", "--no-notices", *more]
        variables = {
            **PYTHON_VARIABLES,
            "SERVICE_TOKEN": self.where.application.service_token,
            "QUESTION": question,
            "CDK_DISABLE_CLI_TELEMETRY": "true",
        }
        return self.where.run(CDK, command, self.stack, *asked, **variables)


def expect(holds: object, otherwise: str) -> None:
    """Raise `Wrong` where this does not hold."""
    if not holds:
        raise Wrong(otherwise)


def _put_well(tool: Tool, question: str) -> None:
    status, text = tool.put(question)
    expect(status == 0, f"exit status {status}: {text[-300:]}")
    answer = stack_outputs(tool.where.cloud, tool.stack)["Answer"]
    expect(question in answer, f"the output Answer is {answer!r}")
    expect(tool.where.api.counters()["responses"] == 1, "not one run is at the server")


def create(tool: Tool) -> None:
    _put_well(tool, FIRST)


def update(tool: Tool) -> None:
    _put_well(tool, SECOND)


def fail(tool: Tool) -> None:
    status, _ = tool.put(FAILING)
    expect(status != 0, "the tool reports a success")
    now = stack_status(tool.where.cloud, tool.stack)
    expect(now == "UPDATE_ROLLBACK_COMPLETE", f"the stack is {now}")
    events = tool.where.cloud.client("cloudformation").describe_stack_events(StackName=tool.stack)["StackEvents"]
    expect(any(REASON in event.get("ResourceStatusReason", "") for event in events), "no event has the reason")
    expect(SECOND in stack_outputs(tool.where.cloud, tool.stack)["Answer"], "the answer of before is not back")


def prints_reason(tool: Tool) -> None:
    _, text = tool.put(FAILING)
    expect(REASON in " ".join(text.split()), "only the stack's events have the reason")


def delete(tool: Tool) -> None:
    status, text = tool.remove()
    expect(status == 0, f"exit status {status}: {text[-300:]}")
    now = stack_status(tool.where.cloud, tool.stack)
    expect(now == "DELETE_COMPLETE", f"the stack is {now}")
    left = {name: tool.where.api.counters()[name] for name in ("responses", "conversations")}
    expect(not any(left.values()), f"at the server are left {left}")


STEPS: dict[str, Callable[[Tool], None]] = {
    "create": create,
    "update": update,
    "a run that fails rolls back": fail,
    "the tool prints the run's reason": prints_reason,
    "delete": delete,
}


def outcome(tool: Tool, step: Callable[[Tool], None]) -> str:
    try:
        step(tool)
    except Wrong as wrong:
        return f"no: {wrong}" if step is prints_reason else f"wrong: {wrong}"
    except subprocess.TimeoutExpired:
        return f"wrong: it did not end within {PATIENCE_SECONDS} s"
    return WORKS


def play_deployers(say: Callable[[str], None]) -> dict[str, Any]:
    """Take every step with every tool; returns the tools, and the outcomes of each step in their order."""
    outcomes: dict[str, list[str]] = {name: [] for name in STEPS}
    failing = Script(match=FAILING, error=("invalid_prompt", REASON), times=None)
    with OpenAIStandIn(duration_s=1) as api, EmbeddedCloud() as cloud, TemporaryDirectory() as directory:
        api.script(failing)
        application = deploy(cloud, build(), openai_base_url=api.base_url, api_key=api.api_key)
        where = Where(cloud, application, api, Path(directory))
        tools = [
            AwsCli("`aws cloudformation deploy`", version_of("deployers", "awscli"), "awscli", where),
            Troposphere("troposphere", version_of("deployers", "troposphere"), "troposphere", where),
            Sam("`sam deploy`", _sam_version(where), "samapp", where),
            Cdk("`cdk deploy`", where.run(CDK, "--version")[1].split()[0], "cdk", where),
        ]
        for tool in tools:
            for name, step in STEPS.items():
                outcomes[name].append(outcome(tool, step))
                say(f"{tool.name} {tool.version}: {name}: {outcomes[name][-1]}")
    return {"tools": [{"name": tool.name, "version": tool.version} for tool in tools], "steps": outcomes}


def _sam_version(where: Where) -> str:
    return where.run(SAM, "--version")[1].split()[-1]
