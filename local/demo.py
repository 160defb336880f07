"""`make demo`: plays the main job from start to end on an embedded cloud and shows each step.

The demo deploys the application with the SAM CLI, then a stack with a question in it. It shows the run's attributes
and the answer, deletes the stack, checks that nothing is left, and shows where the time went and what the dashboard
has. With OPENAI_API_KEY set (and optionally OPENAI_BASE_URL, OPENAI_MODEL) it uses that API. Without a key it uses the
local stand-in and creates two more stacks: the run of one calls a function of the stack, the review of the other
refuses, so that its stack fails.
"""

import os
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openai
from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

from local.dashboard import dashboard_table, sweep
from local.deployment import (
    BUILD,
    ROOT,
    DeploymentError,
    build,
    deploy,
    stack_outputs,
    stack_status,
    wait_for_stack,
)
from local.embedded_cloud import EmbeddedCloud, EmbeddedCloudError
from local.openai_standin import OpenAIStandIn, Script
from local.progress import Elapsed, duration, expected, remember, step
from threadrun.storage.run_attributes import OutputBucket, RunAttributes, attributes_key
from threadrun_cli.recorded_runs import Run, read_runs
from threadrun_cli.runs import runs_table
from threadrun_cli.timeline_page import timeline_page

EXAMPLES = ROOT / "docs" / "examples"
QUESTION = "question"
STANDIN_RUN_SECONDS = 6


@dataclass(frozen=True)
class Example:
    """A stack of the demo, and the status that it must end with."""

    template: str
    run: str
    """The logical id of the run."""
    status: str

    @property
    def is_made(self) -> bool:
        return self.status == "CREATE_COMPLETE"


ASKED = {QUESTION: Example("question.yaml", "Run", "CREATE_COMPLETE")}
BESIDE = {
    "stock": Example("function_tool.yaml", "Question", "CREATE_COMPLETE"),
    "gate": Example("release_gate.yaml", "Gate", "ROLLBACK_COMPLETE"),
}
"""With the stand-in only, whose model's answers are known."""
_CALL = {"type": "function_call", "name": "look_up_stock", "call_id": "call_1", "arguments": {"article": "bolt"}}
SCRIPTS = (
    Script(match=lambda request: "tools" in request, output=[_CALL], duration_s=3),
    Script(match=lambda request: "tools" in request, output_text="There are no bolts in stock.", duration_s=2),
    Script(
        match={"text": {"format": {"name": "review"}}},
        output_text='{"verdict": "reject", "summary": "Dropping customers.email cannot be taken back."}',
        duration_s=4,
    ),
)
TIMELINE = BUILD / "timeline.html"
OPENAI_BASE_URL = "https://api.openai.com/v1"


@dataclass(frozen=True)
class Api:
    """The OpenAI API that the demo talks to."""

    name: str
    base_url: str
    key: str
    model: str | None
    examples: Mapping[str, Example]


@contextmanager
def chosen_api() -> Iterator[Api]:
    """Yield OpenAI itself if a key is set; otherwise start a stand-in that runs as long as the block."""
    key = os.environ.get("OPENAI_API_KEY")
    if key:
        url = os.environ.get("OPENAI_BASE_URL") or OPENAI_BASE_URL
        yield Api(url, url, key, os.environ.get("OPENAI_MODEL"), ASKED)
        return
    with OpenAIStandIn(duration_s=STANDIN_RUN_SECONDS, queued_s=1) as standin:
        standin.script(*SCRIPTS)
        name = "a local stand-in (set OPENAI_API_KEY to ask OpenAI)"
        yield Api(name, standin.base_url, standin.api_key, None, ASKED | BESIDE)


