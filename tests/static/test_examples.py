"""What an example is like; tests/e2e/test_examples.py and test_terraform.py deploy all of them as they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from local.deployment import ROOT
from testkit.template import template

TEMPLATES = sorted((ROOT / "docs" / "examples").iterdir())
CONFIGURATIONS = sorted((ROOT / "terraform" / "examples").iterdir())


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_says_what_it_is_for_and_has_defaults(path: Path) -> None:
    first = path.read_text().splitlines()[0]
    assert first.startswith("# ")
    assert first.endswith(".")
    parameters = template(path).get("Parameters", {})
    without = {name for name, each in parameters.items() if "Default" not in each}
    assert without <= {"ServiceToken", "FileId"}, "what nobody but the user knows"


@pytest.mark.parametrize("path", CONFIGURATIONS, ids=lambda path: path.name)
def test_a_configuration_has_the_files_of_a_module(path: Path) -> None:
    files = {each.name for each in path.iterdir() if each.is_file() and not each.name.startswith(".")}
    assert files == {"README.md", "main.tf", "outputs.tf", "variables.tf", "versions.tf"}
