"""Where the stand-in's replies are not as OpenAI's document says, and why; all others are held against it."""

from __future__ import annotations

from tests.contract.document import Exchange, Problem, problems

UNDOCUMENTED = ("/v1/webhook_endpoints", "/v1/webhook_event_types")
"""Paths that the document does not have yet. `tests/standin` holds them against the SDK's types, which do."""

EXAMPLES = "the document's own examples have it so"
_NEWER = "null where it was not given, as in the SDK's type and in the document of August 2026"
DEVIATIONS = {
    ("store", "unknown_parameter"): EXAMPLES,
    ("usage", "invalid_type"): EXAMPLES,
    ("user", "invalid_type"): EXAMPLES,
    ("prompt_cache_key", "invalid_type"): _NEWER,
    ("safety_identifier", "invalid_type"): _NEWER,
    ("usage.input_tokens_details.cache_write_tokens", "unknown_parameter"): "in the SDK's type already",
}
"""A place in the reply of a response, what is wrong with it there, and why it is so."""


def is_known(problem: Problem) -> bool:
    return "/responses" in problem.operation and (problem.place, problem.code) in DEVIATIONS


def unknown_problems(exchange: Exchange) -> list[Problem]:
    if exchange.path.startswith(UNDOCUMENTED) and exchange.status == 200:
        return []
    return [problem for problem in problems(exchange) if not is_known(problem)]
