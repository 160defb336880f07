"""What OpenAI refuses: what each request changes, the param and the code of its refusal. None leaves a field out."""

from typing import Any

from tests.standin.support import (
    CLOSED,
    FUNCTION,
    HELLO,
    NESTED,
    PLAIN,
    REASONING,
    SCHEMA,
    UNREASONING,
    attachment,
    call,
    output_of,
)

MISSING, UNKNOWN, TYPE, VALUE = "missing_required_parameter", "unknown_parameter", "invalid_type", "invalid_value"
SHORT, LARGE = "integer_below_min_value", "integer_above_max_value"
LONG, PREFIX = "string_above_max_length", "invalid_id_prefix"
MANY, UNSUPPORTED = "array_above_max_length", "unsupported_parameter"
GONE = [{"type": "input_file", "file_id": "file-gone"}]

Row = tuple[dict[str, Any], str | None, str | None]


def text_format(**changes: Any) -> dict[str, Any]:
    return {"text": {"format": {"type": "json_schema", "name": "answer", "schema": CLOSED, **changes}}}


def tool(**tool: Any) -> dict[str, Any]:
    return {"tools": [tool]}


def part(**content: Any) -> dict[str, Any]:
    return {"input": [{"role": "user", "content": [content]}]}


RESPONSES: list[Row] = [
    ({"foo": 1}, "foo", UNKNOWN),
    ({"model": None}, "model", MISSING),
    ({"model": 7}, "model", TYPE),
    ({"model": "gpt-9"}, "model", "model_not_found"),
    ({"input": None}, "input", MISSING),
    ({"input": {"role": "user"}}, "input", TYPE),
    ({"background": "yes"}, "background", TYPE),
    ({"max_output_tokens": 15}, "max_output_tokens", SHORT),
    ({"max_output_tokens": 20.0}, "max_output_tokens", TYPE),
    ({"max_tool_calls": 0}, "max_tool_calls", SHORT),
    ({"temperature": 2.1}, "temperature", "decimal_above_max_value"),
    ({"temperature": -0.1}, "temperature", "decimal_below_min_value"),
    ({"temperature": "0.7"}, "temperature", TYPE),
    ({"top_p": True}, "top_p", TYPE),
    ({"model": REASONING, "temperature": 1}, "temperature", UNSUPPORTED),
    ({"reasoning": {"effort": "low"}, "top_p": 1}, "top_p", UNSUPPORTED),
    ({"model": UNREASONING, "reasoning": {"effort": "low"}}, "reasoning.effort", UNSUPPORTED),
    ({"reasoning": {"effort": "huge"}}, "reasoning.effort", VALUE),
    ({"reasoning": {"mood": "low"}}, "reasoning.mood", UNKNOWN),
    ({"metadata": {str(key): "" for key in range(17)}}, "metadata", "object_above_max_properties"),
    ({"metadata": {"k" * 65: ""}}, "metadata", "property_name_above_max_length"),
    ({"metadata": {"key": "v" * 513}}, "metadata.key", LONG),
    ({"metadata": {"key": 1}}, "metadata.key", TYPE),
    ({"store": False}, "store", VALUE),
    ({"conversation": "thread_1"}, "conversation", PREFIX),
    ({"conversation": {"id": "thread_1"}}, "conversation.id", PREFIX),
    ({"previous_response_id": "run_1"}, "previous_response_id", PREFIX),
    ({"previous_response_id": "resp_1"}, "previous_response_id", "previous_response_not_found"),
    (
        {"conversation": "conv_1", "previous_response_id": "resp_1"},
        "previous_response_id",
        "mutually_exclusive_parameters",
    ),
    ({"prompt": {"id": "pmpt_1"}}, "prompt.id", "prompt_not_found"),
    ({"stream": True}, "stream", "unsupported_by_the_stand_in"),
    ({"include": ["all"]}, "include[0]", VALUE),
    ({"truncation": "maybe"}, "truncation", VALUE),
    ({"text": {"format": {"type": "json_object"}}}, "input", None),
    ({"text": {"format": {"type": "yaml"}}}, "text.format.type", VALUE),
    ({"text": {"format": {"type": "json_schema", "schema": {}}}}, "text.format.name", MISSING),
    (text_format(name="my answer"), "text.format.name", VALUE),
    (text_format(name="a" * 65), "text.format.name", LONG),
    (text_format(json_schema={}), "text.format.json_schema", UNKNOWN),
    (text_format(strict=True, schema=SCHEMA), "text.format.schema", "invalid_json_schema"),
    (text_format(strict=True, schema={**CLOSED, "required": []}), "text.format.schema", "invalid_json_schema"),
    (text_format(strict=True, schema={**CLOSED, "properties": 7}), "text.format.schema", "invalid_json_schema"),
    (text_format(strict=True, schema={"type": "array"}), "text.format.schema", "invalid_json_schema"),
    (tool(name="look"), "tools[0].type", MISSING),
    (tool(type="retrieval"), "tools[0]", VALUE),
    (tool(type="function", function={"name": "look"}), "tools[0].name", MISSING),
    (tool(**FUNCTION, function={}), "tools[0].function", UNKNOWN),
    (tool(**{**FUNCTION, "name": "a b"}), "tools[0].name", VALUE),
    (tool(**{**FUNCTION, "strict": True}), "tools[0].parameters", "invalid_function_parameters"),
    ({"tools": [FUNCTION] * 129}, "tools", MANY),
    (tool(type="file_search"), "tools[0].vector_store_ids", MISSING),
    (tool(type="file_search", vector_store_ids=[]), "tools[0].vector_store_ids", "empty_array"),
    (tool(type="file_search", vector_store_ids=["file-1"]), "tools[0].vector_store_ids[0]", PREFIX),
    (
        tool(type="file_search", vector_store_ids=["vs_1"], max_num_results=51),
        "tools[0].max_num_results",
        LARGE,
    ),
    (tool(type="code_interpreter"), "tools[0].container", MISSING),
    (tool(type="code_interpreter", container={"file_ids": []}), "tools[0].container.type", MISSING),
    (tool(type="code_interpreter", container="file-1"), "tools[0].container", PREFIX),
    (
        tool(type="code_interpreter", container={"type": "auto", "file_ids": ["file-1", "file-gone"]}),
        "tools[0].container.file_ids[1]",
        None,
    ),
    (tool(type="web_search", filters={"domains": []}), "tools[0].filters.domains", UNKNOWN),
    ({"tool_choice": "sometimes"}, "tool_choice", VALUE),
    ({"tool_choice": "required"}, "tool_choice", None),
    ({"tools": [FUNCTION], "tool_choice": {"type": "function", "name": "hear"}}, "tool_choice", None),
    ({"input": [{"content": "hi"}]}, "input[0].role", MISSING),
    ({"input": [{"role": "user"}]}, "input[0].content", MISSING),
    ({"input": [{"role": "tool", "content": "hi"}]}, "input[0].role", VALUE),
    ({"input": [{"type": "run", "id": "1"}]}, "input[0]", VALUE),
    ({"input": [{"role": "user", "content": "hi", "metadata": {}}]}, "input[0].metadata", UNKNOWN),
    ({"input": [{**call("call_1"), "arguments": "{}", "id": "msg_1"}]}, "input[0].id", PREFIX),
    (part(type="text", text="hi"), "input[0].content[0]", VALUE),
    (part(type="input_text"), "input[0].content[0].text", MISSING),
    (part(type="input_text", text="hi", mood="good"), "input[0].content[0].mood", UNKNOWN),
    (part(type="input_file"), "input[0].content[0].file_id", MISSING),
    (part(type="input_image", detail="auto"), "input[0].content[0].file_id", MISSING),
    (part(type="input_image", detail="auto", file_id="file-gone"), "input[0].content[0].file_id", None),
    (part(type="input_file", file_id="vs_1"), "input[0].content[0].file_id", PREFIX),
    ({"input": [HELLO, {"role": "user", "content": GONE}]}, "input[1].content[0].file_id", None),
    (
        {"input": [{"role": "assistant", "content": [{"type": "input_text", "text": "hi"}]}]},
        "input[0].content[0]",
        VALUE,
    ),
    ({"input": [{**call("call_1"), "arguments": "{}"}]}, "input", None),
    ({"input": [output_of("call_1")]}, "input", None),
]
STRICT = {"type": "function", "function": {"name": "look", "strict": True, "parameters": {"type": "object"}}}
ASSISTANTS: list[Row] = [
    ({"model": None}, "model", MISSING),
    ({"file_ids": []}, "file_ids", UNKNOWN),
    ({"name": "n" * 257}, "name", LONG),
    ({"description": "d" * 513}, "description", LONG),
    ({"temperature": 2.5}, "temperature", "decimal_above_max_value"),
    ({"model": REASONING, "temperature": 1}, "temperature", UNSUPPORTED),
    ({"model": UNREASONING, "reasoning_effort": "low"}, "reasoning_effort", UNSUPPORTED),
    (tool(type="retrieval"), "tools[0]", VALUE),
    (tool(type="function", name="look"), "tools[0].function", MISSING),
    (tool(type="function", function={}), "tools[0].function.name", MISSING),
    (tool(type="function", function={"name": "a b"}), "tools[0].function.name", VALUE),
    ({"tools": [STRICT]}, "tools[0].function.parameters", "invalid_function_parameters"),
    ({"tools": [NESTED, NESTED]}, "tools", None),
    (tool(type="file_search", vector_store_ids=[]), "tools[0].vector_store_ids", UNKNOWN),
    ({"response_format": "json"}, "response_format", VALUE),
    ({"response_format": {"type": "json_schema"}}, "response_format.json_schema", MISSING),
    ({"response_format": {"type": "json_object"}, "tools": [{"type": "file_search"}]}, "tools", None),
    (
        {"tool_resources": {"code_interpreter": {"file_ids": ["file-gone"]}}},
        "tool_resources.code_interpreter.file_ids[0]",
        None,
    ),
    (
        {"tool_resources": {"file_search": {"vector_store_ids": ["vs_1", "vs_2"]}}},
        "tool_resources.file_search.vector_store_ids",
        MANY,
    ),
    (
        {"tool_resources": {"file_search": {"vector_store_ids": ["vs_1"], "vector_stores": [{}]}}},
        "tool_resources.file_search",
        "mutually_exclusive_parameters",
    ),
]
RUNS: list[Row] = [
    ({"foo": 1}, "foo", UNKNOWN),
    ({"assistant_id": None}, "assistant_id", MISSING),
    ({"assistant_id": "gpt"}, "assistant_id", PREFIX),
    ({"model": "gpt-9"}, "model", "model_not_found"),
    ({"max_completion_tokens": 255}, "max_completion_tokens", SHORT),
    ({"instructions": "i" * 256_001}, "instructions", LONG),
    ({"model": REASONING, "top_p": 0.5}, "top_p", UNSUPPORTED),
    ({"stream": True}, "stream", "unsupported_by_the_stand_in"),
    ({"tool_choice": "required"}, "tool_choice", None),
    ({"tool_choice": {"type": "function", "function": {"name": "look"}}}, "tool_choice", None),
    ({"truncation_strategy": {"type": "none"}}, "truncation_strategy.type", VALUE),
    ({"thread": {"metadata": {"k": 1}}}, "thread.metadata.k", TYPE),
    ({"thread": {"messages": [{"role": "user"}]}}, "thread.messages[0].content", MISSING),
    (
        {"thread": {"messages": [{**HELLO, "attachments": [attachment("file-gone", "file_search")]}]}},
        "thread.messages[0].attachments[0].file_id",
        None,
    ),
]
MESSAGE: list[Row] = [
    ({"role": "system"}, "role", VALUE),
    ({"content": ""}, "content", None),
    ({"content": [{"type": "input_text", "text": "hi"}]}, "content[0]", VALUE),
    (
        {"content": [{"type": "image_file", "image_file": {"file_id": "file-gone"}}]},
        "content[0].image_file.file_id",
        None,
    ),
    ({"file_ids": ["file-1"]}, "file_ids", UNKNOWN),
    ({"attachments": [{"file_id": "file-1"}]}, "attachments[0].tools", MISSING),
    ({"attachments": [attachment("file-1", "retrieval")]}, "attachments[0].tools[0]", VALUE),
    (
        {"attachments": [{"file_id": "file-1", "tools": [{"type": "file_search", "file_search": {}}]}]},
        "attachments[0].tools[0].file_search",
        UNKNOWN,
    ),
    ({"attachments": [attachment("file-gone", "file_search")]}, "attachments[0].file_id", None),
]
VECTOR_STORES: list[Row] = [
    ({"foo": 1}, "foo", UNKNOWN),
    ({"file_ids": ["vs_1"]}, "file_ids[0]", PREFIX),
    ({"file_ids": ["file-gone"]}, "file_ids[0]", None),
    ({"expires_after": {"days": 1}}, "expires_after.anchor", MISSING),
    ({"expires_after": {"anchor": "created_at", "days": 1}}, "expires_after.anchor", VALUE),
    ({"expires_after": {"anchor": "last_active_at", "days": 366}}, "expires_after.days", LARGE),
    ({"chunking_strategy": {"type": "static"}}, "chunking_strategy.static", MISSING),
    ({"chunking_strategy": {"type": "fine"}}, "chunking_strategy.type", VALUE),
]
WEBHOOKS: list[Row] = [
    ({"event_types": ["response.completed", "response.done"]}, "event_types[1]", VALUE),
    ({"event_types": []}, "event_types", "empty_array"),
    ({"event_types": None}, "event_types", MISSING),
    ({"name": ""}, "name", "empty_string"),
    ({"url": "http://example.com/hook"}, "url", VALUE),
    ({"url": "http://localhost.example.com"}, "url", VALUE),
    ({"url": "ftp://127.0.0.1/"}, "url", VALUE),
    ({"url": "https://"}, "url", VALUE),
    ({"url": "https://example.com:port/"}, "url", VALUE),
    ({"url": "https://example.com/a b"}, "url", VALUE),
    ({"secret": "mine"}, "secret", UNKNOWN),
]
TABLES: dict[str, tuple[dict[str, Any], list[Row]]] = {
    "responses": ({"model": PLAIN, "input": "Say hello", "background": True, "store": True}, RESPONSES),
    "conversations": ({}, [({"items": [HELLO] * 21}, "items", MANY)]),
    "conversations ": ({}, [({"items": [{"role": "user", "content": GONE}]}, "items[0].content[0].file_id", None)]),
    "assistants": ({"model": PLAIN}, ASSISTANTS),
    "threads/runs": ({"thread": {"messages": [HELLO]}}, RUNS),
    "threads/thread_1/messages": (HELLO, MESSAGE),
    "threads": (
        {},
        [({"messages": [HELLO, {**HELLO, **row}]}, f"messages[1].{at}", code) for row, at, code in MESSAGE],
    ),
    "vector_stores": ({}, VECTOR_STORES),
    "webhook_endpoints": ({"event_types": ["response.failed"], "name": "one", "url": "https://example.com"}, WEBHOOKS),
}
