"""How tools are written in the Responses API, with the secrets that MCP servers ask for.

Source: openai.types.responses (openai-python 3.54).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from threadrun.errors import TerminalError
from threadrun.schema.tools import Tool
from threadrun.schema.types import from_json
from threadrun.state.observations import RunPlan

_LEAST_CHARACTERS, _LEAST_HEADER_CHARACTERS = 4, 8
"""Of a secret's value that is cut out of texts, and of a header's: a shorter one may be any word of an answer."""
_SECRET_HEADER = re.compile("auth|key|token|secret|password|credential|cookie|signature", re.IGNORECASE)
_HEADER_NAME = re.compile(r"[\w!#$%&'*+.^`|~-]+", re.ASCII)
_NO_HEADER_TEXT = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
"""Control characters. What is not ASCII is left to the server that sends the header."""
_AUTHORIZATION = re.compile("(proxy-)?authorization", re.IGNORECASE)
_LONG_CHARACTERS = 16
"""Of the value of any other header, from which on it counts as secret: `X-MCP-Readonly: true` is none."""
_WORDS = frozenset({"true", "false", "none", "null", "user", "required", "optional", "disabled", "anonymous"})
"""Values of headers as `X-Auth-Mode`, and words of answers."""


class ToolSecrets:
    """The secrets that tools name. Their values are in requests to the server only: in no record, log line or error."""

    def __init__(self, read: Callable[[str], str]) -> None:
        """`read` returns the text of the secret of this ARN as it is now; it raises as a request to AWS does."""
        self._read = read
        self._seen: dict[str, set[str]] = {}
        """By ARN: what a run was started with may have been rotated since."""

    def authorization(self, arn: str) -> str:
        text = self._read(arn).strip()
        if text.startswith("{"):
            text = self._texts_of(text, arn).get("authorization", "")
        if not text:
            raise TerminalError(f"secret {arn} is neither a bare token nor a JSON object with authorization")
        _require_headers({"authorization": text}, arn)
        self._note(arn, text)
        return text

    def headers(self, arn: str) -> dict[str, str]:
        texts = self._texts_of(self._read(arn), arn)
        _require_headers(texts, arn)
        self._note_headers(arn, texts)
        return texts

    def without(self, text: str, arns: Iterable[str]) -> str:
        """The text without what these secrets were seen to hold by this process: those of other runs are theirs."""
        values = set[str]().union(*(self._seen.get(arn, ()) for arn in arns))
        for value in sorted(values, key=len, reverse=True):  # One may be part of another.
            text = re.sub("".join(map(_spellings, value)), "***", text)
        return text

    def learn(self, arn: str) -> None:
        """Read the secret of this ARN, whichever of a tool's it is, for `without`."""
        text = self._read(arn).strip()
        if text.startswith("{"):
            self._note_headers(arn, self._texts_of(text, arn))
        else:
            self._note(arn, text)

    def _note_headers(self, arn: str, texts: Mapping[str, str]) -> None:
        for name, text in texts.items():
            if _AUTHORIZATION.fullmatch(name):
                self._note(arn, text)
            elif _SECRET_HEADER.search(name) or len(text) >= _LONG_CHARACTERS:
                self._note(arn, text, _LEAST_HEADER_CHARACTERS)

    def _note(self, arn: str, value: str, least: int = _LEAST_CHARACTERS) -> None:
        # HTTP has no spaces around a header's value. Of "Bearer …", what follows it is secret by itself.
        parts = value.strip(), *value.split()[-1:]
        secret = {each for each in parts if len(each) >= least and each.lower() not in _WORDS}
        self._seen.setdefault(arn, set()).update(secret)

    def _texts_of(self, text: str, arn: str) -> dict[str, str]:
        try:
            found = from_json(text)
        except ValueError:
            found = None
        if not isinstance(found, dict) or not all(isinstance(each, str) for each in found.values()):
            raise TerminalError(f"secret {arn} is not a JSON object of text")
        return found


def _require_headers(texts: Mapping[str, str], arn: str) -> None:
    if not all(map(_HEADER_NAME.fullmatch, texts)) or any(map(_NO_HEADER_TEXT.search, texts.values())):
        raise TerminalError(
            f"secret {arn} has a name or a value that no HTTP header can hold: leave out line breaks, and "
            "spaces in names"
        )


def _spellings(character: str) -> str:
    """A pattern of the character as text has it and as JSON may: an answer's values are read from it after the cut."""
    units = character.encode("utf-16-be", "surrogatepass")
    escape = "".join(rf"\\u(?i:{units[at : at + 2].hex()})" for at in range(0, len(units), 2))
    backslash = r"\\?" if character in '"\\/' else ""
    return f"(?:{backslash}{re.escape(character)}|{escape})"


def tool_fields(tool: Tool, plan: RunPlan, secrets: ToolSecrets) -> dict[str, Any]:
    """A tool in the flat form of this API."""
    match tool.type:
        case "function":
            return _function(tool)
        case "web_search":
            given = _given(tool, "user_location", "search_context_size")
            filters = {"filters": {"allowed_domains": list(tool.allowed_domains)}} if tool.allowed_domains else {}
            return {"type": "web_search", **filters, **given}
        case "mcp":
            given = _given(tool, "server_label", "server_url", "allowed_tools")
            # The API's default is to ask for approval, which nobody could give during a deployment.
            return {"type": "mcp", **given, "require_approval": "never", **_secret_fields(tool, secrets)}
        case "code_interpreter":
            file_ids = list(dict.fromkeys([*plan.effective.attached_file_ids, *(tool.file_ids or ())]))
            container = {"type": "auto"} | ({"file_ids": file_ids} if file_ids else {}) | _given(tool, "memory_limit")
            return {"type": "code_interpreter", "container": container}
    stores = [*(tool.vector_store_ids or ()), *([plan.vector_store_id] if plan.vector_store_id else [])]
    given = _given(tool, "max_num_results", "filters", "ranking_options")
    return {"type": "file_search", "vector_store_ids": stores, **given}


def _function(tool: Tool) -> dict[str, Any]:
    if (function := tool.function) is None:
        return {}
    given = function.model_dump(exclude_none=True, include={"name", "description"})
    # OpenAI's default is strict, which refuses most schemas that were written for the Assistants API.
    return {"type": "function", **given, "parameters": function.parameters, "strict": function.strict or False}


def _given(tool: Tool, *names: str) -> dict[str, Any]:
    return tool.model_dump(mode="json", exclude_none=True, include={*names})


def _secret_fields(tool: Tool, secrets: ToolSecrets) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    if tool.authorization_secret_arn:
        fields["authorization"] = secrets.authorization(tool.authorization_secret_arn)
    if tool.headers_secret_arn:
        fields["headers"] = secrets.headers(tool.headers_secret_arn)
    return fields
