"""Tools, and the form of the answer: what runs and assistants have. Types and nesting are the Terraform resource's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, ValidationInfo, WithJsonSchema

from threadrun.schema.json_schema import check_schema, read_schema
from threadrun.schema.types import Boolean, Properties, Text, TypedProperties, check_nesting

ALLOWED_HANDLERS = "tool_function_arns"
"""Key of the validation context: the patterns of ARNs that may be invoked; without it any may."""

JsonSchema = Annotated[
    dict[str, Any],
    BeforeValidator(read_schema),
    BeforeValidator(check_nesting),  # The last one comes first.
    WithJsonSchema({"type": "object", "contentMediaType": "application/json"}),
]
"""A JSON Schema: JSON text, or a map."""
Name = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]


def _require_allowed(handler_arn: str, info: ValidationInfo) -> str:
    allowed: Sequence[str] | None = (info.context or {}).get(ALLOWED_HANDLERS)
    # IAM knows the same two wildcards; what it denies is refused before a run is paid for.
    if allowed is None or any(fnmatchcase(handler_arn, pattern) for pattern in allowed):
        return handler_arn
    wanted = ",".join([*allowed, handler_arn])
    raise ValueError(f"this application may not invoke {handler_arn}: deploy it with ToolFunctionArns={wanted}")


_LAMBDA_ARN = r"^arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:function:[a-zA-Z0-9_-]{1,64}(:[a-zA-Z0-9_$-]+)?$"
HandlerArn = Annotated[str, StringConstraints(pattern=_LAMBDA_ARN), AfterValidator(_require_allowed)]


class FunctionDefinition(Properties):
    name: Name = Field(description="The name of the function: letters, digits, `_` and `-`, 64 at most.")
    description: Text | None = Field(None, description="What it does, for the model to decide when to call it.")
    parameters: JsonSchema | None = Field(
        None, description="Its parameters as a JSON Schema object: JSON text, taken exactly, or a map."
    )
    strict: Boolean | None = Field(
        None, description="Whether the model must keep exactly to the parameters. Default: `false`."
    )
    handler_arn: HandlerArn | None = Field(
        None,
        description="The Lambda function that answers its calls, one that the application's `ToolFunctionArns` allow. "
        "Without it the run ends as `requires_action`.",
    )


class Tool(TypedProperties):
    """One tool; `retrieval` is what `file_search` was called before."""

    only_for: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "function": ("function",),
        "vector_store_ids": ("retrieval", "file_search"),
        "file_ids": ("code_interpreter",),
    }
    required_for_their_types: ClassVar[frozenset[str]] = frozenset({"function"})

    type: Literal["code_interpreter", "retrieval", "file_search", "function"] = Field(
        description="`code_interpreter`, `retrieval` (also called `file_search`) or `function`."
    )
    function: FunctionDefinition | None = Field(
        None, description="The function that may be called. Required for type `function`."
    )
    vector_store_ids: tuple[Text, ...] | None = Field(
        None, description="Vector stores to search, for retrieval: beside the one that is made of attached files."
    )
    file_ids: tuple[Text, ...] | None = Field(
        None,
        description="Files for code_interpreter, beside the attached ones; with these 50 at most (20 where the server "
        "speaks Assistants v2).",
    )

    @property
    def is_retrieval(self) -> bool:
        return self.type in ("retrieval", "file_search")


class JsonSchemaFormat(Properties, populate_by_name=True):
    name: Name = Field(description="A name for the model: letters, digits, `_` and `-`, 64 at most.")
    description: Text | None = Field(None, description="What the answer is for. The model reads it.")
    # `schema` itself is a name of pydantic's.
    schema_: Annotated[JsonSchema, AfterValidator(check_schema)] = Field(
        alias="schema",
        description="The JSON Schema of the answer: JSON text, taken exactly, or a map. The answer is held against it, "
        "except for a `pattern` that only ECMAScript can read (`\\p{L}`).",
    )
    strict: Boolean | None = Field(
        None, description="Whether the model is held to the schema while it writes. Default: `false`."
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
