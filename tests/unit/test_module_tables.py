"""The tables in the modules' READMEs say what their .tf files say."""

from __future__ import annotations

from pathlib import Path

import pytest

from local.module_tables import BEGIN, END, ReadmeError, between, readmes, tables
from local.release import ROOT

VARIABLES = """
variable "name" {
  description = "One of \\"a\\" | \\"b\\""
  type        = string
}

variable "tools" {
  type = list(object({
    kind  = string
    label = optional(map(string), {})
  }))
  # A comment is not part of it.
  default     = null
  description = "Tools"

  validation {
    condition     = var.tools == null ? true : length(var.tools) > 0
    error_message = "${"tools"} must not be empty."
  }
}

variable "questions" {
  description = "Questions"
  type        = map(string)
  default = {
    why = "Why?"
    how = ["How many of 3?"]
  }
}
"""
INPUTS = """Version 1.2.0, of the application and of its modules. Needs Terraform >= 1.5.

## Inputs

| name | description | type | default |
| --- | --- | --- | --- |
| `name` | One of "a" \\| "b" | `string` | required |
| `tools` | Tools | `list(object({ kind = string, label = optional(map(string), {}) }))` | `null` |
| `questions` | Questions | `map(string)` | `{ why = "Why?", how = ["How many of 3?"] }` |

## Outputs

"""


@pytest.mark.parametrize(
    ("outputs", "table"),
    [
        ('output "id" {\n  description = "The ID"\n}\n', "| name | description |\n| --- | --- |\n| `id` | The ID |"),
        (None, "None."),
    ],
)
def test_inputs_and_outputs_are_rows_of_a_table(tmp_path: Path, outputs: str | None, table: str) -> None:
    (tmp_path / "variables.tf").write_text(VARIABLES)
    (tmp_path / "versions.tf").write_text('terraform {\n  required_version = ">= 1.5"\n}\n')
    if outputs is not None:
        (tmp_path / "outputs.tf").write_text(outputs)
    assert tables(tmp_path, "1.2.0") == INPUTS + table


def test_only_what_is_between_the_marks_is_replaced() -> None:
    text = f"# A\n\n{BEGIN}\nold\n{END}\n\nlast\n"
    once = between(text, "new", Path("README.md"))
    assert once == f"# A\n\n{BEGIN}\n\nnew\n\n{END}\n\nlast\n"
    assert between(once, "new", Path("README.md")) == once


@pytest.mark.parametrize("text", ["# A\n", f"# A\n{BEGIN}\n", f"# A\n{END}\n{BEGIN}\n"])
def test_a_readme_without_a_place_for_them_is_refused(text: str) -> None:
    with pytest.raises(ReadmeError, match=r"README\.md lacks the lines"):
        between(text, "new", Path("README.md"))


def test_every_module_and_example_has_its_tables() -> None:
    """`make check` compares them too; here a folder that is passed over would show."""
    found = {path.parent.relative_to(ROOT / "terraform").as_posix(): (path, text) for path, text in readmes(ROOT)}
    folders = [path.parent for path in (ROOT / "terraform").glob("*/*/main.tf")]
    expected = {folder.relative_to(ROOT / "terraform").as_posix() for folder in folders} - {"tests/handler"}
    assert set(found) == expected | {"."}
    assert [name for name, (path, text) in found.items() if path.read_text() != text] == []
