"""What is wrong with blocks of HCL: terraform itself validates them, against the modules' real variables.

The modules stand there without their resources, so that no provider is needed: their outputs are known later.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import textwrap
from collections.abc import Sequence
from pathlib import Path

from local.terraform import ENVIRONMENT, TERRAFORM
from tests.support.pages import ROOT, Block

_BLOCK = re.compile(
    r"^(?:module|output|variable|provider|terraform|resource|data|locals|moved|removed|import)\b", re.MULTILINE
)
_VARIABLE = re.compile(r'^variable "(\w+)"', re.MULTILINE)
_SOURCE = re.compile(r'^(\s*source\s*=\s*)"([^"]+)"', re.MULTILINE)
_RESOURCE = re.compile(r"\b(?:data\.)?(?:aws|openai)_\w+\.\w+(?:\.\w+)?")
# What needs a provider, which a check must not download, or a state, which there is none of.
_ELSEWHERE = re.compile(
    r"^(?:terraform|provider|resource|data|moved|removed|import)\b[^{\n]*{\n.*?^}", re.MULTILINE | re.DOTALL
)
_LATER = 'resource "terraform_data" "later" {}\n'
_NEEDED = {"name": '"snippet"', "service_token": '"arn:aws:lambda:eu-central-1:123456789012:function:snippet"'}


def problems(blocks: Sequence[Block], directory: Path) -> list[str]:
    """A line for each problem, at its place in the documentation; `directory` is an empty one to work in."""
    modules = {path.parent.relative_to(ROOT) for path in (ROOT / "terraform").glob("**/variables.tf")}
    for module in modules:
        _write_stub(module, directory / "stubs" / module)
    lines_before: dict[str, int] = {}
    calls = ""
    found = []
    for number, block in enumerate(blocks):
        folder = f"block{number}"
        (directory / folder).mkdir()
        (directory / "written" / folder).mkdir(parents=True)
        text, before = _completed(textwrap.dedent(block.text))
        (directory / "written" / folder / "main.tf").write_text(text)
        text = _ELSEWHERE.sub(_blank, text)
        for _, source in _SOURCE.findall(text):
            if _module_of(source) not in modules:
                found.append(f"{block.place}: there is no module {source}")
        (directory / folder / "main.tf").write_text(
            _RESOURCE.sub("terraform_data.later.output", _SOURCE.sub(_as_stub, text))
        )
        (directory / folder / "later.tf").write_text(_LATER)
        lines_before[folder] = before
        asked = "".join(f"  {name} = terraform_data.later.output\n" for name in _VARIABLE.findall(text))
        calls += f'module "{folder}" {{\n  source = "./{folder}"\n{asked}}}\n'
    found += _unreadable(blocks, directory, lines_before)
    if found:
        return found
    (directory / "main.tf").write_text(_LATER + calls)
    made = _terraform(directory, "init", "-backend=false", "-input=false", "-no-color")
    assert made.returncode == 0, made.stdout + made.stderr
    for each in json.loads(_terraform(directory, "validate", "-json").stdout)["diagnostics"]:
        where = each.get("range", {"filename": "main.tf", "start": {"line": 0}})
        text = f"{each['summary']}: {each.get('detail', '')}"
        found.append(_told(blocks, where["filename"], where["start"]["line"], lines_before, text))
    return found


def _unreadable(blocks: Sequence[Block], directory: Path, lines_before: dict[str, int]) -> list[str]:
    """What terraform cannot even read; it would install no module then."""
    said = _terraform(directory / "written", "fmt", "-no-color", "-recursive", "-write=false", "-list=false").stderr
    errors = re.findall(r"^Error: (.+)\n\n +on (\S+) line (\d+)", said, re.MULTILINE)
    return [_told(blocks, name, int(line), lines_before, text) for text, name, line in errors]


def _told(blocks: Sequence[Block], name: str, line: int, lines_before: dict[str, int], text: str) -> str:
    """A problem at its place in the documentation."""
    folder = name.partition("/")[0]
    if folder not in lines_before:
        return f"{name}: {text}"
    block = blocks[int(folder.removeprefix("block"))]
    return f"{block.path.relative_to(ROOT)}:{block.line + line - 1 - lines_before[folder]}: {text}"


def _write_stub(module: Path, stub: Path) -> None:
    """A module's variables as they are, and its outputs, unknown until it is applied."""
    stub.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / module / "variables.tf", stub)
    outputs = re.findall(r'^output "(\w+)"', (ROOT / module / "outputs.tf").read_text(), re.MULTILINE)
    text = "".join(f'output "{name}" {{\n  value = terraform_data.later.output\n}}\n' for name in outputs)
    (stub / "outputs.tf").write_text(_LATER + text)


def _module_of(source: str) -> Path | None:
    """The folder that a source means, seen from the repository's root: `./terraform`, or `…//terraform?ref=…`."""
    _, is_remote, inner = source.rpartition("//")
    path = inner.partition("?")[0] if is_remote and not source.startswith(".") else source
    return Path(os.path.normpath(path))


def _as_stub(match: re.Match[str]) -> str:
    return f'{match[1]}"../stubs/{_module_of(match[2])}"'


def _blank(match: re.Match[str]) -> str:
    """As many lines as there were."""
    return "\n" * match[0].count("\n")


def _completed(text: str) -> tuple[str, int]:
    """The block as a whole configuration, and how many lines were put before it."""
    if _BLOCK.search(text):
        return text, 0
    given = {name: value for name, value in _NEEDED.items() if not re.search(rf"^{name}\s*=", text, re.MULTILINE)}
    needed = "".join(f"{name} = {value}\n" for name, value in given.items())
    return f'module "snippet" {{\nsource = "./terraform"\n{needed}{text}\n}}\n', 2 + len(given)


def _terraform(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(directory), **ENVIRONMENT}
    command = [str(TERRAFORM), *arguments]
    return subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, timeout=60)
