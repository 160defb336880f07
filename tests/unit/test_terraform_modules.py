"""A new argument is in its Terraform module by itself, and the tables in the READMEs say what the .tf files say."""

import shutil
from pathlib import Path
from typing import Any, ClassVar

import pytest
from pydantic import Field

from local.module_tables import BEGIN, END, ReadmeError, between, migration_page, readmes, tables
from local.modules.files import files
from local.modules.hcl import attributes, block, quoted
from local.modules.shapes import shapes
from local.reference import ATTRIBUTES, ROOT
from threadrun.schema.arguments import RESOURCE_MODELS, DesiredRun
from threadrun.schema.desired import Rule
from threadrun.schema.types import Integer, Properties, Text, TypedProperties

KIND = "Custom::OpenAIThreadRun"


class Filter(TypedProperties):
    only_for: ClassVar[dict[str, tuple[str, ...]]] = {"near": ("place",)}
    required_for_their_types: ClassVar[frozenset[str]] = frozenset({"near"})

    type: Text = Field(description="What it filters by.")
    near: Text | None = Field(None, description="A place.")


class Search(Properties):
    """An object with a list of objects."""

    most: Integer | None = Field(None, description="How many.")
    filters: tuple[Filter, ...] | None = Field(None, description="What is left out.")


class ExtendedRun(DesiredRun):
    rules = (*DesiredRun.rules, Rule("effort", "is for a search", ("!effort", "search.filters")))

    search: Search | None = Field(None, description="How it searches. Nothing unless set.")
    effort: Text | None = Field(None, description="How hard it thinks.")


def test_a_new_argument_is_in_the_module_checked_at_each_place_in_the_tables_and_in_the_migration_list(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As `make reference` writes them."""
    monkeypatch.setitem(RESOURCE_MODELS, KIND, ExtendedRun)
    for name in ("terraform", "docs"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns(".terraform*"))
    version = tmp_path / "layers/threadrun/threadrun/__init__.py"
    version.parent.mkdir(parents=True)
    shutil.copy(ROOT / version.relative_to(tmp_path), version)
    for path, text in files(tmp_path, ATTRIBUTES):
        path.write_text(text)
    names = ("variables", "template", "main")
    variables, template, main = ((tmp_path / "terraform" / f"{name}.tf").read_text() for name in names)
    assert 'variable "effort"' in variables
    assert '"effort must be text that is not empty."' in variables
    assert "effort = var.effort" in " ".join(template.split())
    condition = "var.effort == null || try(length(var.search.filters), 0) > 0"
    said = 'error_message = "effort: is for a search."'
    assert f"precondition {{\n      condition     = {condition}\n      {said}\n    }}" in main
    assert 'search: unknown key \\"${key}\\"; known are most, filters.' in variables
    assert 'search.filters[${i}]: unknown key \\"${key}\\"; known are type, near.' in variables
    assert '"search.most must be a whole number."' in variables
    assert '"search.filters[*]: near is possible for type place only."' in variables
    assert '"search.filters[*]: near is required for type place."' in variables
    assert "most = try(tonumber(var.search.most), null)" in template
    of_filter = "object({ type = string, near = optional(string) })"
    of_search = f"object({{ most = optional(number), filters = optional(list({of_filter})) }})"
    [readme] = [text for path, text in readmes(tmp_path) if path.parent.name == "terraform"]
    assert f"| `search` | How it searches. Nothing unless set | `{of_search}` | `null` |" in readme
    assert "`search`, `effort`" in " ".join(migration_page(tmp_path)[1].split())


def test_a_type_that_terraform_has_not_is_an_error() -> None:
    class Odd(Properties):
        either: int | str = Field(description="A number or text.")

    with pytest.raises(ValueError, match="no type of Terraform's stands for"):
        shapes(Odd)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a", '"a"'), ('"a" \\', '"\\"a\\" \\\\"'), ("${a} %{b}", '"$${a} %%{b}"'), ("ü", '"ü"')],
)
def test_text_is_quoted_as_hcl_reads_it(text: str, expected: str) -> None:
    assert quoted(text) == expected


def test_neighbours_of_one_line_are_aligned() -> None:
    pairs: list[tuple[str, Any]] = [("a", "1"), ("long", "2"), ("list", "[\n  3,\n]"), ("b", "4")]
    expected = ["a    = 1", "long = 2", "list = [", "  3,", "]", "b = 4"]
    assert attributes(pairs) == expected
    assert block("locals", expected[:1], [], expected[5:]) == ["locals {", "  a    = 1", "", "  b = 4", "}"]


# --- the tables

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
