"""Exists to say what no single schema of OpenAI's document can: rules between fields; each names its source."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .errors import exclusive, missing, refused

Body = Mapping[str, Any]
Rule = Callable[[Body], None]
Schema = dict[str, Any]

_DATA = ("metadata", "attributes", "parameters", "schema", "annotations", "results")


def require_consistent(path: str, body: Body) -> None:
    """Refuse a body that the document's schema takes, and OpenAI does not (400)."""
    for rule in (*_EVERYWHERE, *RULES.get(path, ())):
        rule(body)


def is_not_streamed(body: Body) -> None:
    """Refuse to stream: honest rather than faithful, since OpenAI would."""
    if body.get("stream"):
        raise refused("This stand-in does not stream.", "stream", "unsupported_by_the_stand_in")


def strict_schemas_are_closed(body: Body) -> None:
    """Refuse what `strict` does not take (the guide to structured outputs: supported schemas)."""
    for place, each in objects(body):
        field, what, code = ("parameters", "function", "invalid_function_parameters")
        if "schema" in each:
            field, what, code = ("schema", "response_format", "invalid_json_schema")
        if each.get("strict") is True and (problem := _strict_problem(each.get(field) or {})):
            message = f"Invalid schema for {what} '{each.get('name')}': {problem}"
            raise refused(message, f"{place}.{field}", code)


def _strict_problem(schema: Schema) -> str | None:
    if schema.get("type") != "object":
        return f"schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{schema.get('type')}\"'."
    for where, part in _schemas(schema):
        properties, context = part.get("properties", {}), f"In context={where!r}, "
        if not isinstance(properties, dict):
            return f"{context}'properties' is required to be an object."
        if part.get("type") != "object" and not properties:
            continue
        if part.get("additionalProperties") is not False:
            return f"{context}'additionalProperties' is required to be supplied and to be false."
        if left_out := [name for name in properties if name not in part.get("required", ())]:
            required = "'required' is required to be supplied and to be an array including every key in properties."
            return f"{context}{required} Missing '{left_out[0]}'."
    return None


def _schemas(part: Any, *where: str) -> Iterator[tuple[tuple[str, ...], Schema]]:
    """List a schema and those within it, each with its place."""
    if not isinstance(part, dict):
        return
    yield where, part
    for keyword in ("properties", "$defs", "definitions"):
        for name, member in part.get(keyword, {}).items():
            yield from _schemas(member, *where, keyword, name)
    yield from _schemas(part.get("items"), *where, "items")
    for index, member in enumerate(part.get("anyOf", ())):
        yield from _schemas(member, *where, "anyOf", str(index))


def parts_have_a_source(body: Body) -> None:
    """Refuse an attached file or image that is none (the descriptions of the parts)."""
    sources = {"input_file": ("file_id", "file_data", "file_url"), "input_image": ("file_id", "image_url")}
    for place, each in objects(body):
        if (names := sources.get(str(each.get("type")))) and not any(each.get(name) for name in names):
            raise missing(f"{place}.{names[0]}")


def assistants_say_output(body: Body) -> None:
    """Refuse input in the model's own words (the API's refusal; the document's short form of a message allows it)."""
    for place, each in objects(body):
        parts = each.get("content") if each.get("role") == "assistant" else ()
        for index, part in enumerate(parts if isinstance(parts, list) else ()):
            kind = str(part.get("type")) if isinstance(part, Mapping) else ""
            if kind.startswith("input_"):
                message = f"Invalid value: '{kind}'. Supported values are: 'output_text' and 'refusal'."
                raise refused(message, f"{place}.content[{index}]", "invalid_value")


def background_is_stored(body: Body) -> None:
    """Refuse a background response that could not be read (the guide to background mode)."""
    if body.get("background") and body.get("store") is False:
        raise refused("Background responses require 'store' to be true.", "store", "invalid_value")


def prompt_exists(body: Body) -> None:
    """Refuse stored prompts: there are none here."""
    if body.get("prompt") is not None:
        raise refused("Prompt not found.", "prompt.id", "prompt_not_found")


