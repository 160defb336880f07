"""Exists to play what OpenAI's own tools reach: the web, and MCP servers, some of which want authorization.

Shapes are those of the SDK's `ResponseFunctionWebSearch`, `McpListTools`, `McpCall` and `McpApprovalRequest`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .errors import ApiError

_REFUSED = "<redacted>"


@dataclass(frozen=True)
class McpServer:
    """An MCP server at a URL. It lists its tools to whoever comes with its token and its headers, if it has any."""

    url: str
    tools: tuple[str, ...] = ("look_up",)
    authorization: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def refusal(self, tool: Mapping[str, Any]) -> str | None:
        given = tool.get("headers") or {}
        is_let_in = tool.get("authorization") == self.authorization and self.headers.items() <= given.items()
        return None if is_let_in else "401 (Unauthorized)"


def require_mcp_servers(servers: Mapping[str, McpServer], tools: Iterable[Mapping[str, Any]]) -> None:
    """Refuse MCP servers that do not list their tools (424), in the words that users of the API report."""
    for tool in tools:
        if tool["type"] == "mcp":
            server = servers.get(str(tool.get("server_url")))
            problem = server.refusal(tool) if server else "404 (Not Found)"
            if problem:
                message = f"Error retrieving tool list from MCP server: '{tool['server_label']}'."
                message = f"{message} Http status code: {problem}"
                raise ApiError(424, message, param="tools", code="http_error", kind="external_connector_error")


def shown_tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    """Show a tool without what opens an MCP server, as OpenAI does."""
    if tool["type"] != "mcp":
        return dict(tool)
    shown = {name: value for name, value in tool.items() if name != "authorization"}
    if tool.get("headers"):
        shown["headers"] = dict.fromkeys(tool["headers"], _REFUSED)
    return shown


def items_of_tools(
    servers: Mapping[str, McpServer], tools: Iterable[Mapping[str, Any]], asked: str
) -> list[dict[str, Any]]:
    """Make the items of a model that uses each of its web searches and MCP servers once, before it answers."""
    items: list[dict[str, Any]] = []
    for tool in tools:
        if tool["type"].startswith("web_search"):
            action = {"type": "search", "query": asked, "queries": [asked]}
            items.append({"type": "web_search_call", "status": "completed", "action": action})
        if tool["type"] == "mcp":
            items += _items_of_server(servers[tool["server_url"]], tool, asked)
    return items


def _items_of_server(server: McpServer, tool: Mapping[str, Any], asked: str) -> list[dict[str, Any]]:
    label, allowed = tool["server_label"], tool.get("allowed_tools") or server.tools
    known = [{"name": name, "input_schema": {"type": "object"}} for name in server.tools if name in allowed]
    listed = {"type": "mcp_list_tools", "server_label": label, "tools": known, "error": None}
    if not known:
        return [listed]
    call = {"server_label": label, "name": known[0]["name"], "arguments": "{}"}
    if tool.get("require_approval") != "never":
        return [listed, {"type": "mcp_approval_request", **call}]
    output = {"output": f"{call['name']} says: {asked}", "error": None, "status": "completed"}
    return [listed, {"type": "mcp_call", "approval_request_id": None, **call, **output}]
