"""What is wrong with blocks of HCL: terraform itself validates them, against the modules' real variables.

The modules stand there without their resources, so that no provider is needed: their outputs are known later.
"""

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

_WHOLE = re.compile(r"^(?:module|output|variable|provider|terraform|resource|data|locals|moved|removed|import)\b", re.M)
_VARIABLE = re.compile(r'^variable "(\w+)"', re.M)
_SOURCE = re.compile(r'^(\s*source\s*=\s*)"([^"]+)"', re.M)
_RESOURCE = re.compile(r"\b(?:data\.)?(?:aws|openai)_\w+\.\w+(?:\.\w+)?")
# What needs a provider, which a check must not download, or a state, which there is none of.
_ELSEWHERE = re.compile(
    r"^(?:terraform|provider|resource|data|moved|removed|import)\b[^{\n]*{\n.*?^}", re.M | re.DOTALL
)
_LATER = 'resource "terraform_data" "later" {}\n'
_NEEDED = {"name": '"snippet"', "service_token": '"arn:aws:lambda:eu-central-1:123456789012:function:snippet"'}


def problems(blocks: Sequence[Block], directory: Path) -> list[str]:
    """A line for each problem, at its place in the documentation; `directory` is an empty one to work in."""
    modules = {path.parent.relative_to(ROOT) for path in (ROOT / "terraform").glob("**/variables.tf")}
    for module in modules:
        _write_stub(module, directory / "stubs" / module)
    calls, found = _LATER, []
    for number, block in enumerate(blocks):
        folder, text = f"block{number}", _completed(textwrap.dedent(block.text))
        _write(directory / "written" / folder / "main.tf", text)
        text = _ELSEWHERE.sub(lambda match: "\n" * match[0].count("\n"), text)
        sources = [source for _, source in _SOURCE.findall(text) if _module_of(source) not in modules]
        found += [f"{block.place}: there is no module {source}" for source in sources]
        text = _SOURCE.sub(lambda match: f'{match[1]}"../stubs/{_module_of(match[2])}"', text)
        _write(directory / folder / "main.tf", _RESOURCE.sub("terraform_data.later.output", text))
        _write(directory / folder / "later.tf", _LATER)
        asked = "".join(f"  {name} = terraform_data.later.output\n" for name in _VARIABLE.findall(text))
        calls += f'module "{folder}" {{\n  source = "./{folder}"\n{asked}}}\n'
    # Terraform would install no module where it cannot read one.
    said = _terraform(directory / "written", "fmt", "-no-color", "-recursive", "-write=false", "-list=false").stderr
    for text, name, line in re.findall(r"^Error: (.+)\n\n +on (\S+) line (\d+)", said, re.M):
        found.append(_told(blocks, name, int(line), text))
    if found:
        return found
    _write(directory / "main.tf", calls)
    made = _terraform(directory, "init", "-backend=false", "-input=false", "-no-color")
    assert made.returncode == 0, made.stdout + made.stderr
    for each in json.loads(_terraform(directory, "validate", "-json").stdout)["diagnostics"]:
        where = each.get("range", {"filename": "main.tf", "start": {"line": 0}})
        text = f"{each['summary']}: {each.get('detail', '')}"
        found.append(_told(blocks, where["filename"], where["start"]["line"], text))
    return found


def _told(blocks: Sequence[Block], name: str, line: int, text: str) -> str:
    """A problem at its place in the documentation."""
    if not (number := re.match(r"block(\d+)/main", name)):
        return f"{name}: {text}"
    block = blocks[int(number[1])]
    return f"{block.path.relative_to(ROOT)}:{block.line + line - 2}: {text}"


def _write_stub(module: Path, stub: Path) -> None:
    """A module's variables as they are, and its outputs, unknown until it is applied."""
    outputs = re.findall(r'^output "(\w+)"', (ROOT / module / "outputs.tf").read_text(), re.M)
    text = "".join(f'output "{name}" {{\n  value = terraform_data.later.output\n}}\n' for name in outputs)
    _write(stub / "outputs.tf", _LATER + text)
    shutil.copy(ROOT / module / "variables.tf", stub)


def _module_of(source: str) -> Path:
    """The folder that a source means, seen from the repository's root: `./terraform`, or `…//terraform?ref=…`."""
    _, is_remote, inner = source.rpartition("//")
    path = inner.partition("?")[0] if is_remote and not source.startswith(".") else source
    path = path.removeprefix("../threadrun/")  # from a folder beside the clone
    return Path(os.path.normpath(path))


def _completed(text: str) -> str:
    """The block as a whole configuration, from its second line on."""
    if _WHOLE.search(text):
        return f"\n{text}"
    given = {name: value for name, value in _NEEDED.items() if not re.search(rf"^{name}\s*=", text, re.M)}
    needed = "".join(f"{name} = {value}\n" for name, value in given.items())
    return f'module "snippet" {{\n{text}\nsource = "./terraform"\n{needed}}}\n'


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def _terraform(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(directory), **ENVIRONMENT}
    command = [str(TERRAFORM), *arguments]
    return subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, timeout=60)
