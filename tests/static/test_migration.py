"""docs/migration.md speaks of every argument and attribute of the old resource; `make reference` adds the new ones."""

from __future__ import annotations

import re

from local.deployment import ROOT
from tests.support.seed import ARGUMENTS, ATTRIBUTES

PAGE = (ROOT / "docs" / "migration.md").read_text()
VARIABLES = (ROOT / "terraform" / "variables.tf").read_text()
OUTPUTS = (ROOT / "terraform" / "outputs.tf").read_text()


def first_cells(heading: str) -> list[str]:
    """Of the table under this row of headings."""
    table = PAGE.partition(f"\n{heading}\n")[2].partition("\n\n")[0]
    return re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE)


def test_each_argument_and_attribute_of_the_old_resource_has_a_row() -> None:
    assert sorted(first_cells("| before | now | what differs, and why |")) == sorted(row.name for row in ARGUMENTS)
    assert first_cells("| attribute | now |") == list(ATTRIBUTES)


def test_an_argument_has_its_old_name() -> None:
    table = PAGE.partition("\n## Argument by argument\n")[2].partition("\nNew: ")[0]
    rows = re.findall(r"^\| `([^`]+)` \| `([^`]+)` \|", table, re.MULTILINE)
    assert len(rows) == len(ARGUMENTS)
    assert [row for row in rows if row[0] != row[1]] == []
    names = {old.split(".")[0] for old, _ in rows}
    assert names <= set(re.findall(r'^variable "(\w+)"', VARIABLES, re.MULTILINE))
    inner = {part for old, _ in rows for part in old.split(".")[1:]}
    assert [name for name in sorted(inner) if not re.search(rf"\b{name} = ", VARIABLES)] == []


def test_the_attributes_are_outputs_of_the_module() -> None:
    outputs = set(re.findall(r'^output "(\w+)"', OUTPUTS, re.MULTILINE))
    new = PAGE.partition("| attribute | now |")[2].partition("\nNew: ")[2].partition("\n\n")[0]
    assert {*ATTRIBUTES, *re.findall(r"`(\w+)`", new)} <= outputs
