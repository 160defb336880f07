"""What a server lacks of the API: found out by the first request that needs it, which is the probe.

A server that has everything is asked nothing more than before. What is missing is remembered by the process and for
an hour only, as a gateway may lose its routes for a moment.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection
from typing import Literal

import openai

from threadrun.errors import NotServed

Part = Literal["conversations", "vector stores"]

REMEMBERED_SECONDS = 3600
UNSERVED_STATUSES = frozenset({404, 405, 501})
BEDROCK_LACKS: tuple[Part, ...] = ("conversations", "vector stores")
"""IAM knows no action for either, and may answer 403 where nothing is served: a probe would tell nothing.

Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_bedrock-mantle.html
"""


class Capabilities:
    """The parts of the API that one server is known to lack."""

    def __init__(self, clock: Callable[[], float] = time.time, lacks: Collection[Part] = ()) -> None:
        """`clock` gives Unix seconds; `lacks` is known for good."""
        self._clock, self._lacks_until = clock, dict.fromkeys(lacks, math.inf)

    def lacks(self, part: Part) -> bool:
        """False also where nobody has asked yet."""
        return self._clock() < self._lacks_until.get(part, -math.inf)

    def note(self, part: Part, error: openai.APIStatusError) -> bool:
        """Take in the refusal of a path that only a server without this part does not know; returns whether it is one.

        No request of such a path may name anything else that can be missing.
        """
        if error.status_code not in UNSERVED_STATUSES:
            return False
        self._lacks_until[part] = self._clock() + REMEMBERED_SECONDS
        return True


def not_served(part: Part, server: object, what: str, instead: str) -> NotServed:
    """The sentence of a refusal: what was asked for, what is missing where, and what to do."""
    return NotServed(f"{what} needs {part}, and the server at {server} has none: {instead}")
