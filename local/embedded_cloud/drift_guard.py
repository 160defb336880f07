"""Patches functions of ministack, and refuses to start when one has changed since its patch was written."""

import functools
import inspect
from collections.abc import Callable
from importlib.metadata import version
from types import ModuleType
from typing import Any

Function = Callable[..., Any]


class DriftError(RuntimeError):
    """A function of ministack that this package relies on is gone or has another signature."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"cannot patch ministack {version('ministack')}: {problem}")


class Call:
    """One call of a patched function: its arguments are attributes, `proceed` runs the original function."""

    def __init__(self, original: Function, bound: inspect.BoundArguments) -> None:
        self._original, self._bound = original, bound

    def __getattr__(self, name: str) -> Any:
        """Return the argument of this name."""
        return self._bound.arguments[name]

    def proceed(self, **changes: Any) -> Any:
        """Run the original function with its arguments, some of them changed; return what it returns."""
        self._bound.arguments.update(changes)
        return self._original(*self._bound.args, **self._bound.kwargs)


def require(owner: ModuleType | type, name: str, parameters: str) -> Function:
    """Return owner.name; DriftError when its parameter names aren't exactly `parameters` (separated by spaces)."""
    full_name = f"{owner.__module__ + '.' if isinstance(owner, type) else ''}{owner.__name__}.{name}"
    found: Function | None = vars(owner).get(name)
    if not callable(found):
        raise DriftError(f"{full_name} no longer exists")
    actual = " ".join(inspect.signature(found).parameters)
    if actual != parameters:
        raise DriftError(f"{full_name} takes ({actual}), expected ({parameters})")
    return found


def around(
    owner: ModuleType | type,
    name: str,
    parameters: str,
    advice: Callable[[Call], Any],
    also_in: tuple[ModuleType, ...] = (),
) -> Function:
    """Let `advice` handle each call of owner.name, also in the modules that imported it by name; return the original.

    DriftError when the parameter names aren't exactly `parameters`, or one of the modules no longer imports it.
    """
    original = require(owner, name, parameters)
    signature = inspect.signature(original)
    for module in also_in:
        if vars(module).get(name) is not original:
            raise DriftError(f"{module.__name__} no longer imports {name}")

    @functools.wraps(original)
    def patched(*args: Any, **kwargs: Any) -> Any:
        arguments = signature.bind(*args, **kwargs)
        arguments.apply_defaults()
        return advice(Call(original, arguments))

    for target in (owner, *also_in):
        setattr(target, name, patched)
    return original


def replace_text(owner: ModuleType, name: str, old: str, new: str) -> None:
    """Replace the only occurrence of `old` in the text owner.name; DriftError when there isn't exactly one."""
    text = vars(owner).get(name)
    if not isinstance(text, str) or text.count(old) != 1:
        raise DriftError(f"{owner.__name__}.{name} no longer holds {old!r} once")
    setattr(owner, name, text.replace(old, new))
