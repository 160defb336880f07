"""Tools of OpenAI's own and of MCP servers, their secrets, and attached files and images, on both wire APIs."""

import json
import logging
from typing import Any

import pytest

from local.openai_standin import Fault, McpServer, Script
from testkit.in_process.cloud import TOOL_SECRET_ARN
from testkit.in_process.deployed import ASSISTANTS
from testkit.in_process.world import World
from tests.support.runs import ASSISTANT, PROPERTIES, THREAD, attributes, delete_all, failure, runs_started

Row = tuple[dict[str, Any], dict[str, Any]]
"""What the user writes, as CloudFormation hands it over, and what the request then has."""
URL, TOKEN, KEY = "https://mcp.example.com/sse", "tok-3Zq9-secret", "key-77-secret"
TOKEN_ARN, HEADERS_ARN = TOOL_SECRET_ARN.format("token-AbCdEf"), TOOL_SECRET_ARN.format("headers-AbCdEf")
MCP = {"type": "mcp", "server_label": "docs", "server_url": URL}
GUARDED = MCP | {"authorization_secret_arn": TOKEN_ARN, "headers_secret_arn": HEADERS_ARN}
OF_GUARDED = {TOKEN_ARN: TOKEN, HEADERS_ARN: KEY}
HEADERS = {"X-Api-Key": KEY, "type": "data", "ServerUrl": "data"}
MINE = {"type": "eq", "key": "Type", "value": "5"}
FILTERS = {"type": "and", "filters": [MINE, {"type": "gte", "key": "year", "value": 2025}]}
AS_TEXT = json.loads(json.dumps(FILTERS).replace("2025", '"2025"'))
MAKING = ("/responses", "/runs", "/assistants")


def search(options: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "file_search", "vector_store_ids": ["STORE"]} | options | more


def ranked(**more: Any) -> dict[str, Any]:
    return {"ranking_options": {"ranker": "auto", "score_threshold": 0.5} | more}


TOOLS: dict[str, dict[str, Row]] = {
    "web_search": {"responses": ({"type": "web_search"}, {"type": "web_search"})},
    "allowed_domains": {
        "responses": (
            {"type": "web_search", "allowed_domains": ["example.com"]},
            {"type": "web_search", "filters": {"allowed_domains": ["example.com"]}},
        )
    },
    "user_location": {
        "responses": (
            {"type": "web_search", "user_location": {"city": "City", "country": "DE", "region": "B", "timezone": "T"}},
            {
                "type": "web_search",
                "user_location": {
                    "type": "approximate",
                    "city": "City",
                    "country": "DE",
                    "region": "B",
                    "timezone": "T",
                },
            },
        )
    },
    "search_context_size": {
        "responses": (
            {"type": "web_search", "search_context_size": "low"},
            {"type": "web_search", "search_context_size": "low"},
        )
    },
    "mcp": {"responses": (MCP, MCP | {"require_approval": "never"})},
    "allowed_tools": {
        "responses": (
            MCP | {"allowed_tools": ["look_up"]},
            MCP | {"allowed_tools": ["look_up"], "require_approval": "never"},
        )
    },
    "secrets": {
        "responses": (GUARDED, MCP | {"require_approval": "never", "authorization": TOKEN, "headers": HEADERS})
    },
    "max_num_results": {
        "responses": (search({"max_num_results": "5"}), search({"max_num_results": 5})),
        ASSISTANTS: (
            {"type": "file_search", "max_num_results": "5"},
            {"type": "file_search", "file_search": {"max_num_results": 5}},
        ),
    },
    "filters": {"responses": (search({"filters": AS_TEXT}), search({"filters": FILTERS}))},
    "filters as text": {"responses": (search({"filters": json.dumps(FILTERS)}), search({"filters": FILTERS}))},
    "ranking_options": {
        "responses": (search(ranked(score_threshold="0.5")), search(ranked())),
        ASSISTANTS: (
            {"type": "file_search"} | ranked(score_threshold="0.5"),
            {"type": "file_search", "file_search": ranked()},
        ),
    },
    "ranking_options without a threshold": {
        ASSISTANTS: (
            {"type": "file_search", "ranking_options": {"ranker": "auto"}},
            {"type": "file_search", "file_search": ranked(score_threshold=0.0)},
        ),
    },
    "hybrid_search": {
        "responses": (
            search(ranked(hybrid_search={"embedding_weight": "0.7", "text_weight": "0.3"})),
            search(ranked(hybrid_search={"embedding_weight": 0.7, "text_weight": 0.3})),
        )
    },
    "memory_limit": {
        "responses": (
            {"type": "code_interpreter", "memory_limit": "4g"},
            {"type": "code_interpreter", "container": {"type": "auto", "memory_limit": "4g"}},
        )
    },
}
ROWS = [(wire, name) for name, wires in TOOLS.items() for wire in wires]


