"""`make demo`: the main job from start to end on an embedded cloud, shown as it happens.

Deploys the application with the SAM CLI, then a stack with a question in it; shows the run's attributes and the
answer, deletes the stack, checks that nothing is left, and shows where the time went. With OPENAI_API_KEY set
(and optionally OPENAI_BASE_URL, OPENAI_MODEL) that API is asked; otherwise the local stand-in answers.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import openai
from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

from local.deployment import (
    BUILD,
    ROOT,
    Application,
    DeploymentError,
    build,
    deploy,
    stack_outputs,
    stack_status,
    wait_for_stack,
)
from local.embedded_cloud import EmbeddedCloud, EmbeddedCloudError
from local.openai_standin import OpenAIStandIn
from local.recorded_runs import read_runs
from local.runs import runs_table
from local.timeline_page import timeline_page
from threadrun.output_bucket import OutputBucket
from threadrun.record import RunRecord, resource_key
from threadrun.store import Store, public_key

EXAMPLE = ROOT / "docs" / "examples" / "question.yaml"
EXAMPLE_STACK = "question"
STANDIN_RUN_SECONDS = 6
TIMELINE = BUILD / "timeline.html"
OPENAI_BASE_URL = "https://api.openai.com/v1"


@dataclass(frozen=True)
class Api:
    """The OpenAI API that the demo talks to."""

    name: str
    base_url: str
    key: str
    model: str | None


@contextmanager
def chosen_api() -> Iterator[Api]:
    """OpenAI itself where a key is set, else a stand-in for as long as the block runs."""
    key = os.environ.get("OPENAI_API_KEY")
    if key:
        url = os.environ.get("OPENAI_BASE_URL") or OPENAI_BASE_URL
        yield Api(url, url, key, os.environ.get("OPENAI_MODEL"))
        return
    with OpenAIStandIn(duration_s=STANDIN_RUN_SECONDS, queued_s=1) as standin:
        yield Api("a local stand-in (set OPENAI_API_KEY to ask OpenAI)", standin.base_url, standin.api_key, None)


class Demo:
    """One run of the demo; each step prints what it does and how long it took."""

    def __init__(self, console: Console, cloud: EmbeddedCloud, api: Api) -> None:
        self._console, self._cloud, self._api = console, cloud, api
        self._began = time.monotonic()
        self._shown: set[str] = set()

    def play(self) -> None:
        """Raises `DeploymentError` with the reason where anything does not end as it should."""
        application = self._deploy_application()
        self._create_stack(application)
        record = self._run_record(application)
        if record is None or record.physical_id is None:
            raise DeploymentError("the stack is complete, but the table has no record of its run")
        self._show_run(application, record)
        runs, page = self._runs(application)
        self._delete_stack(application)
        self._check_nothing_is_left(application, record)
        self._console.print(runs)
        TIMELINE.write_text(page)
        self._say(f"where the time went, as a picture: [cyan]{TIMELINE.relative_to(ROOT)}[/cyan]")

    def _say(self, text: str) -> None:
        self._console.print(f"[dim]{time.monotonic() - self._began:6.1f} s[/dim]  {text}")

    def _deploy_application(self) -> Application:
        with self._console.status("sam build"):
            template = build()
        self._say("sam build: the functions and their layer are built")
        with self._console.status("sam deploy"):
            application = deploy(self._cloud, template, openai_base_url=self._api.base_url, api_key=self._api.key)
        self._say(f"sam deploy: ServiceToken is [cyan]{application.service_token}[/cyan]")
        return application

    def _create_stack(self, application: Application) -> None:
        parameters = {"ServiceToken": application.service_token}
        if self._api.model:
            parameters["Model"] = self._api.model
        self._cloud.client("cloudformation").create_stack(
            StackName=EXAMPLE_STACK,
            TemplateBody=EXAMPLE.read_text(),
            Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()],
        )
        status = self._watch(application)
        if status != "CREATE_COMPLETE":
            raise DeploymentError(f"the example stack is {status}: {self._failure()}")

    def _watch(self, application: Application) -> str:
        """Show stack events and the run's status as they come, until the operation has ended."""
        run_status = "not started"
        began = time.monotonic()
        with self._console.status("") as line:

            def look(stack_status: str) -> None:
                nonlocal run_status
                self._show_new_events()
                record = self._run_record(application)
                if record and record.status and record.status != run_status:
                    run_status = record.status
                    self._say(f"  run     [magenta]{run_status}[/magenta]")
                waiting = f", {record.waiting_for}" if record and record.waiting_for else ""
                line.update(f"{stack_status}{waiting}, {time.monotonic() - began:.0f} s")

            return wait_for_stack(self._cloud, EXAMPLE_STACK, timeout_seconds=600, on_look=look)

    def _show_new_events(self) -> None:
        for event in reversed(self._events()):
            if event["EventId"] not in self._shown:
                self._shown.add(event["EventId"])
                status = event["ResourceStatus"]
                colour = "red" if "FAILED" in status else "green" if status.endswith("_COMPLETE") else "yellow"
                reason = event.get("ResourceStatusReason") or ""
                self._say(f"  stack   {event['LogicalResourceId']} [{colour}]{status}[/{colour}] {escape(reason)}")

    def _events(self) -> list[dict[str, Any]]:
        if stack_status(self._cloud, EXAMPLE_STACK) == "DELETE_COMPLETE":
            return []
        events = self._cloud.client("cloudformation").describe_stack_events(StackName=EXAMPLE_STACK)
        return list(events["StackEvents"])

    def _failure(self) -> str:
        reasons = [
            event.get("ResourceStatusReason", "")
            for event in self._events()
            if event["ResourceStatus"].endswith("_FAILED")
        ]
        return reasons[-1] if reasons else "no reason is known"

    def _run_record(self, application: Application) -> RunRecord | None:
        stacks = self._cloud.client("cloudformation").describe_stacks()["Stacks"]
        found = [stack["StackId"] for stack in stacks if stack["StackName"] == EXAMPLE_STACK]
        if not found:
            return None
        record = self._store(application).load(resource_key(found[0], "Run"))
        return next((made for made in record.made.values() if isinstance(made, RunRecord)), None) if record else None

    def _store(self, application: Application) -> Store:
        outputs = OutputBucket(lambda: self._cloud.client("s3"), "only read here")
        return Store(self._cloud.client("dynamodb"), application.table_name, outputs)

    def _show_run(self, application: Application, record: RunRecord) -> None:
        attributes = self._store(application).read_attributes(record.physical_id or "") or {}
        table = Table(title=f"DynamoDB item {public_key(record.physical_id or '')}", title_justify="left")
        table.add_column("attribute", style="cyan")
        table.add_column("value", overflow="fold")
        for name, value in sorted(attributes.items()):
            if name != "output_text":
                table.add_row(name, escape(str(value)))
        self._console.print(table)
        answer = stack_outputs(self._cloud, EXAMPLE_STACK)["Answer"]
        self._console.print(
            Panel(escape(answer), title="Stack output Answer", title_align="left", border_style="green")
        )

    def _runs(self, application: Application) -> tuple[Table, str]:
        """The runs as a table and as a page. That an answer was taken is noted a moment after CloudFormation has it."""
        for _ in range(50):
            now = time.time()
            runs = read_runs(self._cloud.client("dynamodb"), application.table_name, now)
            if not any(run.is_under_way for run in runs):
                break
            time.sleep(0.1)
        return runs_table(application.table_name, runs), timeline_page(application.table_name, runs, now)

    def _delete_stack(self, application: Application) -> None:
        self._cloud.client("cloudformation").delete_stack(StackName=EXAMPLE_STACK)
        status = self._watch(application)
        if status != "DELETE_COMPLETE":
            raise DeploymentError(f"the example stack is {status}: {self._failure()}")
        self._say("  stack   [green]DELETE_COMPLETE[/green]")

    def _check_nothing_is_left(self, application: Application, record: RunRecord) -> None:
        client = openai.OpenAI(api_key=self._api.key, base_url=self._api.base_url)
        left = []
        if _exists(lambda: client.responses.retrieve(record.run_id or "")):
            left.append(f"response {record.run_id}")
        if _exists(lambda: client.conversations.retrieve(record.thread_id or "")):
            left.append(f"conversation {record.thread_id}")
        if self._store(application).read_attributes(record.physical_id or ""):
            left.append(f"item {public_key(record.physical_id or '')}")
        if left:
            raise DeploymentError(f"the stack is deleted, but these are left: {', '.join(left)}")
        self._say("nothing is left: response, conversation and item are gone")


def _exists(look: Any) -> bool:
    try:
        look()
    except openai.NotFoundError:
        return False
    return True


def main() -> int:
    """Play the demo; exit status 1, with the reason, where it fails."""
    console = Console(highlight=False)
    began = time.monotonic()
    try:
        with chosen_api() as api:
            console.print(f"[bold]An OpenAI thread run as a CloudFormation resource[/bold]\nAPI: {api.name}")
            with EmbeddedCloud() as cloud:
                Demo(console, cloud, api).play()
    except (DeploymentError, EmbeddedCloudError, openai.OpenAIError) as error:
        console.print(f"[bold red]The demo failed:[/bold red] {escape(str(error))}")
        return 1
    except KeyboardInterrupt:
        console.print("[bold red]Interrupted[/bold red]")
        return 130
    console.print(f"[bold green]Done[/bold green] in {time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
