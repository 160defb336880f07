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
    """`properties`, `type`, `service-token`, `attribute`, `reference`, `advice` or `template`."""
    message: str
    resource: str = ""
    """The logical id."""


@dataclass(frozen=True)
class Checked:
    """What is wrong with one file."""

    findings: list[Finding]
    resources: int = 0
    """How many resources of the application it has."""
    is_read: bool = True