class Demo:
    """One run of the demo; each step prints what it does and how long it took."""

    def __init__(
        self, console: Console, cloud: EmbeddedCloud, api: Api, whole: Elapsed, template: Future[Path]
    ) -> None:
        self._console, self._cloud, self._api, self._whole, self._template = console, cloud, api, whole, template
        self._created: list[str] = []
        self._shown: set[str] = set()
        self._run_statuses: dict[str, str] = {}
        self._table_name = ""

    def play(self) -> None:
        """Play all steps. Raises `DeploymentError` with the reason when one of them does not end as it must."""
        self._deploy_application()
        self._create(QUESTION)
        self._await(QUESTION)
        attributes, asked = self._attributes(), self._physical_id(QUESTION)
        self._show_run(asked, attributes.read(asked))
        self._create_the_others()
        for name in self._created:
            self._await(name)
        made = [self._physical_id(name) for name, each in self._api.examples.items() if each.is_made]
        runs, now = self._answered_runs()
        self._delete_stacks()
        self._check_nothing_is_left(made, attributes)
        self._console.print(runs_table(self._table_name, runs))
        TIMELINE.write_text(timeline_page(self._table_name, runs, now))
        self._say(f"where the time went, as a picture: [cyan]{TIMELINE.relative_to(ROOT)}[/cyan]")
        sweep(self._cloud)
        self._console.print(dashboard_table(self._cloud))

    def _say(self, text: str) -> None:
        self._console.print(f"[dim]{self._whole.seconds:6.1f} s[/dim]  {text}")

    def _deploy_application(self) -> None:
        with step(self._console, "sam build", 30, self._whole):
            template = self._template.result()
        self._say("sam build: the functions and their layer are built")
        with step(self._console, "sam deploy", 20, self._whole):
            application = deploy(
                self._cloud,
                template,
                openai_base_url=self._api.base_url,
                api_key=self._api.key,
                ToolFunctionArns="arn:aws:lambda:*:*:function:stock-*",
            )
        self._table_name = application.table_name
        self._say(f"sam deploy: ServiceToken is [cyan]{application.service_token}[/cyan]")

    def _create(self, name: str) -> None:
        parameters = {"Model": self._api.model} if self._api.model else {}
        self._cloud.client("cloudformation").create_stack(
            StackName=name,
            TemplateBody=(EXAMPLES / self._api.examples[name].template).read_text(),
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
            Capabilities=["CAPABILITY_IAM"],
        )
        self._created.append(name)

    def _create_the_others(self) -> None:
        """Not before the first run is at work: functions that start at the same time wait for each other."""
        for name in self._api.examples:
            if name not in self._created:
                self._create(name)

    def _await(self, name: str) -> None:
        status, wanted = self._watch(name, "creating"), self._api.examples[name].status
        if status != wanted:
            raise DeploymentError(f"stack {name} is {status}, not {wanted}: {self._failure(name)}")

    def _watch(self, awaited: str, verb: str) -> str:
        """Show new events of the stacks and statuses of their runs until the operation on one stack has ended."""
        with step(self._console, f"{verb} {awaited}", 15, self._whole) as line:

            def look(stack_status: str) -> None:
                for name in self._created:
                    self._show_new_events(name)
                self._show_new_statuses()
                if QUESTION in self._run_statuses:
                    self._create_the_others()
                line.what = f"{awaited} {stack_status}"

            return wait_for_stack(self._cloud, awaited, timeout_seconds=600, on_look=look)

    def _show_new_statuses(self) -> None:
        for run in read_runs(self._cloud.client("dynamodb"), self._table_name, time.time()):
            status = run.status.partition(",")[0]
            if status not in ("not started", self._run_statuses.get(run.stack_name)):
                self._run_statuses[run.stack_name] = status
                self._say(f"  {run.stack_name:<8} run [magenta]{status}[/magenta]")

    def _show_new_events(self, name: str) -> None:
        for event in reversed(self._events(name)):
            if event["EventId"] not in self._shown:
                self._shown.add(event["EventId"])
                status = event["ResourceStatus"]
                colour = "red" if "FAILED" in status else "green" if status.endswith("_COMPLETE") else "yellow"
                reason = event.get("ResourceStatusReason") or ""
                self._say(f"  {name:<8} {event['LogicalResourceId']} [{colour}]{status}[/{colour}] {escape(reason)}")

    def _events(self, name: str) -> list[dict[str, Any]]:
        if stack_status(self._cloud, name) == "DELETE_COMPLETE":
            return []
        events = self._cloud.client("cloudformation").describe_stack_events(StackName=name)
        return list(events["StackEvents"])

    def _failure(self, name: str) -> str:
        failed = [each for each in self._events(name) if each["ResourceStatus"].endswith("_FAILED")]
        return str(failed[-1].get("ResourceStatusReason", "")) if failed else "no reason is known"

    def _physical_id(self, name: str) -> str:
        names = {"StackName": name, "LogicalResourceId": self._api.examples[name].run}
        found = self._cloud.client("cloudformation").describe_stack_resource(**names)
        return str(found["StackResourceDetail"]["PhysicalResourceId"])

    def _attributes(self) -> RunAttributes:
        outputs = OutputBucket(lambda: self._cloud.client("s3"), "only read here")
        return RunAttributes(self._cloud.client("dynamodb"), self._table_name, outputs)

    def _show_run(self, physical_id: str, attributes: dict[str, Any] | None) -> None:
        if not attributes:
            raise DeploymentError("the stacks are complete, but the table has no record of their runs")
        table = Table("attribute", title=f"DynamoDB item {attributes_key(physical_id)}", title_justify="left")
        table.add_column("value", overflow="fold")
        for name, value in sorted(attributes.items()):
            if name != "output_text":
                table.add_row(f"[cyan]{name}[/cyan]", escape(str(value)))
        self._console.print(table)
        answer = stack_outputs(self._cloud, QUESTION)["Answer"]
        panel = Panel(escape(answer), title="Stack output Answer", title_align="left", border_style="green")
        self._console.print(panel)

    def _answered_runs(self) -> tuple[list[Run], float]:
        """Return the runs once every record has noted its response to CloudFormation, and when that was."""
        for _ in range(50):
            now = time.time()
            runs = read_runs(self._cloud.client("dynamodb"), self._table_name, now)
            if not any(run.is_under_way for run in runs):
                break
            time.sleep(0.1)
        return runs, now

    def _delete_stacks(self) -> None:
        for name in self._api.examples:
            self._cloud.client("cloudformation").delete_stack(StackName=name)
        for name in self._api.examples:
            status = self._watch(name, "deleting")
            if status != "DELETE_COMPLETE":
                raise DeploymentError(f"stack {name} is {status}: {self._failure(name)}")
            self._say(f"  {name:<8} [green]DELETE_COMPLETE[/green]")

    def _check_nothing_is_left(self, physical_ids: list[str], attributes: RunAttributes) -> None:
        left = [f"item {attributes_key(each)}" for each in physical_ids if attributes.read(each)]
        with openai.OpenAI(api_key=self._api.key, base_url=self._api.base_url) as client:
            for thread_id, _, run_id in (each.partition(":") for each in physical_ids):
                for look, id_ in ((client.responses.retrieve, run_id), (client.conversations.retrieve, thread_id)):
                    with suppress(openai.NotFoundError):
                        look(id_)
                        left.append(id_)
        if left:
            raise DeploymentError(f"the stacks are deleted, but these are left: {', '.join(left)}")
        self._say("nothing is left: responses, conversations and items are gone")


def main() -> int:
    """Play the demo; exit status 1, with the reason, when it fails."""
    console, whole = Console(highlight=False), expected("the demo", 75)
    try:
        with chosen_api() as api:
            console.print(f"[bold]An OpenAI thread run as a CloudFormation resource[/bold]\nAPI: {api.name}")
            console.print(f"This takes about {duration(whole.expected_s)}.")
            # Neither needs the other, and each takes seconds.
            with ThreadPoolExecutor() as pool:
                template = pool.submit(build)
                with EmbeddedCloud() as cloud:
                    Demo(console, cloud, api, whole, template).play()
    except (DeploymentError, EmbeddedCloudError, openai.OpenAIError) as error:
        console.print(f"[bold red]The demo failed:[/bold red] {escape(str(error))}")
        return 1
    except KeyboardInterrupt:
        console.print("[bold red]Interrupted[/bold red]")
        return 130
    console.print(f"[bold green]Done[/bold green] in {duration(whole.seconds)}")
    remember(whole.what, whole.seconds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
