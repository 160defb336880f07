"""HCL as text, laid out as `terraform fmt` would have it."""

import json
from collections.abc import Iterable, Sequence

HEADER = "# `make reference` writes this file from the models of the resource types: change those."


def quoted(text: str) -> str:
    """A string of HCL; it quotes as JSON does, and has two sequences of its own."""
    return json.dumps(text, ensure_ascii=False).replace("${", "$${").replace("%{", "%%{")


def attributes(pairs: Sequence[tuple[str, str]]) -> list[str]:
    """Lines of `name = value`, aligned where neighbours take one line each."""
    lines, group = [], list[tuple[str, str]]()
    for name, value in [*pairs, ("", "")]:
        if name and "\n" not in value:
            group.append((name, value))
            continue
        width = max((len(each) for each, _ in group), default=0)
        lines += [f"{each:<{width}} = {text}" for each, text in group]
        group = []
        if name:
            lines += f"{name} = {value}".split("\n")
    return lines


def block(head: str, *parts: Iterable[str]) -> list[str]:
    """A block; its parts, which are lines, stand apart by an empty one."""
    inner: list[str] = []
    for part in map(list, parts):
        if part:
            inner += ["", *part] if inner else part
    return [f"{head} {{", *indented(inner), "}"]


def indented(lines: Iterable[str]) -> list[str]:
    return [f"  {line}" if line else line for line in lines]


def bracketed(opening: str, lines: Sequence[str], closing: str) -> list[str]:
    return [opening, *indented(lines), closing]


def file(title: str, *parts: Sequence[str]) -> str:
    """The text of a .tf file."""
    lines = [HEADER, f"# {title}"]
    for part in parts:
        lines += ["", *part]
    return "\n".join(lines) + "\n"
