"""The general fixes of ministack: the steps of each issue fail on stock ministack and pass with its fix."""

import ast
import functools
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from local.embedded_cloud import EmbeddedCloud
from local.embedded_cloud.upstream import FIXES
from testkit.template import ROOT
from tests.support.pages import page_at

TEXTS = ROOT / "docs" / "upstream"
FOLDER = ROOT / "local" / "embedded_cloud" / "upstream"
HEADINGS = {"what-happens", "steps-to-reproduce", "what-aws-does", "proposed-change"}
NAMES = sorted(path.stem for path in TEXTS.glob("*.md"))


@pytest.fixture(scope="module")
def clouds() -> Iterator[Callable[[bool, bool], EmbeddedCloud]]:
    """Stock and fixed ministack, with and without `AUTH=true`, each started when the first issue needs it."""
    with ExitStack() as running:
        yield functools.cache(
            lambda strict, auth: running.enter_context(EmbeddedCloud(strict=strict, iam_enforced=auth))
        )


def follow(steps: str, cloud: EmbeddedCloud) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], **cloud.environment()}
    return subprocess.run([sys.executable, "-c", steps], env=environment, capture_output=True, text=True, timeout=120)


def test_each_fix_is_installed_and_has_the_text_of_its_issue() -> None:
    installed = sorted(module.__name__.rpartition(".")[2] for module in FIXES)
    assert installed == sorted(path.stem for path in FOLDER.glob("[!_]*.py"))
    assert installed == NAMES
    for name in NAMES:
        page = page_at(TEXTS / f"{name}.md")
        assert page.anchors >= HEADINGS, name
        assert any(link.text.startswith("https://docs.aws.amazon.com/") for link in page.links), name
        assert [block.language for block in page.blocks] == ["python"], name


@pytest.mark.parametrize("path", sorted(FOLDER.glob("[!_]*.py")), ids=lambda path: path.stem)
def test_a_fix_needs_nothing_of_this_project_but_the_drift_guard(path: Path) -> None:
    tree = ast.parse(path.read_text())
    imported = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    imported += [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    ours = {
        name for name in imported if name.partition(".")[0] in ("local", "tests", "bench", "functions", "threadrun")
    }
    assert ours == {"local.embedded_cloud.drift_guard"}
    text = ast.get_docstring(tree) or ""
    assert all(part in text for part in ("\nAWS: ", "https://docs.aws.amazon.com/", "\nministack: ", "\nFix: "))


@pytest.mark.parametrize("name", NAMES)
def test_the_steps_of_an_issue_fail_on_stock_ministack_and_pass_with_the_fix(
    name: str, clouds: Callable[[bool, bool], EmbeddedCloud]
) -> None:
    path = TEXTS / f"{name}.md"
    [block] = page_at(path).blocks
    is_auth = "`AUTH=true`" in path.read_text()
    passed = follow(block.text, clouds(True, is_auth))
    assert passed.returncode == 0, passed.stderr
    failed = follow(block.text, clouds(False, is_auth))
    assert failed.returncode == 1, "the steps show no difference"
    assert "Traceback" in failed.stderr
