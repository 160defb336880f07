"""What `make stacks` says of what became of its stacks."""

from collections import Counter
from typing import Any

import pytest

from testkit.stacks.__main__ import RESPONSES, Played, markdown

GOOD: dict[str, Any] = {
    "created": Counter(CREATE_COMPLETE=2),
    "runs": Counter(completed=2),
    "deleted": Counter(DELETE_COMPLETE=2),
    "runs_started": 2,
    "responses": Counter({1: 4}),
    "openai": Counter({"requests": 40, "HTTP 503": 2}),
    "storage": Counter({"call": 100, "ThrottlingException": 3, "killed signal": 1}),
}
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"created": Counter(CREATE_COMPLETE=1, ROLLBACK_COMPLETE=1)}, "not all stacks were created"),
    ({"runs": Counter(completed=1, none=1)}, "not all runs are completed"),
    ({"deleted": Counter(DELETE_FAILED=2)}, "not all stacks were deleted"),
    ({"runs_started": 3}, "3 runs were started for 2 stacks"),
    ({"responses": Counter({1: 3, 0: 1})}, "requests by their number of responses"),
    ({"left": Counter({"items RUN#": 1})}, "left: "),
    ({"left": Counter({RESPONSES: 2}), "unnamed": 1}, f"left: {{'{RESPONSES}': 1}}"),
]


@pytest.mark.parametrize(("change", "sentence"), WRONG)
def test_what_did_not_end_right_is_named(change: dict[str, Any], sentence: str) -> None:
    played = Played(**GOOD | change)
    [problem] = played.problems(2)
    assert problem.startswith(sentence)
    assert f"- {problem}" in markdown(played, 2)


def test_what_failed_is_counted() -> None:
    page = markdown(Played(**GOOD), 2)
    assert "| 2 (5.0%): HTTP 503 2 |" in page
    assert "| 3 (3.0%): ThrottlingException 3 |" in page
    assert "| functions killed while they worked | 1: killed signal 1 |" in page
    assert page.endswith("All ended as they should.\n")


def test_a_response_that_no_client_can_name_is_no_fault() -> None:
    """The reply that named it was lost with a killed function: docs/decisions.md, "What no client can know"."""
    played = Played(**GOOD, left=Counter({RESPONSES: 1}), unnamed=1)
    assert played.problems(2) == []
    assert "| of which responses that no client can name | 1 |" in markdown(played, 2)
