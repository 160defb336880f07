"""A new argument of a model is in its Terraform module, in the tables and in the migration list by itself."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, ClassVar

import pytest
from pydantic import Field

from local.module_tables import migration_page, readmes
from local.modules.files import files
from local.modules.hcl import attributes, block, quoted
from local.modules.shapes import shapes
from local.reference import ATTRIBUTES, ROOT
from threadrun.schema.arguments import RESOURCE_MODELS, DesiredRun, Rule
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
    assert "effort                = var.effort" in template
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
