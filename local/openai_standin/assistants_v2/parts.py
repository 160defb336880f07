"""Exists to check the parts of Assistants v2 requests: tools, resources, formats, messages.

Shapes are those of the SDK's `AssistantToolParam`, `AssistantResponseFormatOptionParam` and
`MessageCreateParams`.
"""

from typing import Any

from ..errors import refused
from ..fields import (
    Check,
    anything,
    array,
    boolean,
    choice,
    decimal,
    either,
    fields,
    integer,
    mapping,
    metadata,
    nullable,
    one_of,
    string,
)
from ..strict_schema import require_strict
from ..tools import NAME
from ..vector_stores import chunking_strategy

_FILE_ID = string(prefix="file")
_RANKING = fields(
    {"score_threshold": decimal(0, 1), "ranker": choice("auto", "default_2024_08_21")}, ["score_threshold"]
)
_FUNCTION = fields(
    {
        "name": string(longest=64, pattern=NAME),
        "description": string(),
        "parameters": mapping,
        "strict": nullable(boolean),
    },
    ["name"],
)
_FILE_SEARCH = fields({"max_num_results": integer(1, 50), "ranking_options": _RANKING})
_TOOLS: dict[str, Check] = {
    "code_interpreter": fields({"type": anything}),
    "function": fields({"type": anything, "function": _FUNCTION}, ["function"]),
    "file_search": fields({"type": anything, "file_search": _FILE_SEARCH}),
}
# In an attachment a tool is named only: its settings belong to the run.
_ATTACHMENT_TOOLS = {name: fields({"type": anything}) for name in ("code_interpreter", "file_search")}


def tool(value: Any, path: str) -> None:
    """Check one tool; functions are nested here, and `retrieval` is none of v2."""
    one_of(_TOOLS)(value, path)
    function = value.get("function", {})
    if function.get("strict"):
        what = f"function '{function['name']}'"
        require_strict(
            function.get("parameters", {}), what, f"{path}.function.parameters", "invalid_function_parameters"
        )


_NEW_STORE = fields(
    {
        "chunking_strategy": chunking_strategy,
        "file_ids": array(_FILE_ID, most=10_000),
        "metadata": nullable(metadata),
    }
)
_STORE_IDS = array(string(prefix="vs"), most=1)
_CODE_INTERPRETER = fields({"file_ids": array(_FILE_ID, most=20)})


def _file_search_resources(value: Any, path: str) -> None:
    fields({"vector_store_ids": _STORE_IDS, "vector_stores": array(_NEW_STORE, most=1)})(value, path)
    if value.get("vector_store_ids") and value.get("vector_stores"):
        names = f"'{path}.vector_store_ids' or '{path}.vector_stores'"
        message = f"Mutually exclusive parameters: Ensure you are only providing one of: {names}."
        raise refused(message, path, "mutually_exclusive_parameters")


RESOURCES = nullable(fields({"code_interpreter": _CODE_INTERPRETER, "file_search": _file_search_resources}))
EXISTING_RESOURCES = nullable(
    fields({"code_interpreter": _CODE_INTERPRETER, "file_search": fields({"vector_store_ids": _STORE_IDS})})
)


def _json_schema_format(value: Any, path: str) -> None:
    known = {"name": string(longest=64, pattern=NAME), "description": string(), "schema": mapping}
    inner = fields({**known, "strict": nullable(boolean)}, ["name"])
    fields({"type": anything, "json_schema": inner}, ["json_schema"])(value, path)
    wanted = value["json_schema"]
    if wanted.get("strict"):
        what = f"response_format '{wanted['name']}'"
        require_strict(wanted.get("schema", {}), what, f"{path}.json_schema.schema", "invalid_json_schema")


_PLAIN_FORMAT = fields({"type": anything})
_FORMATS = one_of({"json_object": _PLAIN_FORMAT, "json_schema": _json_schema_format, "text": _PLAIN_FORMAT})
RESPONSE_FORMAT = nullable(either("one of a string or object", {str: choice("auto"), dict: _FORMATS}))
_CHOSEN = one_of(
    {
        "function": fields(
            {"type": anything, "function": fields({"name": string()}, ["name"])},
            ["function"],
        ),
        "code_interpreter": fields({"type": anything}),
        "file_search": fields({"type": anything}),
    }
)
TOOL_CHOICE = nullable(
    either("one of a string or object", {str: choice("none", "auto", "required"), dict: _CHOSEN}),
)

_IMAGE_FILE = fields({"file_id": _FILE_ID, "detail": choice("auto", "low", "high")}, ["file_id"])
_IMAGE_URL = fields({"url": string(), "detail": choice("auto", "low", "high")}, ["url"])
_PART = one_of(
    {
        "text": fields({"type": anything, "text": string()}, ["text"]),
        "image_url": fields({"type": anything, "image_url": _IMAGE_URL}, ["image_url"]),
        "image_file": fields({"type": anything, "image_file": _IMAGE_FILE}, ["image_file"]),
    }
)
_CONTENT = either("one of a string or array of objects", {str: anything, list: array(_PART)})
_ATTACHMENT = fields({"file_id": _FILE_ID, "tools": array(one_of(_ATTACHMENT_TOOLS))}, ["file_id", "tools"])
MESSAGE: dict[str, Check] = {
    "role": choice("user", "assistant"),
    "content": _CONTENT,
    "attachments": nullable(array(_ATTACHMENT)),
    "metadata": nullable(metadata),
}


def message(value: Any, path: str) -> None:
    """Check one new message."""
    fields(MESSAGE, ["role", "content"])(value, path)
    if not value["content"]:
        raise refused("Message content must be non-empty.", f"{path}.content" if path else "content")
