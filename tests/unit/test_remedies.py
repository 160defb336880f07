"""What `threadrun why` says of a reason: the row of docs/failures.md that is about it."""

import re

import pytest

from tests.support.failure_table import PAGE
from threadrun_cli.remedies import REPEATED, _best, _read, remedies_for

EXAMPLES = {
    "<ARN>": "arn:aws:secretsmanager:us-east-1:123456789012:secret:key",
    "<which secret>": "the API key's secret",
    "<id>": "resp_1",
    "<number>": "2",
    "<seconds>": "60 s",
    "<place>": "verdict",
    "<field>": "store",
    "<argument>": "function",
    "<status>": "failed",
}
MESSAGES: list[tuple[str, str, str]] = [tuple(row) for row in _read()["messages"]]


@pytest.mark.parametrize("message", [message for message, _, _ in MESSAGES])
def test_an_example_of_each_row_finds_its_own_row(message: str) -> None:
    example = re.sub(r"<[^<>]*>", lambda found: EXAMPLES.get(found[0], "Something"), message)
    found = _best(example)
    assert found is not None
    assert found[0].message == message


def test_a_thread_that_does_not_exist_is_no_secret() -> None:
    [told] = remedies_for("cannot read thread conv_1:resp_1: Conversation conv_1:resp_1 not found (HTTP 404)")
    assert told.cause == "the model, file or thread does not exist for this key's project"


@pytest.mark.parametrize(
    ("facts", "cause"),
    [
        ("HTTP 400, code model_not_found, request id req_1", "the model, file or thread does not exist"),
        ("HTTP 400, code unknown_parameter", "the server, or this model, does not have the parameter"),
        ("HTTP 400, code invalid_value", "the server does not take a value"),
        ("HTTP 429, code insufficient_quota", "the account's credit is used up"),
        ("HTTP 403", "the key may not do this"),
    ],
)
def test_a_refusal_is_told_by_its_status_and_code(facts: str, cause: str) -> None:
    [told] = remedies_for(f"cannot start the run: is required ({facts})")
    assert told.cause.startswith(cause)


def test_each_problem_of_a_reason_is_told() -> None:
    told = remedies_for(
        "invalid properties, 2 problems: temperature: must be at most 2 (it is '3'); model: is required"
    )
    assert [each.cause for each in told] == [
        "a value outside its limits",
        "a property that is always needed is missing",
    ]


def test_what_is_within_a_reason_is_told_too() -> None:
    ended, incomplete = remedies_for(
        "run resp_1 ended as `incomplete`; only `completed` is accepted: incomplete because of max_output_tokens"
    )
    assert "accept_statuses" in ended.cause
    assert "max_completion_tokens" in incomplete.cause


def test_what_is_told_stands_without_the_page() -> None:
    for message, cause, remedy in MESSAGES:
        if not message.startswith("cannot <do something>: <the server's words>"):
            assert not re.search(r"\bbelow:|the table|the next row|\bthe same\b", cause + remedy), message
            assert REPEATED not in remedy.replace(REPEATED, "", remedy == REPEATED), message


def test_the_table_of_statuses_is_read() -> None:
    assert PAGE.read_text().count("\n| 4") == len(_read()["statuses"])
