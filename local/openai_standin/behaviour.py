"""Exists to hold in one place how this server differs from another, or from a slower one."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from .models import MODELS


@dataclass(frozen=True)
class Behaviour:
    """What differs between servers, or is too slow for a test; times are in seconds."""

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
    lacks: frozenset[str] = frozenset()
    models: Mapping[str, str | None] = field(default_factory=lambda: dict(MODELS))
