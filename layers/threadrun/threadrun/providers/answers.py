"""What a model answered: text, refusal and citations, read from its messages without trust; the same on both wire APIs.

Source: openai.types.responses (`ResponseOutputMessage`, `ResponseOutputText`, `ResponseOutputRefusal`) and
openai.types.beta.threads (`TextContentBlock`, `RefusalContentBlock`), openai-python 3.54.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import NamedTuple

from threadrun.providers.replies import Reply
from threadrun.state.observations import Citation

UNWORDED = "(without a word)"
"""In place of the text of a refusal that has none."""
MAX_CITATIONS_BYTES = 4000
"""As JSON: the item that has them may hold them twice, beside its output."""


class Answer(NamedTuple):
    """By the names of the fields that `ObservedRun` has for it."""

    output_text: str = ""
    refusal: str = ""
    citations: tuple[Citation, ...] = ()
    are_all_cited: bool = True


def answer_in(messages: Sequence[Reply]) -> Answer:
    """The model's answer in its messages: the final one where the model says which that is, without its comments.

    A model that tells phases marks what it says on the way as `commentary` (`ResponseOutputMessage.phase`).
    """
    final = [each for each in messages if each.text("phase") == "final_answer"]
    chosen = final or [each for each in messages if not each.text("phase")] or messages
    parts = [part for message in chosen for part in _parts(message)]
    text, cited = "", list[Citation]()
    for part in parts:
        # Places are those in the part's own text.
        cited += [found for each in _annotations(part) if (found := _citation(each, len(text)))]
        text += _text_of(part)
    refusals, kept = [part.text("refusal") for part in parts if _is_refusal(part)], _fitting(cited)
    refusal = "".join(refusals)
    if refusals and not text:
        refusal = refusal or UNWORDED  # Beside an answer it says nothing: some servers always send one.
    return Answer(text, refusal, kept, len(kept) == len(cited))


def _parts(message: Reply) -> list[Reply]:
    """As a list, of whatever form it is: a text, one part, texts, parts."""
    texts = [*message.texts("content"), message.text("content")]
    one = message.object("content")
    parts = [*message.objects("content"), *([one] if one.fields() else [])]
    return [Reply({"type": "text", "text": text}) for text in texts if text] + parts


def _text_of(part: Reply) -> str:
    """The text of a part: it is nested in Assistants v2. A part without a type is what it has."""
    if part.text("type") not in ("output_text", "text", ""):
        return ""
    return part.text("text") or part.object("text").text("value")


def _is_refusal(part: Reply) -> bool:
    return part.text("type") == "refusal" or (not part.text("type") and part.has("refusal"))


def _annotations(part: Reply) -> list[Reply]:
    return part.objects("annotations") or part.object("text").objects("annotations")


def _citation(annotation: Reply, before: int) -> Citation | None:
    """None where it names neither an address nor a file; `before` is how much text goes before its part."""
    nested = annotation.object(annotation.text("type"))  # In Assistants v2.
    url = annotation.text("url") or nested.text("url")
    file = annotation.text("file_id") or nested.text("file_id")
    if not url and not file:
        return None
    start, end = annotation.integer("start_index"), annotation.integer("end_index")
    return Citation(
        url=url or None,
        file=file or None,
        title=annotation.text("title") or nested.text("title") or annotation.text("filename") or None,
        start=None if start is None else start + before,
        end=None if end is None else end + before,
    )


def _fitting(cited: Iterable[Citation]) -> tuple[Citation, ...]:
    """Those that there is room for: one that is too long leaves it to the next ones."""
    kept, room = list[Citation](), MAX_CITATIONS_BYTES
    for each in cited:
        size = len(json.dumps(asdict(each))) + 2
        if size <= room:
            kept.append(each)
            room -= size
    return tuple(kept)
