"""Where the stand-in does not do what OpenAI's document says, and why; everything else is held against it."""

from __future__ import annotations

from tests.contract.document import Exchange, Problem, problems

UNDOCUMENTED = ("/v1/webhook_endpoints", "/v1/webhook_event_types")
"""Paths that the document does not have yet. `tests/standin` holds them against the SDK's types, which do."""

EXAMPLES = "the document's own examples have it so"
_NEWER = "null where it was not given, as in the SDK's type and in the document of August 2026"
DEVIATIONS = {
    ("/responses", "$", "has an unknown field store"): EXAMPLES,
    ("/responses", "$.usage", "None is not of type 'object'"): EXAMPLES,
    ("/responses", "$.user", "None is not of type 'string'"): EXAMPLES,
    ("/responses", "$.prompt_cache_key", "None is not of type 'string'"): _NEWER,
    ("/responses", "$.safety_identifier", "None is not of type 'string'"): _NEWER,
}
"""The beginning of a path, a place in the reply, what is wrong with it there, and why it is so."""


def is_known(problem: Problem) -> bool:
    path = problem.operation.split()[1]
    return problem.part == "reply" and any(
        path.startswith(start) and (problem.place, problem.message) == (place, message)
        for start, place, message in DEVIATIONS
    )


def unknown_problems(exchange: Exchange) -> list[Problem]:
    if exchange.path.startswith(UNDOCUMENTED):
        return []
    return [problem for problem in problems(exchange) if not is_known(problem)]
