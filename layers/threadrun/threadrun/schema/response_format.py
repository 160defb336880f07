"""The form that the answer has to have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints

from threadrun.schema.json_schema import check_schema
from threadrun.schema.tools import JsonSchema
from threadrun.schema.types import Boolean, Properties, Text, TypedProperties


class JsonSchemaFormat(Properties):
    """The promise of a structured answer."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    name: Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9_-]{1,64}$")] = Field(
        description="A name for the model: letters, digits, `_` and `-`, 64 at most."
    )
    description: Text | None = Field(None, description="What the answer is for, told to the model.")
    # `schema` itself is a name of pydantic's.
    schema_: Annotated[JsonSchema, AfterValidator(check_schema)] = Field(
        alias="schema", description="The JSON Schema of the answer: JSON text, taken exactly, or a map."
    )
    strict: Boolean | None = Field(
        None, description="Whether the model is held to the schema while it writes. `false` unless set."
    )


class ResponseFormat(TypedProperties):
    """The form of the answer; `json_object` needs the word "json" in the messages (OpenAI's rule)."""

    only_for: ClassVar[Mapping[str, tuple[str, ...]]] = {"json_schema": ("json_schema",)}
    required_for_their_types: ClassVar[frozenset[str]] = frozenset({"json_schema"})

    type: Literal["text", "json_object", "json_schema"] = Field(
        description="`text`, `json_object` or `json_schema`. The second needs the word JSON in a message."
    )
    json_schema: JsonSchemaFormat | None = Field(
        None,
        description="What the answer has to be, for type `json_schema`. An answer that is not fails the resource; the "
        "top-level scalars of one that is are the attributes `output.<key>`.",
    )
