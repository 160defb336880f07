"""Exists to check the content parts of messages, by the SDK's `ResponseInputContentParam` and
`ResponseOutputMessageParam`."""

from typing import Any

from .errors import missing
from .fields import (
    Check,
    anything,
    array,
    choice,
    either,
    fields,
    mapping,
    nullable,
    one_of,
    string,
)

_FILE = nullable(string(prefix="file"))

INPUT_PARTS: dict[str, Check] = {
    "input_text": fields({"type": anything, "text": string(), "prompt_cache_breakpoint": mapping}, ["text"]),
    "input_image": fields(
        {
            "type": anything,
            "detail": choice("low", "high", "auto", "original"),
            "file_id": _FILE,
            "image_url": nullable(string()),
            "prompt_cache_breakpoint": mapping,
        }
    ),
    "input_file": fields(
        {
            "type": anything,
            "detail": choice("auto", "low", "high"),
            "file_data": string(),
            "file_id": _FILE,
            "file_url": string(),
            "filename": string(),
            "prompt_cache_breakpoint": mapping,
        }
    ),
}
OUTPUT_PARTS: dict[str, Check] = {
    "output_text": fields(
        {"type": anything, "text": string(), "annotations": array(mapping), "logprobs": array(mapping)},
        ["text"],
    ),
    "refusal": fields({"type": anything, "refusal": string()}, ["refusal"]),
}
_SOURCES = {"input_file": ("file_id", "file_data", "file_url"), "input_image": ("file_id", "image_url")}


def content(known: dict[str, Check]) -> Check:
    """Accept a text, or a list of parts of the known types."""

    known_part = one_of(known)

    def part(value: Any, path: str) -> None:
        known_part(value, path)
        sources = _SOURCES.get(value["type"], ())
        if sources and not any(value.get(name) for name in sources):
            raise missing(f"{path}.{sources[0]}")

    return either("one of a string or array of objects", {str: anything, list: array(part)})