def pascal(value: Any) -> Any:
    """All keys in PascalCase, but for a JSON text's."""
    if isinstance(value, dict):
        return {"".join(part.title() for part in key.split("_")): pascal(each) for key, each in value.items()}
    return [pascal(each) for each in value] if isinstance(value, list) else value


@pytest.fixture
def mcp(world: World) -> World:
    """With an MCP server that wants a token and a header, and their secrets; one without, where no secret is named."""
    world.secrets.put_secret_value(SecretId=TOKEN_ARN, SecretString=f"{TOKEN}\n")
    world.secrets.put_secret_value(SecretId=HEADERS_ARN, SecretString=json.dumps(HEADERS))
    world.openai.add_mcp_servers(McpServer(URL, authorization=TOKEN, headers={"X-Api-Key": KEY}))
    return world


@pytest.fixture
def named(mcp: World) -> dict[str, str]:
    """Ids of what exists."""
    store = mcp.openai.handle("POST", "/v1/vector_stores", "", {"authorization": "Bearer sk-standin"}, b"{}")
    return {"STORE": json.loads(store.body)["id"], "FILE": mcp.openai.add_file()}


def filled(value: Any, named: dict[str, str]) -> Any:
    text = json.dumps(value)
    for name, identifier in named.items():
        text = text.replace(f'"{name}"', f'"{identifier}"')
    return json.loads(text)


