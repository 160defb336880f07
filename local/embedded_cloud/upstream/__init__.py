"""General fixes of ministack, each a file of its own; docs/upstream has the text of the issue for each.

A file imports nothing of this project but the drift guard, so that its fix can be offered to ministack as it is.
"""

from importlib import import_module
from pkgutil import iter_modules

FIXES = tuple(import_module(f"{__name__}.{each.name}") for each in iter_modules(__path__))
