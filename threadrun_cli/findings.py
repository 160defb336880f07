"""What is wrong with a template, and where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["error", "warning"]


@dataclass(frozen=True, order=True)
class Finding:
    file: str
    line: int
    column: int
    level: Level
    rule: str
    """`properties`, `type`, `service-token`, `attribute`, `advice` or `template`."""
    message: str
    resource: str = ""
    """The logical id."""
