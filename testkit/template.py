"""template.yaml as data: what the tests take from it need not be written twice."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]


@functools.cache
def template(path: Path = ROOT / "template.yaml") -> dict[str, Any]:
    """template.yaml or another one, with the names of its intrinsic functions lost."""

    class Loader(yaml.SafeLoader):
        pass

    Loader.add_multi_constructor("!", lambda loader, suffix, node: f"!{suffix}")
    return yaml.load(path.read_text(), Loader)  # type: ignore[no-any-return]


def timeout_seconds(function: str) -> int:
    """How long the template lets a function run."""
    return int(_setting(function, "Timeout"))


def memory_mib(function: str) -> int:
    """What Lambda would end its process for exceeding."""
    return int(_setting(function, "MemorySize"))


def _setting(function: str, name: str) -> Any:
    logical_id = "".join(part.title() for part in function.split("_")) + "Function"
    own = template()["Resources"][logical_id]["Properties"]
    return own.get(name, template()["Globals"]["Function"][name])


def states(machine: dict[str, Any]) -> Iterator[str]:
    """The names of a definition's states, those inside of a Map too."""
    for name, state in machine["States"].items():
        yield name
        if "ItemProcessor" in state:
            yield from states(state["ItemProcessor"])


def tasks(part: Any) -> Iterator[dict[str, Any]]:
    """The Task states of a definition, those inside of Map and Parallel states too."""
    if isinstance(part, dict) and part.get("Type") == "Task":
        yield part
    elif isinstance(part, dict | list):
        for inner in part.values() if isinstance(part, dict) else part:
            yield from tasks(inner)
