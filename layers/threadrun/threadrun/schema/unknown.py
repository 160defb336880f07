"""What is said of a property that is not known: where its name belongs, or which one may be meant."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import product
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.alias_generators import to_pascal

from threadrun.schema.extra_body import OURS

NEAR = 0.75
"""How much of two names is the same where one may be a misspelling of the other."""
_FEW = 8
_ALSO_CALLED = {
    "instructions": ("system", "system_prompt", "system_message", "developer_prompt"),
    "messages": ("prompt", "input", "question", "items"),
    "existing_thread_id": ("thread_id", "conversation", "conversation_id"),
    "max_completion_tokens": ("max_tokens", "max_output_tokens", "max_new_tokens"),
    "timeout_seconds": ("timeout", "timeout_in_seconds"),
    "reasoning_effort": ("reasoning", "effort"),
    "response_format": ("text", "format", "output_format"),
    "content": ("text",),
    "tools": ("functions",),
    "truncation": ("truncation_strategy", "context_management"),
    "file_url": ("image_url",),
    "authorization_secret_arn": ("authorization",),
    "headers_secret_arn": ("headers",),
    "file_id": ("file_ids",),
}
"""What other interfaces call these."""
_OF_OPENAI = frozenset(
    {"access_programs", "additional_instructions", "additional_messages", "background", "background_options"}
    | {"container", "image", "moderation", "prompt_cache_options"}
    | {"connector_id", "defer_loading", "file_search", "include"}
    | {"max_prompt_tokens", "max_tool_calls", "parallel_tool_calls"}
    | {"previous_response_id", "prompt_cache_key", "prompt_cache_retention", "require_approval"}
    | {"safety_identifier", "service_tier", "store", "stream_options", "tool_choice"}
    | {"top_logprobs", "truncation", "user", "verbosity"}
)
"""Fields of requests for a response, a run or an assistant; those that have a counterpart are above."""
_OF_COMPLETIONS = frozenset(
    {"audio", "frequency_penalty", "function_call", "logit_bias", "logprobs", "modalities", "n", "prediction"}
    | {"presence_penalty", "seed", "stop", "web_search_options"}
)
"""Fields of a request for a chat completion that none for a response has (OpenAI's OpenAPI document)."""
_ROLES = ("user", "system", "developer", "assistant")
_RESERVED = {"servicetoken": "ServiceToken", "servicetimeout": "ServiceTimeout"}
"""CloudFormation's own properties of every custom resource, which are in PascalCase beside keys of either style."""


def nested_model(annotation: Any) -> type[BaseModel] | None:
    """The model within `tuple[Message, ...] | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = (nested_model(part) for part in get_args(annotation))
    return next((model for model in found if model), None)


def say_unknown(key: str, model: type[BaseModel], root: type[BaseModel], place: str) -> tuple[str, str]:
    """The sentence for a key that is none of `model`, which stands at `place` in a resource of type `root`.

    And where it is taken to belong, as `thread.messages[*].content`; empty where nothing tells.
    """
    spell: Callable[[str], str] = to_pascal if key[:1].isupper() else str
    if special := _special(key, model, place, spell):
        return special
    names = [key, *(spell(name) for name, others in _ALSO_CALLED.items() if key in map(spell, others))]
    for (start, above), name in product(((model, place), (root, "")), names):
        found = [way for way in ways(start, spell) if way.rpartition(".")[2] == name]
        if len(found) == 1:
            meant = f"{above}.{found[0]}".lstrip(".")
            return f"unknown property, write it as {meant}", meant
    if not place and key in map(spell, _OF_COMPLETIONS):
        return "is not part of OpenAI's Responses API: leave it out", ""
    if key in map(spell, _OF_OPENAI):
        if place or "extra_body" not in root.model_fields or key in map(spell, OURS):
            return "is a field of OpenAI's API that is not supported here", ""
        meant = spell("extra_body")
        return f"is a field of OpenAI's API that has no argument: write it in {meant}", meant
    known = [spell(field) for field in _fields(model)]
    if near := nearest(key, known):
        return f"unknown property, the nearest known one is {near}", f"{place}.{near}".lstrip(".")
    if len(known) <= _FEW:
        return f"unknown property, known here are {', '.join(known)}", ""
    kind = getattr(root, "resource_type", "").removeprefix("Custom::OpenAI").lower()
    return f"unknown property, docs/resources/{kind}.md has those that are known", ""


def _plain(key: str) -> str:
    """Alike for max_completion_tokens, maxCompletionTokens and max-completion-tokens."""
    return re.sub(r"[^a-z0-9]", "", key.lower())


def nearest(name: str, known: Iterable[str], alike: Callable[[str], str] = _plain) -> str | None:
    """The known name that is nearest to this one, if one is near; by default in whatever style each is written."""
    by_plain = {alike(each): each for each in known}
    near = difflib.get_close_matches(alike(name), by_plain, n=1, cutoff=NEAR)
    return by_plain[near[0]] if near else None


def _special(key: str, model: type[BaseModel], place: str, spell: Callable[[str], str]) -> tuple[str, str] | None:
    """What is said of keys that stand for two, or for what is written in another style."""
    if not place and (reserved := _RESERVED.get(_plain(key))):
        return f"unknown property, write it as {reserved}", reserved
    if key == spell("tool_resources") and "tools" in model.model_fields:
        stores, files = (f"{spell('tools')}[*].{spell(name)}" for name in ("vector_store_ids", "file_ids"))
        return f"unknown property, write it as {stores} or {files}", ""
    role, content = spell("role"), spell("content")
    if key.lower() in _ROLES and {"role", "content"} <= model.model_fields.keys():
        return (
            f"unknown property, write `{role}: user` and `{content}: <its text>`",
            f"{place}.{role} {place}.{content}",
        )
    return None


def _fields(model: type[BaseModel]) -> dict[str, Any]:
    return {field.alias or name: field.annotation for name, field in model.model_fields.items()}


def ways(model: type[BaseModel], spell: Callable[[str], str], above: str = "") -> Iterator[str]:
    """Where all names are in the model: `thread`, `thread.messages`, `thread.messages[*].content` and so on."""
    for name, annotation in _fields(model).items():
        yield above + spell(name)
        if nested := nested_model(annotation):
            parts = (annotation, *get_args(annotation))
            is_list = any(get_origin(part) is tuple for part in parts)
            yield from ways(nested, spell, f"{above}{spell(name)}{'[*]' if is_list else ''}.")
