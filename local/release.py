"""`make release-check`: whether a version is fit for release, from a clean checkout of its tag, or of HEAD before that.

The version is `__version__` of the layer's package; `disagreements` holds every other place that says it to that.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import yaml
from rich.console import Console
from rich.markup import escape

from local.deployment import ROOT
from local.lock import LOCKS
from local.terraform import ENVIRONMENT, TERRAFORM, configurations, missing, provider_directory

VERSION_FILE = "layers/threadrun/threadrun/__init__.py"
CHANGELOG = "CHANGELOG.md"
TEMPLATE = "template.yaml"
MODULES = "terraform"
SNAPSHOTS = "tests/upgrade/versions"
SEMANTIC = r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)"
INSTALLED = (".venv", ".venv-sam", ".build/wheels")
"""What the checkout borrows from the tree: it is the same as long as the lock files are."""


@dataclass(frozen=True)
class Problem:
    """Something that keeps a version from being released: the file, what is wrong, and what to do."""

    where: str
    what: str
    remedy: str

    def __str__(self) -> str:
        """One line."""
        return f"{self.where}: {self.what}; {self.remedy}"


def version_of(tree: Path) -> str:
    """The version of a tree, without importing it; `ValueError` where there is none of three numbers."""
    found = re.search(r'^__version__ = "([^"]*)"$', (tree / VERSION_FILE).read_text(), re.MULTILINE)
    if found is None or re.fullmatch(SEMANTIC, found[1]) is None:
        raise ValueError(f"{VERSION_FILE} has no __version__ of the form 1.2.3")
    return found[1]


def disagreements(tree: Path) -> list[Problem]:
    """Where a tree says another version than its own: at any time, between releases too."""
    version = version_of(tree)
    problems = []
    said = _template_version(tree)
    if said != version:
        remedy = f"set SemanticVersion of AWS::ServerlessRepo::Application to {version}"
        problems.append(Problem(TEMPLATE, f"says {said}, {VERSION_FILE} says {version}", remedy))
    for readme in sorted(path for path in (tree / MODULES).rglob("README.md") if ".terraform" not in path.parts):
        for said in re.findall(r"^Version (\S+), ", readme.read_text(), re.MULTILINE):
            if said != version:
                where = str(readme.relative_to(tree))
                problems.append(Problem(where, f"says {said}, {VERSION_FILE} says {version}", "run `make reference`"))
    released = [number for number, _ in _changes(tree) if number]
    if released and released[0] != version:
        remedy = f"the newest heading with a version has to be `## {version} - <date>`"
        problems.append(Problem(CHANGELOG, f"has {released[0]}, {VERSION_FILE} says {version}", remedy))
    if released != sorted(released, key=_numbers, reverse=True):
        problems.append(Problem(CHANGELOG, f"has {', '.join(released)} in this order", "put the newest first"))
    newer = [kept for kept in _snapshots(tree) if _numbers(kept) > _numbers(version)]
    if newer:
        remedy = "raise __version__, or remove what was kept by mistake"
        problems.append(Problem(SNAPSHOTS, f"has {', '.join(newer)}, {VERSION_FILE} says {version}", remedy))
    unkept = [number for number in released if number not in _snapshots(tree)]
    if unkept:
        remedy = f"run `make snapshot VERSION={unkept[0]}` on the commit that is released"
        problems.append(Problem(SNAPSHOTS, f"lacks {', '.join(unkept)}, which {CHANGELOG} has as released", remedy))
    return problems


def unfinished(tree: Path, version: str) -> list[Problem]:
    """What is still to be done before `version` can be released from this tree."""
    problems = []
    if version_of(tree) != version:
        problems.append(Problem(VERSION_FILE, f"says {version_of(tree)}, not {version}", "set __version__"))
    changes = _changes(tree)
    if version not in [number for number, _ in changes]:
        remedy = f"move what is under Unreleased to `## {version} - <date>`"
        problems.append(Problem(CHANGELOG, f"has no heading {version}", remedy))
    elif any(text for number, text in changes if number == ""):
        remedy = f"move it to the heading {version}, or leave it for the next version"
        problems.append(Problem(CHANGELOG, "has changes under Unreleased", remedy))
    if version not in _snapshots(tree):
        remedy = f"run `make snapshot VERSION={version}` and commit what it writes"
        problems.append(Problem(SNAPSHOTS, f"has no {version}", remedy))
    return problems


def _template_version(tree: Path) -> str:
    template = yaml.load((tree / TEMPLATE).read_text(), yaml.BaseLoader)  # noqa: S506 - it makes strings only.
    metadata = template.get("Metadata", {}).get("AWS::ServerlessRepo::Application", {})
    return str(metadata.get("SemanticVersion", "no version"))


def _changes(tree: Path) -> list[tuple[str, str]]:
    """Version and text of each heading of the changelog, newest first; the version of Unreleased is empty."""
    parts = re.split(r"^## (.*)$", (tree / CHANGELOG).read_text(), flags=re.MULTILINE)[1:]
    found = []
    for heading, text in zip(parts[::2], parts[1::2], strict=True):
        number = re.fullmatch(rf"\[?({SEMANTIC})\]? - \d{{4}}-\d\d-\d\d", heading)
        found.append((number[1] if number else "", text.strip()))
    return found


def _snapshots(tree: Path) -> list[str]:
    return sorted((path.name for path in (tree / SNAPSHOTS).glob("*") if path.is_dir()), key=_numbers)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


class CheckError(RuntimeError):
    """A step of the check failed; the text is the last of what its command said."""


@contextmanager
def clean_checkout(revision: str) -> Iterator[Path]:
    """The files of a commit and nothing else, with what is installed in the tree, for as long as the block runs."""
    archive = subprocess.run(["git", "archive", "--format=tar", revision], cwd=ROOT, capture_output=True, check=True)
    with tempfile.TemporaryDirectory(prefix="release-check-") as directory:
        checkout = Path(directory) / "threadrun"
        with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
            files.extractall(checkout, filter="data")
        (checkout / ".build").mkdir()
        for name in INSTALLED:
            (checkout / name).symlink_to((ROOT / name).resolve())
        yield checkout


def locks_that_differ(checkout: Path) -> list[Problem]:
    """What is installed is what the tree's lock files say."""
    changed = [lock for lock in LOCKS.values() if not _same(checkout / lock, ROOT / lock)]
    remedy = "check that commit out and run `make setup`"
    return [Problem(lock, "is not the one that is installed here", remedy) for lock in changed]