def run_with(world: World, properties: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    needed = {"model", "assistant_id", "thread"} & properties.keys()
    return {name: properties[name] for name in needed} | change


def open_doors(world: World, name: str) -> None:
    """The server wants nothing of those who bring nothing."""
    if name in ("mcp", "allowed_tools"):
        world.openai.add_mcp_servers(McpServer(URL))


@pytest.mark.parametrize("spell", [lambda value: value, pascal], ids=["snake_case", "PascalCase"])
@pytest.mark.parametrize(("wire", "name"), ROWS, indirect=["wire"])
def test_a_tool_arrives(world: World, properties: dict[str, Any], named: dict[str, str], name: str, spell: Any) -> None:
    open_doors(world, name)
    given, expected = filled(TOOLS[name][world.wire], named)
    # An assistant's store is searched too, where a run names none.
    attached = {"role": "user", "content": "Hello.", "attachments": [{"file_id": named["FILE"]}]}
    change = {"tools": [given]} | ({"thread": {"messages": [attached]}} if world.wire == ASSISTANTS else {})
    answer = world.create(spell(run_with(world, properties, change)))
    assert answer["Status"] == "SUCCESS", answer
    assert world.posted(*MAKING)[-1]["tools"] == [expected]


@pytest.mark.parametrize("wire", ["responses"], indirect=True)
def test_an_mcp_server_is_chosen_by_its_label(mcp: World, properties: dict[str, Any]) -> None:
    """OpenAI's document has no `tool_choice` of type `mcp` without a label."""
    answer = mcp.create(run_with(mcp, properties, {"tools": [GUARDED], "tool_choice": "mcp"}))
    assert answer["Status"] == "SUCCESS", answer
    chosen = {"type": "mcp", "server_label": MCP["server_label"]}
    assert mcp.posted(*MAKING)[-1]["tool_choice"] == {"type": "allowed_tools", "mode": "required", "tools": [chosen]}


@pytest.mark.parametrize(("wire", "name"), ROWS, indirect=["wire"])
def test_a_tool_arrives_through_an_assistant(world: World, named: dict[str, str], name: str) -> None:
    open_doors(world, name)
    given, expected = filled(TOOLS[name][world.wire], named)
    made = world.create({"model": "gpt-5.4-mini", "tools": [given]}, **ASSISTANT)
    attached = [{"file_id": named["FILE"]}]
    message = {"role": "user", "content": "Think.", "attachments": attached if given["type"] == "file_search" else []}
    attributes(world.create({"assistant_id": made["PhysicalResourceId"], "thread": {"messages": [message]}}))
    arrived = [tool for body in world.posted(*MAKING) for tool in body.get("tools") or ()]
    ours = expected | ({"vector_store_ids": arrived[-1]["vector_store_ids"]} if "vector_store_ids" in expected else {})
    assert ours in arrived


# --- what only one of the two APIs has

REFUSED: dict[str, dict[str, Any]] = {
    "tools[0].type: Assistants v2 has no type web_search": {"tools": [{"type": "web_search"}]},
    "tools[0].type: Assistants v2 has no type mcp": {"tools": [MCP]},
    "tools[0].filters: Assistants v2 has no filters": {"tools": [{"type": "file_search", "filters": MINE}]},
    "tools[0].memory_limit: Assistants v2 has no memory_limit": {
        "tools": [{"type": "code_interpreter", "memory_limit": "1g"}]
    },
    "tools[0].ranking_options.hybrid_search: Assistants v2 has no hybrid_search": {
        "tools": [
            {
                "type": "file_search",
                "ranking_options": {"hybrid_search": {"embedding_weight": "1", "text_weight": "1"}},
            }
        ]
    },
}
OF_MESSAGES: dict[str, dict[str, Any]] = {
    "messages[0].attachments[0].file_url: Assistants v2 has no file_url": {"file_url": "https://example.com/a.pdf"},
    "messages[0].attachments[0].detail: Assistants v2 has no detail original": {
        "file_url": "https://example.com/a.png",
        "type": "image",
        "detail": "original",
    },
}


@pytest.mark.parametrize("wire", [ASSISTANTS], indirect=True)
def test_what_assistants_v2_lacks_is_refused_at_once_by_its_name(world: World, properties: dict[str, Any]) -> None:
    instead = ": leave it out, or use a deployment with OpenAIApi=responses"
    for sentence, change in REFUSED.items():
        assert sentence + instead in failure(world.create(properties | change, logical_id=sentence))
        assert sentence + instead in failure(world.create({"model": "gpt-5.4-mini", **change}, **ASSISTANT))
    for sentence, attachment in OF_MESSAGES.items():
        messages = {"messages": [{"role": "user", "content": "Look.", "attachments": [attachment]}]}
        reason = failure(world.create(properties | {"thread": messages}, logical_id=sentence))
        assert f"thread.{sentence}{instead}" in reason
        assert sentence + instead in failure(world.create(messages, **THREAD))
    assert not world.posted("/threads"), "nothing was made"


def test_all_that_a_wire_lacks_is_told_together_and_in_the_users_own_style(world: World) -> None:
    world.app.settings = world.app.settings.model_copy(update={"openai_api": ASSISTANTS})
    tools = [{"type": "web_search"}, {"type": "code_interpreter", "memory_limit": "1g"}]
    reason = failure(world.create(pascal({"assistant_id": "asst_1", "thread": PROPERTIES["thread"], "tools": tools})))
    assert "2 problems" in reason
    assert "Tools[0].Type: Assistants v2 has no type web_search" in reason
    assert "Tools[1].MemoryLimit: Assistants v2 has no MemoryLimit" in reason


# --- attached files and images

IMAGE_URL, FILE_URL = "https://example.com/a.png", "https://example.com/a.pdf"
ATTACHMENTS: dict[str, dict[str, Row]] = {
    "file_url": {"responses": ({"file_url": FILE_URL}, {"type": "input_file", "file_url": FILE_URL})},
    "image by id": {
        "responses": (
            {"file_id": "FILE", "type": "image"},
            {"type": "input_image", "file_id": "FILE", "detail": "auto"},
        ),
        ASSISTANTS: (
            {"file_id": "FILE", "type": "image"},
            {"type": "image_file", "image_file": {"file_id": "FILE"}},
        ),
    },
    "image by URL": {
        "responses": (
            {"file_url": IMAGE_URL, "type": "image", "detail": "low"},
            {"type": "input_image", "image_url": IMAGE_URL, "detail": "low"},
        ),
        ASSISTANTS: (
            {"file_url": IMAGE_URL, "type": "image", "detail": "low"},
            {"type": "image_url", "image_url": {"url": IMAGE_URL, "detail": "low"}},
        ),
    },
    "original": {
        "responses": (
            {"file_id": "FILE", "type": "image", "detail": "original"},
            {"type": "input_image", "file_id": "FILE", "detail": "original"},
        )
    },
}
OF_ATTACHMENTS = [(wire, name) for name, wires in ATTACHMENTS.items() for wire in wires]


def content_sent(world: World) -> list[dict[str, Any]]:
    """The parts of the messages in the requests, those of text left out."""
    bodies = world.posted("/responses", "/threads", "/items", "/messages")
    messages = [each for body in bodies for each in [body, *body.get("messages", ()), *body.get("input", ())]]
    messages += [each for body in bodies for each in body.get("items", ())]
    parts = [part for each in messages for part in each.get("content", ()) if isinstance(part, dict)]
    return [part for part in parts if part["type"] not in ("text", "input_text")]


@pytest.mark.parametrize("spell", [lambda value: value, pascal], ids=["snake_case", "PascalCase"])
@pytest.mark.parametrize(("wire", "name"), OF_ATTACHMENTS, indirect=["wire"])
def test_an_attachment_arrives(
    world: World, properties: dict[str, Any], named: dict[str, str], name: str, spell: Any
) -> None:
    given, expected = filled(ATTACHMENTS[name][world.wire], named)
    messages = {"messages": [{"role": "user", "content": "Look.", "attachments": [given]}]}
    answer = world.create(spell(run_with(world, properties, {"thread": messages})))
    assert answer["Status"] == "SUCCESS", answer
    assert content_sent(world) == [expected]


@pytest.mark.parametrize(("wire", "name"), OF_ATTACHMENTS, indirect=["wire"])
def test_an_attachment_of_a_shared_thread_arrives(world: World, named: dict[str, str], name: str) -> None:
    given, expected = filled(ATTACHMENTS[name][world.wire], named)
    attributes(world.create({"messages": [{"role": "user", "content": "Look.", "attachments": [given]}]}, **THREAD))
    assert content_sent(world) == [expected]


@pytest.mark.parametrize("wire", ["responses", ASSISTANTS], indirect=True)
def test_an_image_is_part_of_its_message_whatever_tools_read_the_files(
    world: World, properties: dict[str, Any], named: dict[str, str]
) -> None:
    image = world.openai.add_file()
    attached = [{"file_id": named["FILE"]}, {"file_id": image, "type": "image"}]
    thread = {"messages": [{"role": "user", "content": "Look.", "attachments": attached}]}
    answer = world.create(properties | {"thread": thread, "tools": [{"type": "file_search"}]})
    assert json.loads(attributes(answer)["file_ids"]) == [named["FILE"], image]
    [part] = content_sent(world)
    assert image in json.dumps(part)
    [store] = [each for each in world.openai.world.vector_stores.values() if each.id != named["STORE"]]
    assert list(store.files) == [named["FILE"]]


# --- what tools do


def test_a_run_that_searches_the_web_and_calls_an_mcp_server_is_a_run_like_any_other(mcp: World) -> None:
    answer = mcp.create(PROPERTIES | {"tools": [{"type": "web_search"}, GUARDED]})
    assert "What is a stack?" in attributes(answer)["output_text"]
    [response] = mcp.openai.world.responses.values()
    kinds = [item["type"] for item in response.turn.outcome.output]
    assert kinds == ["web_search_call", "mcp_list_tools", "mcp_call", "message"]
    delete_all(mcp, answer)


def test_an_mcp_server_that_wants_authorization_refuses_a_run_without_it_in_a_sentence(mcp: World) -> None:
    answer = mcp.create(PROPERTIES | {"tools": [MCP]})
    assert "Error retrieving tool list from MCP server: 'docs'. Http status code: 401 (Unauthorized)" in failure(answer)
    assert runs_started(mcp) == 0
    delete_all(mcp, answer)


def test_a_token_that_was_rotated_is_the_one_of_the_next_run(mcp: World) -> None:
    attributes(mcp.create(PROPERTIES | {"tools": [GUARDED]}, logical_id="First"))
    mcp.secrets.put_secret_value(SecretId=TOKEN_ARN, SecretString=json.dumps({"authorization": "tok-new"}))
    mcp.openai.add_mcp_servers(McpServer(URL, authorization="tok-new"))
    attributes(mcp.create(PROPERTIES | {"tools": [GUARDED]}, logical_id="Second"))


ASKED = {"type": "mcp_approval_request", "server_label": "docs", "name": "delete_all", "arguments": "{}"}
UNAPPROVED = "MCP server docs asks for approval of its tool delete_all, which nobody can give during a deployment"


@pytest.mark.parametrize("kind", ["", "lost_reply"])
def test_an_mcp_call_that_asks_for_approval_ends_with_a_sentence(mcp: World, kind: str) -> None:
    if kind:
        mcp.openai.fault(Fault("POST", "/v1/responses", kind))
    mcp.openai.script(Script(output=[ASKED]))
    answer = mcp.create(PROPERTIES | {"tools": [GUARDED], "accept_statuses": ["completed", "requires_action"]})
    assert UNAPPROVED in failure(answer)
    assert runs_started(mcp) == 1
    mcp.delete(answer["PhysicalResourceId"])


# --- secrets of tools

OTHERS = "arn:aws:secretsmanager:us-east-1:123456789012:secret:payroll-AbCdEf"


@pytest.mark.parametrize("name", ["authorization_secret_arn", "headers_secret_arn"])
def test_a_secret_that_the_application_may_not_read_is_refused_at_once(mcp: World, name: str) -> None:
    mcp.secrets.put_secret_value(SecretId=OTHERS, SecretString='{"a": "payroll"}')
    tools = [MCP | {name: OTHERS}]
    problem = f"tools[0].{name}: this application may not read {OTHERS}: deploy it with ToolSecretArns="
    assert problem in failure(mcp.create(PROPERTIES | {"tools": tools}))
    assert problem in failure(mcp.create({"model": "gpt-5.4-mini", "tools": tools}, **ASSISTANT))
    assert not mcp.openai.requests


@pytest.mark.parametrize(
    ("arn", "text", "sentence"),
    [
        (TOKEN_ARN, " ", f"secret {TOKEN_ARN} is neither a bare token nor a JSON object with authorization"),
        (TOKEN_ARN, '{"token": "t"}', f"secret {TOKEN_ARN} is neither a bare token nor a JSON object"),
        (HEADERS_ARN, "bare", f"secret {HEADERS_ARN} is not a JSON object of text"),
        (HEADERS_ARN, '{"X": 1}', f"secret {HEADERS_ARN} is not a JSON object of text"),
        (TOKEN_ARN, "first\nsecond", f"secret {TOKEN_ARN} has a name or a value that no HTTP header can hold"),
        (HEADERS_ARN, '{"X": "a\\r\\nY: b"}', f"secret {HEADERS_ARN} has a name or a value that no HTTP header"),
        (HEADERS_ARN, '{"X: y": "a"}', f"secret {HEADERS_ARN} has a name or a value that no HTTP header can hold"),
        (HEADERS_ARN, None, f"cannot read the secret of a tool {HEADERS_ARN}: ResourceNotFoundException"),
    ],
)
def test_a_secret_that_cannot_be_used_is_named_and_not_shown(
    mcp: World, arn: str, text: str | None, sentence: str
) -> None:
    if text is None:
        mcp.secrets.delete_secret(SecretId=arn, ForceDeleteWithoutRecovery=True)
    else:
        mcp.secrets.put_secret_value(SecretId=arn, SecretString=text)
    answer = mcp.create(PROPERTIES | {"tools": [GUARDED]})
    assert sentence in failure(answer)
    assert not mcp.posted()
    delete_all(mcp, answer)


CITING = {
    "type": "output_text",
    "text": "Yes.",
    "annotations": [
        {"type": "url_citation", "url": f"{URL}?key={KEY}", "title": f"as {TOKEN}", "start_index": 0, "end_index": 1}
    ],
}


@pytest.mark.parametrize(
    "trouble",
    [
        None,
        Fault("POST", "/v1/responses", "status", status=400, message=f"odd header {KEY}, odd token {TOKEN}"),
        Fault("POST", "/v1/responses", "status", status=429, message=f"slow down, {TOKEN}", retry_after=5, times=2),
        Script(error=("invalid_prompt", f"MCP server refused {TOKEN} with {KEY}")),
        Script(output_text=f"I was let in with {TOKEN} and {KEY}."),
        Script(output=[{"type": "message", "content": [CITING]}]),
        Script(output=[{"type": "function_call", "name": "f", "arguments": json.dumps({"token": TOKEN, "a": KEY})}]),
        Fault("GET", "/v1/responses/resp_.*", "status", status=400, message=f"no token {TOKEN}, {KEY}", times=None),
        Fault("GET", "/v1/responses/resp_.*", "status", status=503, message=f"no token {TOKEN}, {KEY}", times=3),
    ],
    ids=["all is well", "refused", "late", "failed", "repeated by the model", "cited", "called", "unread", "late read"],
)
def test_nothing_of_a_tools_secret_is_written_anywhere(
    mcp: World,
    trouble: object,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In no record, while a run is under way and after it, no public item, log, history, event or response."""
    caplog.set_level(logging.DEBUG, logger="threadrun")
    seen: list[str] = []
    events: list[dict[str, Any]] = []

    def look_and_start_another_process() -> None:
        seen.append(written(mcp))
        start_another_process(mcp)

    mcp.after_request("POST", "/v1/responses", look_and_start_another_process)
    put_events = mcp.app.event_bus.put_events
    monkeypatch.setattr(mcp.app.event_bus, "put_events", lambda **given: (events.append(given), put_events(**given))[1])
    match trouble:
        case Fault():
            mcp.openai.fault(trouble)
        case Script():
            mcp.openai.script(trouble)
    tools = [GUARDED, {"type": "function", "function": {"name": "f"}}]
    answer = mcp.create(PROPERTIES | {"tools": tools, "max_tool_rounds": "3"})
    seen += [written(mcp), json.dumps(answer), *(str(vars(each)) for each in caplog.records)]
    seen += [capsys.readouterr().out, mcp.states.histories(), json.dumps(events)]
    sent = [json.dumps(each.body) for each in mcp.openai.requests]
    assert any(TOKEN in each and KEY in each for each in sent), "it was used"
    assert len(events) == runs_started(mcp)
    assert TOKEN_ARN in seen[0], "its name is on record while the run is under way"
    assert [each for each in seen if TOKEN in each or KEY in each] == []


@pytest.mark.parametrize(
    ("headers", "says", "shown"),
    [
        ({"X-Readonly": "true", "X-Toolsets": "issues"}, '{"issues": true}', '{"issues": true}'),
        ({"Authorization": "Bearer tok-9"}, "I was let in with tok-9.", "I was let in with ***."),
        ({"X-Tenant": "a-long-and-odd-one"}, "a-long-and-odd-one", "***"),
        ({"X-Api-Key": " two words-9 "}, "It is two words-9.", "It is ***."),
        ({"Authorization": "Bearer\ttok-9 \t"}, "I was let in with tok-9.", "I was let in with ***."),
        ({"X-Api-Key": "k3y-8-it"}, "k3y-8-it", "***"),
        ({"X-Auth-Mode": "user"}, '{"user": "Ann"}', '{"user": "Ann"}'),
        ({"X-Token-Required": "true"}, '{"ok": true}', '{"ok": true}'),
        ({"X-Api-Key-Type": "required", "Authorization": "none"}, '["required", "none"]', '["required", "none"]'),
        (
            {"Authorization": 'Bearer a/b-"9'},
            r'{"x": "a\/b\u002D\"9", "y": "a/b\u002d\u00229."}',
            '{"x": "***", "y": "***."}',
        ),
    ],
)
def test_of_headers_what_is_secret_is_cut_and_nothing_else(
    mcp: World, headers: dict[str, str], says: str, shown: str
) -> None:
    """A paid answer would be no JSON any more, and a call's arguments neither."""
    mcp.secrets.put_secret_value(SecretId=HEADERS_ARN, SecretString=json.dumps(headers))
    mcp.openai.script(Script(output_text=says))
    tool = MCP | {"server_url": "https://open.example.com", "headers_secret_arn": HEADERS_ARN}
    mcp.openai.add_mcp_servers(McpServer("https://open.example.com"))
    assert attributes(mcp.create(PROPERTIES | {"tools": [tool]}))["output_text"] == shown


def test_secrets_of_the_assistants_tools_are_cut_out_of_what_a_rollback_shows(mcp: World) -> None:
    """And of why a Delete fails: the properties are not on record any more then."""
    assistant = mcp.create({"model": "gpt-5.4-mini", "tools": [GUARDED]}, **ASSISTANT)["PhysicalResourceId"]
    given = {"assistant_id": assistant, "thread": PROPERTIES["thread"]}
    mcp.openai.script(Script(output_text=f"The token is {TOKEN}."))
    first = mcp.create(given)
    mcp.update(first["PhysicalResourceId"], given | {"instructions": "Be brief."})
    start_another_process(mcp)
    back = mcp.update(first["PhysicalResourceId"], given)
    assert attributes(back)["output_text"] == "The token is ***."
    assert TOKEN not in str(mcp.public_items())
    mcp.openai.fault(Fault("DELETE", "/v1/.*", "status", status=400, message=f"no {TOKEN}", times=2))
    start_another_process(mcp)
    assert "no ***" in failure(mcp.delete(first["PhysicalResourceId"], given))


def test_secrets_of_another_run_are_not_cut_out_of_an_answer(mcp: World) -> None:
    """The process has read them, and they may be words of this one's answer."""
    mcp.openai.script(Script(), Script(output_text=f"It says {TOKEN}."))
    attributes(mcp.create(PROPERTIES | {"tools": [GUARDED]}))
    other = mcp.create(PROPERTIES, logical_id="Other")
    assert attributes(other)["output_text"] == f"It says {TOKEN}."


@pytest.mark.parametrize("is_new_process", [False, True])
@pytest.mark.parametrize("gone", [TOKEN_ARN, HEADERS_ARN])
def test_a_secret_that_is_gone_uncovers_no_other_one(mcp: World, gone: str, is_new_process: bool) -> None:
    """Nor itself where this process has seen it."""

    def lose_it() -> None:
        mcp.secrets.delete_secret(SecretId=gone, ForceDeleteWithoutRecovery=True)
        if is_new_process:
            start_another_process(mcp)

    mcp.openai.script(Script(output_text=f"I was let in with {TOKEN} and {KEY}."))
    mcp.after_request("POST", "/v1/responses", lose_it)
    shown = {arn: value if (arn, is_new_process) == (gone, True) else "***" for arn, value in OF_GUARDED.items()}
    text = attributes(mcp.create(PROPERTIES | {"tools": [GUARDED]}))["output_text"]
    assert text == f"I was let in with {shown[TOKEN_ARN]} and {shown[HEADERS_ARN]}."


def test_a_reason_that_is_not_shown_says_what_was_being_done(mcp: World) -> None:
    made = mcp.create(PROPERTIES | {"tools": [GUARDED]})
    mcp.secrets.delete_secret(SecretId=TOKEN_ARN, ForceDeleteWithoutRecovery=True)
    mcp.openai.fault(Fault("DELETE", "/v1/responses/.*", "status", status=400, message=f"no: {TOKEN}", times=None))
    reason = failure(mcp.delete(made["PhysicalResourceId"]))
    run_id = made["PhysicalResourceId"].partition(":")[2]
    assert reason.startswith(f"cannot delete run {run_id}: the server's reason is not shown, as it may have a secret: ")


@pytest.mark.parametrize("is_shown", [False, True])
def test_a_run_that_cannot_be_cancelled_is_left_behind_though_a_secret_of_it_is_gone(
    mcp: World, is_shown: bool
) -> None:
    """The server's words are not shown then, and what is waited for is the same."""
    mcp.openai.fault(Fault("POST", "/v1/responses/[^/]+/cancel", "status", status=500, times=None))
    mcp.openai.script(Script(duration_s=1e7))
    made = mcp.create(PROPERTIES | {"tools": [GUARDED], "timeout_seconds": "30"})
    assert "did not end within" in failure(made)
    if not is_shown:
        mcp.openai.fault(Fault("GET", "/v1/responses/[^/]+", "status", status=500, times=None))
    mcp.secrets.delete_secret(SecretId=TOKEN_ARN, ForceDeleteWithoutRecovery=True)
    began = mcp.clock()
    deleted = mcp.delete(made["PhysicalResourceId"])
    assert deleted["Status"] == "SUCCESS", deleted["Reason"]
    assert mcp.clock() < began + 200


def test_a_refusal_is_shortened_after_its_secrets_are_cut(mcp: World) -> None:
    said = "x" * 990 + TOKEN
    mcp.openai.script(Script(output=[{"type": "message", "content": [{"type": "refusal", "refusal": said}]}]))
    data = attributes(mcp.create(PROPERTIES | {"tools": [GUARDED], "accept_refusal": "true"}))
    assert data["refusal"] == "x" * 990 + "***"


def start_another_process(world: World) -> None:
    """One that knows no secret yet."""
    for name in ("backend", "stepper"):
        vars(world.app).pop(name, None)


def written(world: World) -> str:
    records = [world.records.load(key) for key in world.items() if key.startswith("RESOURCE#")]
    return "".join(record.model_dump_json() for record in records if record) + str(world.public_items())
