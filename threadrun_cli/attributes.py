"""The attributes of each resource type, which `make reference` keeps beside the code."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path


@cache
def attributes_of(resource_type: str) -> tuple[str, ...]:
    """The attributes of a resource type; `output.<key>` stands for any key of an answer."""
    read: dict[str, list[str]] = json.loads(Path(__file__).with_name("attributes.json").read_text())
    return tuple(read.get(resource_type, ()))