def _same(one: Path, other: Path) -> bool:
    return one.exists() and other.exists() and one.read_bytes() == other.read_bytes()


def _run(checkout: Path, *command: str | Path, folder: str = ".", **variables: str) -> None:
    environment = os.environ | {"SAM_CLI_TELEMETRY": "0", "AWS_DEFAULT_REGION": "us-east-1"} | variables
    result = subprocess.run(
        [str(part) for part in command], cwd=checkout / folder, env=environment, capture_output=True, text=True
    )
    if result.returncode != 0:
        raise CheckError("\n".join((result.stdout + result.stderr).strip().splitlines()[-20:]))


def steps(checkout: Path) -> Iterator[tuple[str, str, Callable[[], None]]]:
    """What has to work in a checkout: its name, what to do where it does not, and the step itself.

    The layer is built for this machine's Python, from wheels that are here; for Lambda's it is built by who deploys.
    """
    python, sam = checkout / ".venv/bin/python", checkout / ".venv-sam/bin/sam"
    own = {"PYTHONPATH": str(checkout / "layers/threadrun")}
    build = "from local.deployment import build; build()"
    yield (
        "reference pages and tables",
        "run `make reference` and commit what it writes",
        lambda: _run(checkout, python, "-m", "local.reference", "--check", **own),
    )

    def validated_and_built() -> None:
        _run(checkout, sam, "validate", "--lint", "--template", TEMPLATE)
        _run(checkout, python, "-c", build, **own)

    yield "sam validate --lint, sam build", f"correct {TEMPLATE}, or what is named", validated_and_built
    if missing() is not None:
        yield "terraform validate", "install it, with a copy of the provider", _without_terraform
        return
    for folder in configurations(checkout / MODULES):
        name = str(folder.relative_to(checkout))
        yield f"terraform validate {name}", f"correct {name}", partial(_validate, checkout, name)


