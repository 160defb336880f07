"""The new configurations of docs/migration.md are valid for the module, as terraform itself sees them."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest

from local.deployment import ROOT
from local.terraform import provider_directory
from tests.e2e.terraform import Terraform, module

__all__ = ["module"]
PAGE = (ROOT / "docs" / "migration.md").read_text()
BLOCKS = [textwrap.dedent(block) for block in re.findall(r"^ *```hcl\n(.*?)\n *```$", PAGE, re.MULTILINE | re.DOTALL)]
NEW = [block for block in BLOCKS if not block.startswith('resource "openai_thread_run"')]


def test_all_but_the_old_resource_are_new() -> None:
    assert len(NEW) == len(BLOCKS) - 1 == 3


@pytest.mark.parametrize("block", NEW, ids=lambda block: block.split(" {")[0])
def test_a_new_configuration_is_valid(module: Path, block: str) -> None:
    (module.parent / "main.tf").write_text(f"{block}\n")
    terraform = Terraform(module.parent, {})
    terraform.run("init", "-no-color", f"-plugin-dir={provider_directory()}")
    terraform.run("fmt", "-check", "main.tf")
    assert "The configuration is valid" in terraform.run("validate", "-no-color")
