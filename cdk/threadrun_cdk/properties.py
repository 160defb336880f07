"""The objects that arguments take, as dictionaries with typed keys.

Written by `make reference` from the models of the application: change those.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NotRequired, TypedDict

from aws_cdk import IResolvable


class FunctionDefinitionProperty(TypedDict):
    """The keys of `function`."""

    name: str
    """The name of the function: letters, digits, `_` and `-`, 64 at most."""
    description: NotRequired[str]
    """What it does, for the model to decide when to call it."""
    parameters: NotRequired[Mapping[str, Any] | str]
    """Its parameters as a JSON Schema object: JSON text, taken exactly, or a map."""
    strict: NotRequired[bool | IResolvable]
    """Whether the model must keep exactly to the parameters. Default: `false`."""
    handler_arn: NotRequired[str]
    """The Lambda function that answers its calls, one that the application's `ToolFunctionArns` allow. Without it the
    run ends as `requires_action`."""


class HybridSearchProperty(TypedDict):
    """The keys of `hybrid_search`."""

    embedding_weight: float
    """The weight of what a text means, as a number."""
    text_weight: float
    """The weight of the words in it."""


class RankingOptionsProperty(TypedDict):
    """The keys of `ranking_options`."""

    ranker: NotRequired[str]
    """The ranker, `auto` for example."""
    score_threshold: NotRequired[float]
    """The least score of a result, 0 to 1. Default: 0."""
    hybrid_search: NotRequired[HybridSearchProperty]
    """How much meaning and words count for the rank. On the Responses API only."""


class UserLocationProperty(TypedDict):
    """The keys of `user_location`."""

    type: NotRequired[Literal["approximate"]]
    """Always `approximate`."""
    city: NotRequired[str]
    """A city."""
    country: NotRequired[str]
    """A country by its two letters (ISO 3166-1), `DE` for example."""
    region: NotRequired[str]
    """A region."""
    timezone: NotRequired[str]
    """A time zone of IANA's, `Europe/Berlin` for example."""


class ToolProperty(TypedDict):
    """One of `tools`."""

    type: Literal["code_interpreter", "retrieval", "file_search", "function", "web_search", "mcp"]
    """`code_interpreter`, `retrieval` (also called `file_search`), `function`, `web_search` or `mcp`; the last two on
    the Responses API only."""
    function: NotRequired[FunctionDefinitionProperty]
    """The function that may be called."""
    vector_store_ids: NotRequired[Sequence[str]]
    """Vector stores to search, for retrieval: beside the one that is made of attached files."""
    file_ids: NotRequired[Sequence[str]]
    """Files for code_interpreter, beside the attached ones; with these 50 at most (20 where the server speaks
    Assistants v2)."""
    max_num_results: NotRequired[float]
    """The most results of a search in files, 1 to 50."""
    filters: NotRequired[Mapping[str, Any] | str]
    """Which files are searched, by their attributes: a filter of OpenAI's as JSON text, taken exactly, or as a map. On
    the Responses API only."""
    ranking_options: NotRequired[RankingOptionsProperty]
    """How the results of a search in files are ranked."""
    memory_limit: NotRequired[Literal["1g", "4g", "16g", "64g"]]
    """The memory of code_interpreter. On the Responses API only."""
    allowed_domains: NotRequired[Sequence[str]]
    """The domains that web_search finds, subdomains included. Default: all."""
    user_location: NotRequired[UserLocationProperty]
    """Where web_search is to take the user for."""
    search_context_size: NotRequired[Literal["low", "medium", "high"]]
    """How much web_search reads: `low`, `medium` or `high`. Default: `medium`."""
    server_label: NotRequired[str]
    """A name for the MCP server: letters, digits, `_` and `-`, 64 at most."""
    server_url: NotRequired[str]
    """The address of the MCP server, which OpenAI calls."""
    allowed_tools: NotRequired[Sequence[str]]
    """The tools of the MCP server that may be called, each without approval. Default: all."""
    authorization_secret_arn: NotRequired[str]
    """The secret with the MCP server's access token, bare or as a JSON object with `authorization`: one that the
    application's `ToolSecretArns` allow."""
    headers_secret_arn: NotRequired[str]
    """The secret with HTTP headers for the MCP server, a JSON object of text: one that the application's
    `ToolSecretArns` allow."""


class JsonSchemaFormatProperty(TypedDict):
    """The keys of `json_schema`."""

    name: str
    """A name for the model: letters, digits, `_` and `-`, 64 at most."""
    description: NotRequired[str]
    """What the answer is for. The model reads it."""
    schema: Mapping[str, Any] | str
    """The JSON Schema of the answer: JSON text, taken exactly, or a map. The answer is held against it, except for a
    `pattern` that only ECMAScript can read (`\\p{L}`)."""
    strict: NotRequired[bool | IResolvable]
    """Whether the model is held to the schema while it writes. Default: `false`."""


class ResponseFormatProperty(TypedDict):
    """The keys of `response_format`."""

    type: Literal["text", "json_object", "json_schema"]
    """`text`, `json_object` or `json_schema`. The second needs the word JSON in a message."""
    json_schema: NotRequired[JsonSchemaFormatProperty]
    """What the answer has to be, for type `json_schema`. An answer that is not fails the resource; the top-level
    scalars of one that is are the attributes `output.<key>`."""


class AttachmentProperty(TypedDict):
    """One of `attachments`."""

    file_id: NotRequired[str]
    """The ID of the file."""
    type: NotRequired[Literal["file", "image"]]
    """`file`, or `image`, which is always part of the message. Default: `file`."""
    file_url: NotRequired[str]
    """The address of a file, which OpenAI reads as part of the message, whatever tools there are. On Assistants v2 for
    images only."""
    detail: NotRequired[Literal["low", "high", "auto", "original"]]
    """How closely an image is looked at: `low`, `high`, `auto` or, on the Responses API, `original`."""


class MessageProperty(TypedDict):
    """One of `messages`."""

    role: Literal["user"]
    """The role of the author. Only `user` is possible."""
    content: str
    """The text of the message."""
    attachments: NotRequired[Sequence[AttachmentProperty]]
    """Files that come with the message. A tool of the run reads them, 500 at most to search and 50 for
    code_interpreter; without such a tool they are part of the message."""
    metadata: NotRequired[Mapping[str, str]]
    """Key-value pairs, at most 16. OpenAI has no place for them on a message of its current API: they stay with the
    request."""


class ThreadProperty(TypedDict):
    """The keys of `thread`."""

    messages: NotRequired[Sequence[MessageProperty]]
    """The messages that the thread starts with."""
    metadata: NotRequired[Mapping[str, str]]
    """Key-value pairs on the thread, at most 16."""


class StaticChunkingProperty(TypedDict):
    """The keys of `static`."""

    max_chunk_size_tokens: float
    """The most tokens of a chunk, 100 to 4096."""
    chunk_overlap_tokens: float
    """The tokens that chunks have in common, half of `max_chunk_size_tokens` at most."""


class ChunkingStrategyProperty(TypedDict):
    """The keys of `chunking_strategy`."""

    type: Literal["auto", "static"]
    """`auto`, 800 tokens of which 400 overlap, or `static`."""
    static: NotRequired[StaticChunkingProperty]
    """The sizes, for type `static`."""
