"""Exists to hold in one place how this server differs from another, or from a slower one, and which models it has."""

import secrets
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

APIS = ("responses", "assistants", "both")
PARTS = {"conversations": "/conversations", "vector_stores": "/vector_stores", "background": None, "retention": None}
"""What a server may lack, with the paths that it does not serve then."""

# Each model with the reasoning effort it uses unasked; None means that it cannot reason at all.
MODELS: Mapping[str, str | None] = {
    "gpt-5.4-mini": "none",
    "gpt-5.4": "none",
    "gpt-5.5": "medium",
    "gpt-4.1-mini": None,
}
_SHORT = ("call", "asst", "thread", "run", "step")


def random_id(prefix: str) -> str:
    """Make an id that nobody can guess, in OpenAI's form."""
    if prefix == "file":
        return f"file-{secrets.token_hex(12)}"
    return f"{prefix}_{secrets.token_hex(12 if prefix in _SHORT else 24)}"


@dataclass(kw_only=True, repr=False, eq=False)
class Settings:
    """What a stand-in is made with; all times are in seconds. Raises ValueError for an unknown `api`, or part.

    `models` adds models to the known ones, each with the reasoning effort it uses unasked (None: it can't
    reason, "none": it does not reason unless asked, anything else: a reasoning model).
    `api` says which wires are served: `responses` (OpenAI today), `assistants` (a server that speaks only
    Assistants v2) or `both`. `cancel_finished_status` and `locked_status` imitate other servers. A webhook that is
    not taken within `webhook_timeout_s` is sent again after `webhook_retry_s`, doubled each time; webhooks are sent
    only while it is started. `lacks` are parts of the API that the server does not have: `conversations`,
    `vector_stores`, `background`, and `retention` for an organisation with Zero Data Retention. `signed` lets in what
    is signed as for Amazon Bedrock, and no key.
    `now`, `sleep` and `new_id` are there for tests.
    """

    api: str = "responses"
    api_key: str = "sk-standin"
    port: int = 0
    models: Mapping[str, str | None] = field(default_factory=dict)
    duration_s: float = 1.0
    queued_s: float = 0.0
    retention_s: float = 600.0
    cancel_delay_s: float = 0.5
    cancel_finished_status: int = 200
    locked_status: int = 400
    indexing_s: float = 1.0
    run_expiry_s: float = 600.0
    webhook_retry_s: float = 1.0
    webhook_timeout_s: float = 5.0
    lacks: Collection[str] = ()
    signed: bool = False
    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    new_id: Callable[[str], str] = random_id

    def __post_init__(self) -> None:
        if self.api not in APIS:
            raise ValueError(f"api must be one of {', '.join(APIS)}, not {self.api!r}")
        if unknown := sorted({*self.lacks} - {*PARTS}):
            raise ValueError(f"a server may lack {', '.join(PARTS)}, not {unknown[0]!r}")
