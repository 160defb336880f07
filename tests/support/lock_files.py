"""The lock files and the dependency groups of pyproject.toml as data."""

import functools
import re
import tomllib
from collections.abc import Iterator

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from local.lock import LOCKS, ROOT

_PIN = re.compile(r"^([\w.-]+)==([^\s;]+)", re.MULTILINE)


@functools.cache
def pins(group: str) -> dict[str, str]:
    """The version of each package in a group's lock; the first one where there are several, by platform."""
    found = _PIN.findall((ROOT / LOCKS[group]).read_text())
    return {canonicalize_name(name): version for name, version in reversed(found)}


@functools.cache
def groups() -> dict[str, list[str | dict[str, str]]]:
    read: dict[str, list[str | dict[str, str]]] = tomllib.loads((ROOT / "pyproject.toml").read_text())[
        "dependency-groups"
    ]
    return read


def included(group: str) -> Iterator[str]:
    """The groups that a group brings with it."""
    yield from (each["include-group"] for each in groups()[group] if isinstance(each, dict))


def direct(group: str) -> dict[str, Requirement]:
    """What a group itself asks for, by name."""
    asked = [Requirement(each) for each in groups()[group] if isinstance(each, str)]
    return {canonicalize_name(each.name): each for each in asked}
