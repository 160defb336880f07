"""Which parts of the API a server lacks: the refusal of the first request that needs a part shows it.

So a server that has every part gets no additional request. The process remembers a missing part for an hour only,
because a gateway may lose its routes for a moment.
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
"""Not found out by a refusal: IAM has no action for either, and may refuse with 403, which proves nothing.

Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_bedrock-mantle.html
"""


class Capabilities:
    """The parts of the API that one server is known to lack."""

    def __init__(self, clock: Callable[[], float] = time.time, lacks: Collection[Part] = ()) -> None:
        """`clock` gives Unix seconds; `lacks` has the parts that are missing for ever."""
        self._clock, self._lacks_until = clock, dict.fromkeys(lacks, math.inf)

    def lacks(self, part: Part) -> bool:
        """Whether the part is known to be missing; False before the first request that needs it."""
        return self._clock() < self._lacks_until.get(part, -math.inf)

    def note(self, part: Part, error: openai.APIStatusError) -> bool:
        """Remember the part as missing where this error says that the path does not exist; return whether it does.

        For requests only whose path names no object: with one in it, a 404 may mean that the object is missing.
        """
        if error.status_code not in UNSERVED_STATUSES:
            return False
        self._lacks_until[part] = self._clock() + REMEMBERED_SECONDS
        return True


def not_served(part: Part, server: object, what: str, instead: str) -> NotServed:
    """The failure of a request for a missing part: what needs it, which server lacks it, and what to do instead."""
    return NotServed(f"{what} needs {part}, and the server at {server} has none: {instead}")
