"""`terraform test` of each module: a file of its own, so that it runs beside what terraform deploys."""

import textwrap
from pathlib import Path

import pytest

from tests.e2e.terraform import Terraform
from tests.support.pages import pages


@pytest.mark.parametrize(
    "folder", [".", "modules/template", "modules/assistant", "modules/thread", "modules/file", "modules/vector_store"]
)
def test_the_modules_own_tests_pass(tmp_path: Path, provider: dict[str, str], folder: str) -> None:
    """Validation at plan time, defaults and outputs, without any AWS."""
    terraform, place = Terraform(tmp_path, provider), f"terraform/{folder}"
    terraform.init(place)
    terraform.run("fmt", "-check", "-recursive", folder=place)
    assert "0 failed" in terraform.run("test", "-no-color", folder=place)


def test_the_blocks_of_the_documentation_are_formatted(tmp_path: Path) -> None:
    terraform, blocks = Terraform(tmp_path), [block for page in pages() for block in page.blocks]
    for block in blocks:
        if block.language == "hcl":
            terraform.run("fmt", "-check", "-", stdin=textwrap.dedent(block.text))
