"""Exists to say which models there are, and to refuse what a model does not take."""

from collections.abc import Mapping
from typing import Any

from .errors import refused, unsupported

# Each model with the reasoning effort it uses unasked; None means that it cannot reason at all.
MODELS: Mapping[str, str | None] = {
    "gpt-5.4-mini": "none",
    "gpt-5.4": "none",
    "gpt-5.5": "medium",
    "gpt-4.1-mini": None,
}


def require_model_takes(
    models: Mapping[str, str | None], model: str, asked: Mapping[str, Any], effort: str | None, effort_param: str = ""
) -> None:
    """Refuse an unknown model, sampling from a model that reasons, and effort from one that cannot (400)."""
    if model not in models:
        raise refused(f"The requested model '{model}' does not exist.", "model", "model_not_found")
    if effort is not None and models[model] is None:
        raise unsupported(effort_param or "reasoning_effort")
    reasons = (effort or models[model]) not in (None, "none")
    for name in ("temperature", "top_p"):
        if reasons and asked.get(name) is not None:
            raise unsupported(name)
