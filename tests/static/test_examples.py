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
    assert path.read_text().partition("\n")[0].endswith(".")
    without = {name for name, each in template(path).get("Parameters", {}).items() if "Default" not in each}
    assert without <= {"ServiceToken", "FileId"}, "what nobody but the user knows"


def test_each_configuration_has_the_files_of_a_module() -> None:
    wanted = {"README.md", "main.tf", "outputs.tf", "variables.tf", "versions.tf"}
    files = {path: {each.name for each in path.iterdir() if each.is_file()} for path in CONFIGURATIONS}
    assert {path for path, names in files.items() if {n for n in names if not n.startswith(".")} != wanted} == set()
