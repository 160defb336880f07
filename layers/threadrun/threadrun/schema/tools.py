"""Tools, and the form of the answer: what runs and assistants have. Types and nesting are the Terraform resource's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, WithJsonSchema

from threadrun.schema.deployment import also_allowing, deployment_of, is_allowed, responses_only
from threadrun.schema.json_schema import check_schema, read_schema
from threadrun.schema.search import Filters, RankingOptions
from threadrun.schema.types import Boolean, Integer, Looks, Properties, Text, TypedProperties, check_nesting

JsonSchema = Annotated[
    dict[str, Any],
    BeforeValidator(read_schema),
    BeforeValidator(check_nesting),  # The last one comes first.
    WithJsonSchema({"type": "object", "contentMediaType": "application/json"}),
]
"""A JSON Schema: JSON text, or a map."""
Name = Annotated[str, Looks(r"^[a-zA-Z0-9_-]{1,64}$", "must be 1 to 64 letters, digits, _ or -")]


def _require_invocable(handler_arn: str, info: ValidationInfo) -> str:
    allowed = deployment_of(info).tool_function_arns
    if is_allowed(handler_arn, allowed):
        return handler_arn
    wanted = also_allowing(handler_arn, allowed)
    raise ValueError(f"this application may not invoke {handler_arn}: deploy it with ToolFunctionArns={wanted}")


_LAMBDA_ARN = r"^arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:function:[a-zA-Z0-9_-]{1,64}(:[a-zA-Z0-9_$-]+)?$"
HandlerArn = Annotated[
    str,
    Looks(
        _LAMBDA_ARN, "must be the ARN of a Lambda function, as `!GetAtt MyFunction.Arn` of a function of this template"
    ),
    AfterValidator(_require_invocable),
]


def _require_readable(secret_arn: str, info: ValidationInfo) -> str:
    allowed = deployment_of(info).tool_secret_arns
    if is_allowed(secret_arn, allowed):
        return secret_arn
    wanted = also_allowing(secret_arn, allowed)
    raise ValueError(f"this application may not read {secret_arn}: deploy it with ToolSecretArns={wanted}")


_READABLE_ARN = r"^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:[a-zA-Z0-9/_+=.@-]+$"
SecretArn = Annotated[
    str,
    Looks(_READABLE_ARN, "must be the ARN of a secret, as `!Ref MySecret` of a secret of this template"),
    AfterValidator(_require_readable),
]
HttpUrl = Annotated[str, Looks(r"^https?://[^\s]+$", "must be a URL that begins with https:// or http://")]
Domain = Annotated[str, Looks(r"^[^\s:/]+$", "must be a domain without https:// and path, as docs.python.org")]


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


class UserLocation(Properties):
    type: Literal["approximate"] = Field("approximate", description="Always `approximate`.")
    city: Text | None = Field(None, description="A city.")
    country: Annotated[str, Looks(r"^[A-Z]{2}$", "must be two capital letters, as DE")] | None = Field(
        None, description="A country by its two letters (ISO 3166-1), `DE` for example."
    )
    region: Text | None = Field(None, description="A region.")
    timezone: Text | None = Field(None, description="A time zone of IANA's, `Europe/Berlin` for example.")


_SEARCH = ("retrieval", "file_search")
_MCP = ("mcp",)
_WEB = ("web_search",)


class Tool(TypedProperties):
    """One tool; `retrieval` is what `file_search` was called before."""

    only_for: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "function": ("function",),
        **dict.fromkeys(("vector_store_ids", "max_num_results", "filters", "ranking_options"), _SEARCH),
        **dict.fromkeys(("file_ids", "memory_limit"), ("code_interpreter",)),
        **dict.fromkeys(("allowed_domains", "user_location", "search_context_size"), _WEB),
        **dict.fromkeys(("server_label", "server_url", "allowed_tools"), _MCP),
        **dict.fromkeys(("authorization_secret_arn", "headers_secret_arn"), _MCP),
    }
    required_for_their_types: ClassVar[frozenset[str]] = frozenset({"function", "server_label", "server_url"})

    type: Literal["code_interpreter", "retrieval", "file_search", "function", "web_search", "mcp"] = Field(
        description="`code_interpreter`, `retrieval` (also called `file_search`), `function`, `web_search` or `mcp`; "
        "the last two on the Responses API only.",
        json_schema_extra=responses_only("web_search", "mcp"),
    )
    function: FunctionDefinition | None = Field(None, description="The function that may be called.")
    vector_store_ids: tuple[Text, ...] | None = Field(
        None, description="Vector stores to search, for retrieval: beside the one that is made of attached files."
    )
    file_ids: tuple[Text, ...] | None = Field(
        None,
        description="Files for code_interpreter, beside the attached ones; with these 50 at most (20 where the server "
        "speaks Assistants v2).",
    )

    max_num_results: Annotated[Integer, Field(ge=1, le=50)] | None = Field(
        None, description="The most results of a search in files, 1 to 50."
    )
    filters: Filters | None = Field(
        None,
        description="Which files are searched, by their attributes: a filter of OpenAI's as JSON text, taken exactly, "
        "or as a map, in which only the values of `gt`, `gte`, `lt` and `lte` are numbers.",
        json_schema_extra=responses_only(),
    )
    ranking_options: RankingOptions | None = Field(None, description="How the results of a search in files are ranked.")
    memory_limit: Literal["1g", "4g", "16g", "64g"] | None = Field(
        None, description="The memory of code_interpreter.", json_schema_extra=responses_only()
    )
    allowed_domains: tuple[Domain, ...] | None = Field(
        None, description="The domains that web_search finds, subdomains included. Default: all."
    )
    user_location: UserLocation | None = Field(None, description="Where web_search is to take the user for.")
    search_context_size: Literal["low", "medium", "high"] | None = Field(
        None, description="How much web_search reads: `low`, `medium` or `high`. Default: `medium`."
    )
    server_label: Name | None = Field(
        None, description="A name for the MCP server: letters, digits, `_` and `-`, 64 at most."
    )
    server_url: HttpUrl | None = Field(None, description="The address of the MCP server, which OpenAI calls.")
    allowed_tools: tuple[Text, ...] | None = Field(
        None, description="The tools of the MCP server that may be called, each without approval. Default: all."
    )
    authorization_secret_arn: SecretArn | None = Field(
        None,
        description="The secret with the MCP server's access token, bare or as a JSON object with `authorization`: one "
        "that the application's `ToolSecretArns` allow.",
    )
    headers_secret_arn: SecretArn | None = Field(
        None,
        description="The secret with HTTP headers for the MCP server, a JSON object of text: one that the "
        "application's `ToolSecretArns` allow.",
    )

    @property
    def secret_arns(self) -> tuple[str, ...]:
        """The secrets that a request with this tool needs."""
        return tuple(arn for arn in (self.authorization_secret_arn, self.headers_secret_arn) if arn)

    @property
    def is_retrieval(self) -> bool:
        return self.type in _SEARCH

    def with_ids_from(self, others: Iterable[Tool]) -> Tool:
        """This tool; where it has no ids of its own, with those of the other one of its type."""
        if self.vector_store_ids or self.file_ids:
            return self
        alike = (each for each in others if each.type == self.type or (each.is_retrieval and self.is_retrieval))
        ids = {name: getattr(each, name) for each in alike for name in ("vector_store_ids", "file_ids")}
        return self.model_copy(update=ids)


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
