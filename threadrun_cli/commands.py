"""The commands, their options and their exit status."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from threadrun import __version__
from threadrun_cli.check import check_file
from threadrun_cli.findings import Finding
from threadrun_cli.report import as_json, as_sarif, as_text

app = typer.Typer(
    name="threadrun",
    help="OpenAI thread runs as CloudFormation resources: checks templates, and tells what became of runs.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


NONE = "is a folder without *.template.json: run `cdk synth`, or name the templates themselves"
Application = Annotated[str, typer.Option(help="The name of the application's stack.")]
Region = Annotated[str | None, typer.Option(help="By default that of your AWS configuration.")]
Endpoint = Annotated[str | None, typer.Option(help="Of another AWS, such as the embedded cloud.")]


class Format(StrEnum):
    text = "text"
    json = "json"
    sarif = "sarif"


@app.callback(invoke_without_command=True)
def version(show: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False) -> None:
    if show:
        typer.echo(__version__)
        raise typer.Exit


@app.command()
def validate(
    templates: Annotated[
        list[Path],
        typer.Argument(help="Templates of CloudFormation or SAM, or folders as cdk.out.", show_default=False),
    ],
    form: Annotated[Format, typer.Option("--format", help="What is written to stdout.")] = Format.text,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings count as errors.")] = False,
) -> None:
    """Check templates before they are deployed, without AWS or OpenAI.

    Exit status: 0 where nothing is wrong, 1 where there are errors, 2 where a template cannot be read.
    """
    files = [file for each in templates for file in _files(each)]
    checked = [check_file(file) for file in files]
    findings = [finding for each in checked for finding in each.findings]
    findings += [Finding(str(each), 1, 1, "error", "template", NONE) for each in templates if not list(_files(each))]
    write = {Format.text: as_text, Format.json: as_json, Format.sarif: as_sarif}[form]
    typer.echo(write(findings), nl=False)
    errors = sum(each.level == "error" or strict for each in findings)
    if form is Format.text:
        read, resources = sum(each.is_read for each in checked), sum(each.resources for each in checked)
        counted = f"{_counted(read, 'template')} checked, {_counted(resources, 'resource')} of the application"
        typer.echo(f"{counted}, {_counted(errors, 'error')}", err=True)
    if any(each.rule == "template" for each in findings):
        raise typer.Exit(2)
    raise typer.Exit(1 if errors else 0)


@app.command()
def why(
    stack: Annotated[str, typer.Argument(help="The name of the stack that failed.", show_default=False)],
    application: Application = "threadrun",
    region: Region = None,
    endpoint_url: Endpoint = None,
) -> None:
    """Say why a stack failed: the reason, the run, its log lines, and what to do."""
    from threadrun_cli.why import Stacks, WhyError, show

    try:
        client = _clients(region, endpoint_url)
        status, failures = Stacks(client, application).failures(stack)
    except WhyError as error:
        raise _failed("why", error) from None
    show(Console(highlight=False, soft_wrap=True), stack, status, failures)


@app.command()
def runs(
    application: Application = "threadrun",
    table: Annotated[str | None, typer.Option(help="Its output TableName, in place of its stack.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write the timeline to this file.")] = None,
    last: Annotated[int, typer.Option(help="How many runs to show.")] = 200,
    region: Region = None,
    endpoint_url: Endpoint = None,
) -> None:
    """List runs, failed and rolled-back ones too, and where their time went."""
    from botocore.exceptions import BotoCoreError, ClientError

    from threadrun_cli.recorded_runs import TableError
    from threadrun_cli.runs import show
    from threadrun_cli.why import Stacks, WhyError

    try:
        client = _clients(region, endpoint_url)
        show(client("dynamodb"), table or Stacks(client, application).table_name(), time.time(), last, html)
    except (TableError, WhyError, BotoCoreError, ClientError, OSError) as error:
        raise _failed("runs", error) from None


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


def _clients(region: str | None, endpoint_url: str | None) -> Callable[[str], Any]:
    """boto3's clients, with its own search for credentials; imported here, as `validate` needs none of it."""
    import boto3

    def client(name: str) -> Any:
        try:
            return boto3.client(name, region_name=region, endpoint_url=endpoint_url)  # type: ignore[call-overload]
        except ValueError as error:
            raise OSError(str(error)) from None

    return client


def _failed(command: str, error: Exception) -> typer.Exit:
    typer.echo(f"threadrun {command}: {error}", err=True)
    return typer.Exit(1)


def _files(path: Path) -> Iterator[Path]:
    """The file, or the templates that the AWS CDK has written to a folder."""
    yield from sorted(path.glob("**/*.template.json")) if path.is_dir() else [path]
