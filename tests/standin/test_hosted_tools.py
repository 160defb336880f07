"""The tools that OpenAI runs itself: a search of the web, and MCP servers, which may want authorization."""

from typing import Any

import pytest
from openai import APIStatusError, OpenAI

from local.openai_standin import McpServer, OpenAIStandIn
from tests.standin.support import Clock, start

URL = "https://mcp.example.com/sse"
MCP: dict[str, Any] = {"type": "mcp", "server_label": "docs", "server_url": URL, "require_approval": "never"}


def kinds(client: OpenAI, clock: Clock, *tools: dict[str, Any]) -> list[str]:
    started = start(client, tools=list(tools))
    clock.sleep(20)
    return [item.type for item in client.responses.retrieve(started.id).output]


def test_a_search_and_a_call_come_before_the_answer(client: OpenAI, clock: Clock, stand_in: OpenAIStandIn) -> None:
    stand_in.add_mcp_servers(McpServer(URL))
    found = kinds(client, clock, {"type": "web_search"}, MCP)
    assert found == ["web_search_call", "mcp_list_tools", "mcp_call", "message"]


def test_a_call_that_needs_approval_ends_the_response(client: OpenAI, clock: Clock, stand_in: OpenAIStandIn) -> None:
    stand_in.add_mcp_servers(McpServer(URL))
    asking = {name: value for name, value in MCP.items() if name != "require_approval"}
    assert kinds(client, clock, asking) == ["mcp_list_tools", "mcp_approval_request"]


def test_only_tools_that_are_allowed_are_called(client: OpenAI, clock: Clock, stand_in: OpenAIStandIn) -> None:
    stand_in.add_mcp_servers(McpServer(URL, tools=("delete_all", "look_up")))
    started = start(client, tools=[MCP | {"allowed_tools": ["look_up"]}])
    clock.sleep(20)
    [call] = [item for item in client.responses.retrieve(started.id).output if item.type == "mcp_call"]
    assert call.name == "look_up"
    assert kinds(client, clock, MCP | {"allowed_tools": ["nothing"]}) == ["mcp_list_tools", "message"]


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({}, "401 (Unauthorized)"),
        ({"authorization": "other", "headers": {"X-Key": "k"}}, "401 (Unauthorized)"),
        ({"authorization": "token"}, "401 (Unauthorized)"),
        ({"server_url": "https://gone.example"}, "404 (Not Found)"),
    ],
)
def test_a_server_that_does_not_list_its_tools_refuses_the_response(
    client: OpenAI, stand_in: OpenAIStandIn, given: dict[str, Any], status: str
) -> None:
    stand_in.add_mcp_servers(McpServer(URL, authorization="token", headers={"X-Key": "k"}))
    with pytest.raises(APIStatusError, match="Error retrieving tool list from MCP server: 'docs'") as raised:
        start(client, tools=[MCP | given])
    assert status in str(raised.value)
    assert raised.value.status_code == 424


def test_what_opens_a_server_is_not_shown(client: OpenAI, stand_in: OpenAIStandIn) -> None:
    stand_in.add_mcp_servers(McpServer(URL, authorization="token", headers={"X-Key": "hidden"}))
    started = start(client, tools=[MCP | {"authorization": "token", "headers": {"X-Key": "hidden"}}])
    shown = started.model_dump_json()
    assert "docs" in shown
    assert not {"token", "hidden"} & {*shown.replace('"', " ").split()}


@pytest.mark.parametrize(
    ("tools", "problem"),
    [
        ([{"type": "mcp", "server_label": "docs"}], "Missing required parameter: 'tools"),
        ([MCP, MCP], "Duplicate server_label found: docs"),
    ],
)
def test_servers_are_told_apart_and_have_an_address(client: OpenAI, tools: list[Any], problem: str) -> None:
    with pytest.raises(APIStatusError, match=problem):
        start(client, tools=tools)
