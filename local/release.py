"""`make release-check`: checks in a clean checkout of its tag, or of HEAD, whether a version can be released.

The version is `__version__` of the layer's package; `disagreements` compares every other place with it.
"""

import argparse
import filecmp
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

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
SNAPSHOTS, SNAPSHOT_SUFFIX = "tests/upgrade/versions", ".json.xz"
SEMANTIC = r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)"
INSTALLED = (".venv", ".venv-sam", ".build/wheels", ".build/installer")
"""The checkout links to these; they are the same as long as the lock files are."""


class Problem(NamedTuple):
    """A reason why a version cannot be released: the file, what is wrong, and what to do."""

    where: str
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}; {self.remedy}"


def version_of(tree: Path) -> str:
    """Return the version of a tree without importing it; `ValueError` if it does not have three numbers."""
    found = re.search(r'^__version__ = "([^"]*)"$', (tree / VERSION_FILE).read_text(), re.MULTILINE)
    if found is None or re.fullmatch(SEMANTIC, found[1]) is None:
        raise ValueError(f"{VERSION_FILE} has no __version__ of the form 1.2.3")
    return found[1]


Finding = tuple[bool, str, str, str]
"""Whether it is one, and the parts of the problem."""


def _problems(*found: Finding) -> list[Problem]:
    return [Problem(*words) for is_problem, *words in found if is_problem]


def disagreements(tree: Path) -> list[Problem]:
    """Return where a tree names another version than its own; this holds between releases too."""
    version = version_of(tree)
    ours, of_template = f"{VERSION_FILE} says {version}", _template_version(tree)
    released, kept = [number for number, _ in _changes(tree) if number], _snapshots(tree)
    [newest] = released[:1] or [version]
    newer = [number for number in kept if _numbers(number) > _numbers(version)]
    unkept = [number for number in released if number not in kept]
    metadata = f"set SemanticVersion of AWS::ServerlessRepo::Application to {version}"
    heading = f"the newest heading with a version has to be `## {version} - <date>`"
    snapshot = f"run `make snapshot VERSION={unkept[0] if unkept else ''}` on the commit that is released"
    order = released != sorted(released, key=_numbers, reverse=True)
    return _problems(
        (of_template != version, TEMPLATE, f"says {of_template}, {ours}", metadata),
        *((said != version, name, f"says {said}, {ours}", "run `make reference`") for name, said in _readmes(tree)),
        (newest != version, CHANGELOG, f"has {newest}, {ours}", heading),
        (order, CHANGELOG, f"has {', '.join(released)} in this order", "put the newest first"),
        (bool(newer), SNAPSHOTS, f"has {', '.join(newer)}, {ours}", "raise __version__, or remove what is too new"),
        (bool(unkept), SNAPSHOTS, f"lacks {', '.join(unkept)}, which {CHANGELOG} has as released", snapshot),
    )


def unfinished(tree: Path, version: str) -> list[Problem]:
    """Return what remains to be done before `version` can be released from this tree."""
    own, changes = version_of(tree), _changes(tree)
    has_heading = version in [number for number, _ in changes]
    has_more = has_heading and any(text for number, text in changes if number == "")
    heading, snapshot = f"`## {version} - <date>`", f"run `make snapshot VERSION={version}` and commit what it writes"
    kept_back = f"move it to the heading {version}, or leave it for the next version"
    return _problems(
        (own != version, VERSION_FILE, f"says {own}, not {version}", "set __version__"),
        (not has_heading, CHANGELOG, f"has no heading {version}", f"move what is under Unreleased to {heading}"),
        (has_more, CHANGELOG, "has changes under Unreleased", kept_back),
        (version not in _snapshots(tree), SNAPSHOTS, f"has no {version}", snapshot),
    )


def _readmes(tree: Path) -> list[tuple[str, str]]:
    """Return the README of each module and example, and the version that it says."""
    paths = sorted(path for path in (tree / MODULES).rglob("README.md") if ".terraform" not in path.parts)
    found = [(path, re.findall(r"^Version (\S+), ", path.read_text(), re.MULTILINE)) for path in paths]
    return [(str(path.relative_to(tree)), said) for path, versions in found for said in versions]


def _template_version(tree: Path) -> str:
    template = yaml.load((tree / TEMPLATE).read_text(), yaml.BaseLoader)  # noqa: S506 - it makes strings only.
    metadata = template.get("Metadata", {}).get("AWS::ServerlessRepo::Application", {})
    return str(metadata.get("SemanticVersion", "no version"))


def _changes(tree: Path) -> list[tuple[str, str]]:
    """Return version and text of each heading of the changelog, newest first; Unreleased has an empty version."""
    released = re.compile(rf"\[?({SEMANTIC})\]? - \d{{4}}-\d\d-\d\d")
    parts = re.split(r"^## (.*)$", (tree / CHANGELOG).read_text(), flags=re.MULTILINE)[1:]
    headings = (
        (released.fullmatch(heading), text.strip()) for heading, text in zip(parts[::2], parts[1::2], strict=True)
    )
    return [(number[1] if number else "", text) for number, text in headings]


