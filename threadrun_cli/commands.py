"""The commands, their options and their exit status."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from threadrun import __version__
from threadrun_cli.check import check_file
from threadrun_cli.report import as_json, as_sarif, as_text

app = typer.Typer(
    name="threadrun",
    help="OpenAI thread runs as CloudFormation resources: checks templates, and tells what became of runs.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


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
    findings = [finding for file in files for finding in check_file(file)]
    write = {Format.text: as_text, Format.json: as_json, Format.sarif: as_sarif}[form]
    typer.echo(write(findings), nl=False)
    errors = sum(each.level == "error" or strict for each in findings)
    if form is Format.text:
        counted = f"{len(files)} template{'' if len(files) == 1 else 's'} checked"
        typer.echo(f"{counted}, {errors} error{'' if errors == 1 else 's'}", err=True)
    if any(each.rule == "template" for each in findings) or not files:
        raise typer.Exit(2)
    raise typer.Exit(1 if errors else 0)


def _files(path: Path) -> Iterator[Path]:
    """The file, or the templates that the AWS CDK has written to a folder."""
    yield from sorted(path.glob("**/*.template.json")) if path.is_dir() else [path]
