"""Vector stores that runs share: what their resource takes. Limits: OpenAI's API reference of vector stores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from threadrun.schema.desired import Desired, digest
from threadrun.schema.types import Integer, Metadata, Properties, Text, TypedProperties


class StaticChunking(Properties):
    max_chunk_size_tokens: Annotated[Integer, Field(ge=100, le=4096)] = Field(
        description="The most tokens of a chunk, 100 to 4096."
    )
    chunk_overlap_tokens: Annotated[Integer, Field(ge=0)] = Field(
        description="The tokens that chunks have in common, half of `max_chunk_size_tokens` at most."
    )

    @model_validator(mode="after")
    def _check_overlap(self) -> Self:
        if 2 * self.chunk_overlap_tokens > self.max_chunk_size_tokens:
            raise ValueError("chunk_overlap_tokens must be at most half of max_chunk_size_tokens")
        return self


class ChunkingStrategy(TypedProperties):
    """How files are cut into what is searched."""

    only_for: ClassVar[Mapping[str, tuple[str, ...]]] = {"static": ("static",)}
    required_for_their_types: ClassVar[frozenset[str]] = frozenset({"static"})

    type: Literal["auto", "static"] = Field(description="`auto`, 800 tokens of which 400 overlap, or `static`.")
    static: StaticChunking | None = Field(None, description="The sizes, for type `static`.")


class DesiredVectorStore(Desired):
    """A validated Custom::OpenAIVectorStore: files come and go in place, and keep their chunks."""

    resource_type = "Custom::OpenAIVectorStore"
    _in_place = frozenset({"name", "file_ids", "expires_after_days", "metadata"})

    name: Annotated[Text, StringConstraints(max_length=256)] | None = Field(
        None, description="A name for people, 256 characters at most."
    )
    file_ids: Annotated[tuple[Text, ...], Field(max_length=500)] | None = Field(
        None,
        description="The files in it, 500 at most. They are added and removed in place; what was put into the store by "
        "others stays.",
    )
    chunking_strategy: ChunkingStrategy | None = Field(
        None, description="How the files are cut into what is searched. Default: `auto`."
    )
    expires_after_days: Annotated[Integer, Field(ge=1, le=365)] | None = Field(
        None,
        description="Days without use after which it expires at the server, 1 to 365. The next update of the resource "
        "makes it again, as another store. Default: never.",
    )
    metadata: Metadata | None = Field(None, description="Key-value pairs on the store, at most 16.")

    def identity(self) -> str:
        return digest(self._visible().get("chunking_strategy"))

    def content(self) -> str:
        """Digest of what changes in place."""
        return digest({name: value for name, value in self._visible().items() if name in self._in_place})