def _snapshots(tree: Path) -> list[str]:
    kept = (path.name.removesuffix(SNAPSHOT_SUFFIX) for path in (tree / SNAPSHOTS).glob(f"*{SNAPSHOT_SUFFIX}"))
    return sorted(kept, key=_numbers)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


class CheckError(RuntimeError):
    """A step of the check failed; the text is the end of its command's output."""


@contextmanager
def clean_checkout(revision: str) -> Iterator[Path]:
    """Yield a folder with the files of a commit and links to what is installed; it is deleted after the block."""
    with tempfile.TemporaryDirectory(prefix="release-check-") as directory:
        checkout = Path(directory) / "threadrun"
        subprocess.run(["git", "clone", "--quiet", "--no-checkout", ROOT, checkout], check=True)
        subprocess.run(["git", "checkout", "--quiet", revision], cwd=checkout, check=True)
        (checkout / ".build").mkdir()
        for name in INSTALLED:
            (checkout / name).symlink_to((ROOT / name).resolve())
        yield checkout


def locks_that_differ(checkout: Path) -> list[Problem]:
    """Return the lock files that are not those of the tree, which is what is installed."""
    _, *others = filecmp.cmpfiles(checkout, ROOT, LOCKS.values(), shallow=False)
    what, remedy = "is not the one that is installed here", "check that commit out and run `make setup`"
    return [Problem(lock, what, remedy) for different in others for lock in different]


def _run(checkout: Path, *command: str | Path, folder: str = ".", **variables: str) -> list[Problem]:
    environment = os.environ | {"SAM_CLI_TELEMETRY": "0", "AWS_DEFAULT_REGION": "us-east-1"} | variables
    result = subprocess.run(command, cwd=checkout / folder, env=environment, capture_output=True, text=True)
    if result.returncode != 0:
        raise CheckError("\n".join((result.stdout + result.stderr).strip().splitlines()[-20:]))
    return []


def steps(checkout: Path, version: str) -> Iterator[tuple[str, Callable[[], list[Problem]]]]:
    """Yield the name of each step and the step itself, which returns the problems that it found.

    The layer is built for this machine's Python, from wheels that are here; a deployment builds it for Lambda's.
    """
    sam, build = checkout / ".venv-sam/bin/sam", "from local.deployment import build; build()"
    python = partial(_run, checkout, checkout / ".venv/bin/python", PYTHONPATH=str(checkout / "layers/threadrun"))
    compared = "version, changelog, metadata, upgrade snapshot"
    yield compared, lambda: unfinished(checkout, version) + disagreements(checkout)
    yield "lock files are those that are installed", partial(locks_that_differ, checkout)
    written = "reference pages and tables (`make reference` writes them)"
    yield written, partial(python, "-m", "local.reference", "--check")
    yield "sam validate --lint", partial(_run, checkout, sam, "validate", "--lint", "--template", TEMPLATE)
    yield "sam build", partial(python, "-c", build)
    if lacking := missing():
        yield "terraform validate", lambda: [Problem("terraform", lacking, "install it")]
        return
    for folder in configurations(checkout / MODULES):
        name = str(folder.relative_to(checkout))
        yield f"terraform validate {name}", partial(_validate, checkout, name)


def _validate(checkout: Path, folder: str) -> list[Problem]:
    terraform = partial(_run, checkout, str(TERRAFORM), folder=folder, **ENVIRONMENT)
    terraform("init", "-no-color", "-backend=false", f"-plugin-dir={provider_directory()}")
    return terraform("validate", "-no-color")


def revision_of(version: str, git: Callable[..., str]) -> tuple[str, str]:
    """Return the tag of a version, or HEAD if the tag does not exist yet, and a sentence that says which."""
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
    """Check a version and print each step; return what keeps the version from being released."""
    revision, words = revision_of(version, _git)
    if not revision:
        raise ValueError("this is not a git repository with a commit")
    console.print(f"[bold]threadrun {version}[/bold], {words}")
    problems = []
    with clean_checkout(revision) as checkout:
        for name, step in steps(checkout, version):
            began = time.monotonic()
            try:
                with console.status(name):
                    found = step()
            except CheckError as error:
                found = [Problem(name, str(error), "correct what the message names")]
            problems += found
            mark = "[red]failed[/red]" if found else "[green]ok[/green]    "
            console.print(f"[dim]{time.monotonic() - began:6.1f} s[/dim]  {mark}  {escape(name)}")
    return problems


def main() -> int:
    """Exit with 0 when the version can be released; otherwise print what to do and exit with 1."""
    parser = argparse.ArgumentParser(prog="python -m local.release", description=__doc__)
    parser.add_argument("version", nargs="?", help="default: the version of the tree")
    console = Console(highlight=False, soft_wrap=True)
    try:
        version = parser.parse_args().version or version_of(ROOT)
        if re.fullmatch(SEMANTIC, version) is None:
            raise ValueError(f"{version} is not a version of the form 1.2.3")
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