def _without_terraform() -> None:
    raise CheckError(missing())


def _validate(checkout: Path, folder: str) -> None:
    plugins = f"-plugin-dir={provider_directory()}"
    _run(checkout, str(TERRAFORM), "init", "-no-color", "-backend=false", plugins, folder=folder, **ENVIRONMENT)
    _run(checkout, str(TERRAFORM), "validate", "-no-color", folder=folder, **ENVIRONMENT)


def revision_of(version: str, git: Callable[..., str]) -> tuple[str, str]:
    """The tag of a version, or HEAD where there is none yet; and a sentence that says which."""
    tag = f"v{version}"
    commit = git("rev-parse", "--verify", "--quiet", f"refs/tags/{tag}^{{commit}}")
    if commit:
        return commit, f"from its tag {tag} ({commit[:7]})"
    head = git("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    changed = ", without the changes that are not committed" if git("status", "--porcelain") else ""
    return head, f"from HEAD ({head[:7]}), as there is no tag {tag} yet{changed}"


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True).stdout.strip()


def check(version: str, console: Console) -> list[Problem]:
    """Check a version, saying what is done; returns what keeps it from being released."""
    revision, words = revision_of(version, _git)
    if not revision:
        raise ValueError("this is no git repository with a commit")
    console.print(f"[bold]threadrun {version}[/bold], {words}")
    problems = []
    with clean_checkout(revision) as checkout:
        compared = unfinished(checkout, version) + disagreements(checkout)
        _tell(console, "version, changelog, metadata, upgrade snapshot", len(compared), 0)
        installed = locks_that_differ(checkout)
        _tell(console, "lock files are those that are installed", len(installed), 0)
        problems += compared + installed
        for name, remedy, step in steps(checkout):
            began = time.monotonic()
            try:
                with console.status(name):
                    step()
                failures = 0
            except CheckError as error:
                failures = 1
                problems.append(Problem(name, str(error), remedy))
            _tell(console, name, failures, time.monotonic() - began)
    return problems


def _tell(console: Console, name: str, failures: int, seconds: float) -> None:
    mark = "[red]failed[/red]" if failures else "[green]ok[/green]    "
    console.print(f"[dim]{seconds:6.1f} s[/dim]  {mark}  {escape(name)}")


def main() -> int:
    """Exit status 0 where the version can be released; otherwise 1, and what is to be done."""
    parser = argparse.ArgumentParser(prog="python -m local.release", description=__doc__)
    parser.add_argument("version", nargs="?", help="the version of the tree where left out")
    console = Console(highlight=False, soft_wrap=True)
    try:
        version = parser.parse_args().version or version_of(ROOT)
        if re.fullmatch(SEMANTIC, version) is None:
            raise ValueError(f"{version} is no version of the form 1.2.3")
        problems = check(version, console)
    except (ValueError, OSError, subprocess.CalledProcessError) as error:
        console.print(f"[bold red]The check could not be made:[/bold red] {escape(str(error))}")
        return 1
    except KeyboardInterrupt:
        console.print("[bold red]Interrupted[/bold red]")
        return 130
    for problem in problems:
        console.print(f"\n[bold red]{escape(problem.where)}[/bold red]: {escape(problem.what)}")
        console.print(f"[bold]To do:[/bold] {escape(problem.remedy)}")
    if problems:
        console.print(f"\n[bold red]{version} cannot be released yet[/bold red]: {len(problems)} to do")
        return 1
    console.print(f"[bold green]{version} can be released[/bold green]")
    return 0


if __name__ == "__main__":
    sys.exit(main())