def history_is_one(body: Body) -> None:
    """Refuse two histories (the description of `previous_response_id`)."""
    if body.get("conversation") and body.get("previous_response_id"):
        raise exclusive("previous_response_id", ["previous_response_id", "conversation"])


def there_is_something_to_answer(body: Body) -> None:
    """Refuse a request without input and history (the API's refusal)."""
    if not any(body.get(name) is not None for name in ("input", "previous_response_id", "conversation")):
        message = "One of 'input' or 'previous_response_id' or 'prompt' or 'conversation' must be provided."
        raise refused(message, "input", "missing_required_parameter")


def chosen_tool_is_there(settings: Body) -> None:
    """Refuse a `tool_choice` that names a tool which the request does not bring (the API's refusal)."""
    chosen, tools = settings.get("tool_choice"), settings.get("tools") or []
    if chosen == "required" and not tools:
        raise refused("Tool choice 'required' must be specified with 'tools' parameter.", "tool_choice")
    if not isinstance(chosen, Mapping):
        return
    for each in chosen["tools"] if chosen["type"] == "allowed_tools" else [chosen]:
        if _called(each) not in [_called(tool) for tool in tools]:
            raise refused(f"Tool choice '{each['type']}' not found in 'tools' parameter.", "tool_choice")


def mcp_servers_are_told_apart(settings: Body) -> None:
    """Refuse an MCP server without an address, and two of one label (the API's refusals)."""
    labels: list[str] = []
    for index, tool in enumerate(settings.get("tools") or ()):
        if tool["type"] == "mcp":
            if not tool.get("server_url") and not tool.get("connector_id"):
                raise missing(f"tools[{index}].server_url")
            if tool["server_label"] in labels:
                label = tool["server_label"]
                raise refused(f"Duplicate server_label found: {label}. Please provide a unique identifier.", "tools")
            labels.append(tool["server_label"])


def format_fits_the_tools(settings: Body) -> None:
    """Refuse a format that only function tools can go with (the API's refusal, Assistants v2)."""
    wanted, tools = settings.get("response_format"), settings.get("tools") or []
    if isinstance(wanted, Mapping) and wanted["type"] != "text" and any(each["type"] != "function" for each in tools):
        reason = f"when `response_format` is of type `{wanted['type']}`."
        raise refused(f"Invalid tools: all tools must be of type 'function' {reason}", "tools")


def messages_say_something(body: Body) -> None:
    """Refuse an empty message on a thread (the API's refusal)."""
    for place, each in objects(body):
        if "role" in each and each.get("content") == "":
            raise refused("Message content must be non-empty.", f"{place}.content" if place else "content")


_EVERYWHERE: list[Rule] = [is_not_streamed, strict_schemas_are_closed, parts_have_a_source, assistants_say_output]
_RESPONSE: list[Rule] = [background_is_stored, history_is_one, there_is_something_to_answer, chosen_tool_is_there]
_RESPONSE += [mcp_servers_are_told_apart]
RULES: dict[str, list[Rule]] = {
    "/responses": [prompt_exists, *_RESPONSE],
    "/threads": [messages_say_something],
    "/threads/runs": [messages_say_something],
    "/threads/{thread_id}/messages": [messages_say_something],
    "/threads/{thread_id}/runs": [messages_say_something],
}


def _called(tool: Body) -> tuple[str, str | None]:
    """Tell a tool by its type and name: flat in Responses, nested in Assistants v2."""
    if tool["type"] == "mcp":
        return "mcp", tool.get("server_label")
    return tool["type"], tool.get("function", tool).get("name") if tool["type"] in ("function", "custom") else None


def objects(value: Any, place: str = "") -> Iterator[tuple[str, Body]]:
    """List every object of a body with its place, but not what is data to OpenAI as well, or has been said by it."""
    if isinstance(value, list):
        for index, each in enumerate(value):
            yield from objects(each, f"{place}[{index}]")
    if isinstance(value, Mapping):
        yield place, value
        for name, each in value.items():
            if name not in _DATA:
                yield from objects(each, f"{place}.{name}" if place else name)
