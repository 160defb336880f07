"""`terraform test` of each module: a file of its own, so that it runs beside what terraform deploys."""

from __future__ import annotations

from pathlib import Path

import pytest

from local.terraform import provider_directory
from tests.e2e.terraform import Terraform, module

__all__ = ["module"]


@pytest.mark.parametrize("folder", [".", "modules/template", "modules/assistant", "modules/thread"])
def test_the_modules_own_tests_pass(module: Path, folder: str) -> None:
    """Validation at plan time, defaults and outputs, without any AWS."""
    terraform = Terraform(module / folder, {})
    terraform.run("init", "-no-color", f"-plugin-dir={provider_directory()}")
    terraform.run("fmt", "-check", "-recursive")
    assert "0 failed" in terraform.run("test", "-no-color")
