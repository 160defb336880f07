"""Replaces functions of ministack, and refuses to start when one is no longer what the patch was written for."""

import inspect
from collections.abc import Callable
from importlib.metadata import version
from types import ModuleType
from typing import Any

Function = Callable[..., Any]


class DriftError(RuntimeError):
    """A function of ministack that this package relies on is gone or has another signature."""


def require(owner: ModuleType | type, name: str, parameters: str) -> Function:
    """Return owner.name; DriftError when its parameter names aren't exactly `parameters` (separated by spaces)."""
    full_name = f"{owner.__module__ + '.' if isinstance(owner, type) else ''}{owner.__name__}.{name}"
    found: Function | None = vars(owner).get(name)
    if not callable(found):
        raise DriftError(f"cannot patch ministack {version('ministack')}: {full_name} no longer exists")
    actual = " ".join(inspect.signature(found).parameters)
    if actual != parameters:
        raise DriftError(
            f"cannot patch ministack {version('ministack')}: {full_name} takes ({actual}), expected ({parameters})"
        )
    return found


def replace(
    owner: ModuleType | type,
    name: str,
    parameters: str,
    wrap: Callable[[Function], Function],
    also_in: tuple[ModuleType, ...] = (),
) -> Function:
    """Put wrap(original) in place of owner.name, also in the modules that imported it by name; return the original."""
    original = require(owner, name, parameters)
    for module in also_in:
        if vars(module).get(name) is not original:
            raise DriftError(
                f"cannot patch ministack {version('ministack')}: {module.__name__} no longer imports {name}"
            )
    replacement = wrap(original)
    for target in (owner, *also_in):
        setattr(target, name, replacement)
    return original


def replace_text(owner: ModuleType, name: str, old: str, new: str) -> None:
    """Replace the only occurrence of `old` in the text owner.name; DriftError when there isn't exactly one."""
    text = vars(owner).get(name)
    if not isinstance(text, str) or text.count(old) != 1:
        raise DriftError(
            f"cannot patch ministack {version('ministack')}: {owner.__name__}.{name} no longer holds {old!r} once"
        )
    setattr(owner, name, text.replace(old, new))
