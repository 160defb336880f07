"""The tables of inputs and outputs in the README of each Terraform module and example, and the list of new arguments.

The tables are made from the .tf files beside them; new in docs/migration.md is what the old resource did not have.
"""

import json
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hcl2

from local.modules.files import MODULES, PARTS, TYPE
from local.modules.shapes import Shape
from local.release import version_of
from local.terraform import configurations

BEGIN = "<!-- `make reference` writes what follows, from versions.tf, variables.tf and outputs.tf. -->"
END = "<!-- Here ends what it writes. -->"
BEGIN_NEW = "<!-- `make reference` writes what follows, from the models and the table above. -->"
WIDTH = 155
_NO_METADATA = hcl2.SerializationOptions(with_comments=False, explicit_blocks=False)


class ReadmeError(ValueError):
    """A README.md has no place for its tables."""


def readmes(tree: Path) -> Iterator[tuple[Path, str]]:
    """Every README.md of a module or an example, and what it should be."""
    for folder in configurations(tree / "terraform"):
        path = folder / "README.md"
        yield path, between(path.read_text(), tables(folder, version_of(tree)), path)


def between(text: str, written: str, path: Path, begin: str = BEGIN, end: str = END) -> str:
    """The text of the file at `path` with `written` between two lines of it."""
    before, found_begin, rest = text.partition(begin)
    _, found_end, after = rest.partition(end)
    if not (found_begin and found_end):
        raise ReadmeError(f"{path} lacks the lines between which its tables belong:\n{begin}\n{end}")
    return f"{before}{begin}\n\n{written}\n\n{end}{after}"


def tables(folder: Path, version: str) -> str:
    """Version, requirements, inputs and outputs of the module in this folder."""
    lines = [f"Version {version}, of the application and of its modules. {_requirements(folder)}", "", "## Inputs", ""]
    rows = [_input(name, body) for name, body in _blocks(folder / "variables.tf", "variable")]
    lines += _table(("name", "description", "type", "default"), rows)
    lines += ["", "## Outputs", ""]
    rows = [(f"`{name}`", _text(body["description"])) for name, body in _blocks(folder / "outputs.tf", "output")]
    return "\n".join([*lines, *_table(("name", "description"), rows)])


def _requirements(folder: Path) -> str:
    [terraform] = _load(folder / "versions.tf")["terraform"]
    providers = {name: body for each in terraform.get("required_providers", []) for name, body in each.items()}
    needed = [f"Terraform {_text(terraform['required_version'])}"]
    needed += [f"{_text(body['source'])} {_text(body['version'])}" for body in providers.values()]
    return f"Needs {' and '.join(needed)}."


def _input(name: str, body: dict[str, Any]) -> tuple[str, ...]:
    default = f"`{_value(body['default'])}`" if "default" in body else "required"
    # Where the type is `any`, for unknown keys to be seen, the description ends with what it is in truth.
    description, _, documented = _text(body["description"]).partition(TYPE)
    return f"`{name}`", description, f"`{documented.rstrip('`') or _type(body['type'])}`", default


def _type(written: str) -> str:
    """`object({ a = string })` on one line."""
    expression = written.removeprefix("${").removesuffix("}") if written.startswith("${") else written
    return re.sub(r"(?<!\{)\}(?=[),])", " }", re.sub(r"\(\{", "({ ", expression))


def _value(default: Any) -> str:
    """A default in HCL's own words: strings have their quotes."""
    if isinstance(default, dict):
        inner = ", ".join(f"{_text(key)} = {_value(value)}" for key, value in default.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(default, list):
        return f"[{', '.join(_value(each) for each in default)}]"
    return default if isinstance(default, str) else json.dumps(default)


def _text(written: str) -> str:
    """What a string stands for; HCL quotes and escapes as JSON does."""
    return str(json.loads(written)) if written.startswith('"') else written


def _table(names: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    if not rows:
        return ["None."]
    if broken := [row[0] for row in rows if any("\n" in cell for cell in row)]:
        raise ReadmeError(f"a table has no place for texts of several lines: {', '.join(broken)}")
    cells = [names, tuple("---" for _ in names), *(tuple(cell.replace("|", "\\|") for cell in row) for row in rows)]
    return [f"| {' | '.join(row)} |" for row in cells]


def _blocks(path: Path, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    if path.exists():
        for block in _load(path).get(kind, []):
            for name, body in block.items():
                yield _text(name), body


def _load(path: Path) -> dict[str, Any]:
    return hcl2.loads(path.read_text(), serialization_options=_NO_METADATA)


def migration_page(tree: Path) -> tuple[Path, str]:
    """The page, and what it should be."""
    path = tree / "docs" / "migration.md"
    text = path.read_text()
    return path, between(text, _new(text), path, BEGIN_NEW)


def _new(page: str) -> str:
    table = page.partition("| before | now |")[2].partition("\n\n")[0]
    old = set(re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE))
    of_stack = re.findall(r'^variable "(\w+)"', (PARTS / "stack.tf").read_text(), re.MULTILINE)
    of_run = [name for _, shape in MODULES[0].arguments() for name in _beyond(shape, shape.name, old)]
    of_stack, of_run = ([f"`{name}`" for name in names] for names in (of_stack, [*of_run, "output_keys"]))
    listed = f"New: {', '.join(of_stack)} of the stack; {', '.join(of_run)}. All but the first two are optional."
    return textwrap.fill(listed, WIDTH, break_on_hyphens=False, break_long_words=False)


def _beyond(shape: Shape, path: str, old: set[str]) -> Iterator[str]:
    """The path of what is new, but not those of what is in it."""
    if path not in old:
        yield path
        return
    for child in shape.children:
        yield from _beyond(child, f"{path}.{child.name}", old)
