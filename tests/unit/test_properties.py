"""From raw properties to a desired run: recasting, key styles, fingerprints, tools, schemas. Bad input: tests/lives."""

import json
from collections.abc import Callable, Iterator
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter, ValidationError

from local.openai_standin import openapi
from tests.support.stringified import stringified
from tests.support.values_of_models import LEAST, Values
from threadrun.errors import InvalidProperties
from threadrun.schema.arguments import RESOURCE_MODELS, AnyDesired, DesiredAssistant, DesiredRun
from threadrun.schema.deployment import Deployment
from threadrun.schema.desired import Desired
from threadrun.schema.parsing import nested_model, parse_properties

SECRETS = "arn:aws:secretsmanager:eu-west-1:123456789012:secret"
MINIMAL: dict[str, Any] = {"model": "m", "thread": {"messages": [{"role": "user", "content": "Hello."}]}}


def parsed(**more: Any) -> Any:
    return parse_properties(MINIMAL | more, DesiredRun)[0]


def test_cloudformations_strings_become_typed_values() -> None:
    run = parsed(temperature="0.7", top_p="1", max_completion_tokens="1024", stream="false", timeout_seconds="60")
    assert (run.temperature, run.top_p, run.max_completion_tokens, run.stream) == (0.7, 1.0, 1024, False)
    assert run.timeout_seconds == 60


UNREADABLE: dict[str, list[Any]] = {
    "temperature": ["warm", "nan", " 1", "true", True],
    "max_completion_tokens": ["1e3", "1024.0", ""],
    "stream": ["True", "1"],
    "model": [""],
    "accept_statuses": [[], ["done"]],
    "timeout_seconds": ["3601"],
    "ServiceTimeout": ["59", "3601"],
    "deletion_policy": ["keep"],
    "response_format": [{"type": "xml"}],
    "thread": ["Hello."],
    "metadata": [["a"]],
}


@pytest.mark.parametrize(("name", "value"), [(name, each) for name, values in UNREADABLE.items() for each in values])
def test_nothing_is_recast_by_guessing(name: str, value: Any) -> None:
    with pytest.raises(InvalidProperties, match=name):
        parsed(**{name: value})


def test_both_styles_mean_the_same_run() -> None:
    pascal = {
        "Model": "m",
        "TopP": "0.5",
        "Thread": {"Messages": [{"Role": "user", "Content": "Hello."}], "Metadata": {"MyKey": "1", "my_key": "2"}},
        "ResponseFormat": {"Type": "text"},
    }
    snake = {
        "model": "m",
        "top_p": "0.5",
        "thread": {"messages": [{"role": "user", "content": "Hello."}], "metadata": {"MyKey": "1", "my_key": "2"}},
        "response_format": {"type": "text"},
    }
    (one, style), (other, _) = parse_properties(pascal, DesiredRun), parse_properties(snake, DesiredRun)
    assert style == "PascalCase"
    assert one == other
    assert one.identity() == other.identity()


def test_problems_are_named_in_the_users_own_style() -> None:
    with pytest.raises(InvalidProperties) as raised:
        parse_properties({"Model": "m", "TopP": "2", "Thread": {"Messages": [{"Role": "user"}]}}, DesiredRun)
    assert sorted(raised.value.problems) == [
        "Thread.Messages[0].Content: is required",
        "TopP: must be at most 1 (it is '2')",
    ]


def test_prompt_texts_are_not_repeated_in_problems() -> None:
    with pytest.raises(InvalidProperties) as raised:
        parsed(instructions={"text": "a secret"}, thread={"messages": [{"role": "user", "content": ["a secret"]}]})
    assert "secret" not in raised.value.reason


WRITE, NEAREST = "unknown property, write it as", "unknown property, the nearest known one is"
UNSUPPORTED = "is a field of OpenAI's API that is not supported here"
UNKNOWN: dict[str, tuple[dict[str, Any], str]] = {
    "messages": ({"messages": []}, f"messages: {WRITE} thread.messages"),
    "prompt": ({"prompt": "Hi."}, f"prompt: {WRITE} thread.messages"),
    "system_prompt": ({"system_prompt": "Hi."}, f"system_prompt: {WRITE} instructions"),
    "thread_id": ({"thread_id": "conv_1"}, f"thread_id: {WRITE} existing_thread_id"),
    "max_tokens": ({"max_tokens": "9"}, f"max_tokens: {WRITE} max_completion_tokens"),
    "timeout": ({"timeout": "9"}, f"timeout: {WRITE} timeout_seconds"),
    "a flat function": (
        {"tools": [{"type": "function", "function": {"name": "f"}, "parameters": {}}]},
        f"tools[0].parameters: {WRITE} tools[0].function.parameters",
    ),
    "a flat schema": (
        {"response_format": {"type": "text", "schema": {}}},
        f"response_format.schema: {WRITE} response_format.json_schema.schema",
    ),
    "text of a message": (
        {"thread": {"messages": [{"role": "user", "content": "Hi.", "text": "Hi."}]}},
        f"thread.messages[0].text: {WRITE} thread.messages[0].content",
    ),
    "above its level": ({"handler_arn": "x"}, f"handler_arn: {WRITE} tools[*].function.handler_arn"),
    "below its level": (
        {"thread": {"messages": [{"role": "user", "content": "Hi."}], "instructions": "x"}},
        f"thread.instructions: {WRITE} instructions",
    ),
    "store": ({"store": "true"}, f"store: {UNSUPPORTED}"),
    "top_logprobs": (
        {"top_logprobs": "3"},
        "top_logprobs: is a field of OpenAI's API that has no argument: write it in extra_body",
    ),
    "truncation_strategy": ({"truncation_strategy": {}}, f"truncation_strategy: {WRITE} truncation"),
    "near": ({"modell": "m"}, f"modell: {NEAREST} model"),
    "camelCase": ({"maxCompletionTokens": "9"}, f"maxCompletionTokens: {NEAREST} max_completion_tokens"),
    "kebab-case": ({"max-completion-tokens": "9"}, f"max-completion-tokens: {NEAREST} max_completion_tokens"),
    "not near": ({"colour": "red"}, "colour: unknown property, docs/resources/threadrun.md has those that are known"),
    "not near, among few": (
        {"thread": {"messages": [{"role": "user", "content": "Hi."}], "colour": "red"}},
        "thread.colour: unknown property, known here are messages, metadata",
    ),
}


@pytest.mark.parametrize(("change", "problem"), UNKNOWN.values(), ids=UNKNOWN)
def test_an_unknown_property_is_told_with_what_may_be_meant(change: dict[str, Any], problem: str) -> None:
    with pytest.raises(InvalidProperties) as raised:
        parsed(**change)
    assert raised.value.problems == [problem]


MESSAGE = {"role": "user", "content": "Hi."}
ONE_MISTAKE: dict[str, tuple[dict[str, Any], str]] = {
    "messages a string": (
        {"thread": {"messages": "Hi."}},
        'thread.messages: must be a list: begin each message with "- role:"',
    ),
    "messages of strings": (
        {"thread": {"messages": ["Hi."]}},
        'thread.messages[0]: must be a map: begin each message with "- role:"',
    ),
    "a thread that is a list": (
        {"thread": [MESSAGE]},
        "thread: must be a map, not a list: write the list under thread.messages",
    ),
    "a thread that is text": ({"thread": "Hi."}, 'thread: must be a map: write its keys below it, as "messages:"'),
    "content out of its message": (
        {"thread": {"messages": [{"role": "user"}], "content": "Hi."}},
        f"thread.content: {WRITE} thread.messages[*].content",
    ),
    "parts of content": (
        {"thread": {"messages": [{"role": "user", "content": [{"type": "input_text", "text": "Hi."}]}]}},
        "thread.messages[0].content: must be text, not a list: write the text alone",
    ),
    "an attachment that is text": (
        {"thread": {"messages": [MESSAGE | {"attachments": "file-1"}]}},
        'thread.messages[0].attachments: must be a list: begin each attachment with "- file_id:"',
    ),
    "a list of maps as metadata": (
        {"metadata": [{"a": "b"}]},
        'metadata: must be a map: write "name: value" without "- "',
    ),
    "CloudFormation's tags as metadata": (
        {"metadata": [{"Key": "a", "Value": "b"}]},
        'metadata: must be a map: write "name: value" in place of Key and Value',
    ),
    "text as metadata": ({"metadata": "a"}, 'metadata: must be a map: write "name: value" below it'),
    "nested metadata": ({"metadata": {"a": {}}}, "metadata.a: must be text, not a map: write the text alone"),
    "a list of texts as text": (
        {"accept_statuses": "completed"},
        'accept_statuses: must be a list: begin each entry with "- "',
    ),
    "one tool": ({"tools": {"type": "retrieval"}}, 'tools: must be a list: begin each tool with "- type:"'),
    "a tool that is a list of maps": (
        {"response_format": [{"type": "text"}]},
        'response_format: must be a map, not a list: write its keys without "- "',
    ),
    "a function without its level": (
        {"tools": [{"type": "function", "name": "f", "parameters": {}}]},
        "tools[0]: unknown properties name and parameters, write them under tools[0].function",
    ),
    "a model by another name": (
        {"model": None, "modell": "m"},
        f"modell: {NEAREST} model",
    ),
}


@pytest.mark.parametrize(("change", "problem"), ONE_MISTAKE.values(), ids=ONE_MISTAKE)
def test_one_mistake_is_one_problem_which_says_how_to_write_it(change: dict[str, Any], problem: str) -> None:
    with pytest.raises(InvalidProperties) as raised:
        parsed(**change)
    assert raised.value.problems == [problem]


def test_what_may_be_meant_is_told_in_the_users_own_style() -> None:
    raw = {
        "Model": "m",
        "ExistingThreadId": "conv_1",
        "Messages": [],
        "SystemPrompt": "Hi.",
        "Store": "true",
        "Modell": "m",
    }
    with pytest.raises(InvalidProperties) as raised:
        parse_properties(raw, DesiredRun)
    assert raised.value.problems == [
        f"Messages: {WRITE} Thread.Messages",
        f"SystemPrompt: {WRITE} Instructions",
        f"Store: {UNSUPPORTED}",
        f"Modell: {NEAREST} Model",
    ]


def problems_of(model: type[Desired], raw: dict[str, Any]) -> list[str]:
    try:
        parse_properties(raw, model)
    except InvalidProperties as refusal:
        return refusal.problems
    return []


@pytest.mark.parametrize(
    ("request_of", "model"),
    [
        ("CreateResponse", DesiredRun),
        ("CreateThreadAndRunRequest", DesiredRun),
        ("CreateAssistantRequest", DesiredAssistant),
    ],
)
def test_each_field_of_openais_requests_has_a_counterpart_or_is_told_as_not_supported(
    request_of: str, model: type[Desired]
) -> None:
    told = {field: problems_of(model, {field: "x"}) for field in openapi.schema(request_of)["properties"]}
    assert [each for each, problems in told.items() if NEAREST in str(problems) or "page of" in str(problems)] == []


@pytest.mark.parametrize("key", ["{" + "k" * 64, "{key}", "{0}"])
def test_braces_of_the_users_own_are_shown_as_they_are(key: str) -> None:
    schema = {"type": "object", "patternProperties": {key: {"type": "nothing"}}}
    given = {"type": "json_schema", "json_schema": {"name": "a", "schema": schema}}
    with pytest.raises(InvalidProperties) as raised:
        parsed(metadata={key: "v" * 513}, response_format=given)
    assert key[:60] in next(each for each in raised.value.problems if each.startswith("metadata: "))
    place = f"response_format.json_schema.schema: is not a valid JSON Schema: `patternProperties.{key}.type` must be"
    assert any(each.startswith(place) for each in raised.value.problems)


BOOKKEEPING = [
    {"timeout_seconds": "5"},
    {"accept_statuses": ["failed"]},
    {"deletion_policy": "retain"},
    {"stream": "true"},
]
SEEN = [{"model": "n"}, {"triggers": {"a": "1"}}, {"metadata": {"a": "1"}}, {"temperature": "0"}, {"import_id": "a:b"}]


@pytest.mark.parametrize("change", [*BOOKKEEPING, *SEEN])
def test_what_openai_sees_and_triggers_change_the_identity_and_bookkeeping_does_not(change: dict[str, Any]) -> None:
    assert (parsed(**change).identity() != parsed().identity()) == (change in SEEN)


def test_the_order_of_keys_changes_no_identity() -> None:
    """A macro, or another tool, may write them in another one."""
    keys = {"a": "1", "b": "2"}
    one, other = (parsed(metadata=dict(pairs)).identity() for pairs in (keys.items(), reversed(keys.items())))
    assert one == other


def test_an_imported_run_is_known_by_its_id_alone() -> None:
    assert parsed(import_id="a:b").identity() == parse_properties({"import_id": "a:b"}, DesiredRun)[0].identity()


@given(st.dictionaries(st.text(max_size=8), st.recursive(st.text(max_size=8), st.lists, max_leaves=4), max_size=6))
def test_any_other_properties_are_refused_with_reasons(raw: dict[str, Any]) -> None:
    """No text of at most eight letters is a whole run: all of these are refused."""
    with pytest.raises(InvalidProperties) as raised:
        parse_properties(raw, DesiredRun)
    assert raised.value.problems


@given(st.floats(min_value=0, max_value=2))
def test_every_temperature_survives_cloudformations_text(value: float) -> None:
    assert parsed(temperature=str(value)).temperature == value


def any_form(model: type[BaseModel] = DesiredRun, place: str = "") -> Iterator[tuple[str, Any]]:
    """Properties of a form of the user's own, and the types of their values."""
    for name, field in model.model_fields.items():
        if nested := nested_model(field.annotation):
            yield from any_form(nested, f"{place}{name}.")
        elif "Any" in str(field.annotation):
            yield place + name, Annotated[field.annotation, "of any form", *field.metadata]


def map_of(levels: int) -> Any:
    value: dict[str, Any] = {"title": "[["}
    for _ in range(levels - 1):
        value = {"not": value}
    return value


def text_of(levels: int) -> str:
    return '{"not":' * (levels - 1) + '{"title": "[[\\""}' + "}" * (levels - 1)


FREE = [(place, kind) for place, kind in any_form() if place != "tools.filters"]


@pytest.mark.parametrize(("place", "kind"), FREE)
@pytest.mark.parametrize("nested", [map_of, text_of])
def test_a_value_of_any_form_is_as_deep_as_a_record_can_hold(
    place: str, kind: Any, nested: Callable[[int], Any]
) -> None:
    """A deeper record could be saved and not read back; a thousand levels would end the process."""
    if nested is map_of or place != "triggers":
        TypeAdapter(kind).validate_python(nested(64))
    for levels in (65, 30_000):
        with pytest.raises(ValidationError, match=f"is nested {levels} levels deep, at most 64 are possible"):
            TypeAdapter(kind).validate_python(nested(levels))


def filter_of(levels: int) -> dict[str, Any]:
    """Each `and` is a map and a list."""
    value: dict[str, Any] = {"type": "eq", "key": "a", "value": "1"}
    for _ in range(levels // 2):
        value = {"type": "and", "filters": [value]}
    return value


def text_of_filter(levels: int) -> str:
    pairs = levels // 2
    return '{"type": "and", "filters": [' * pairs + '{"type": "eq", "key": "a", "value": 1}' + "]}" * pairs


@pytest.mark.parametrize("nested", [filter_of, text_of_filter])
def test_filters_are_as_deep_as_a_record_can_hold(nested: Callable[[int], Any]) -> None:
    parsed(tools=[{"type": "file_search", "filters": nested(63)}])
    for levels in (65, 30_001):
        with pytest.raises(
            InvalidProperties, match=f"filters: is nested {levels} levels deep, at most 64 are possible"
        ):
            parsed(tools=[{"type": "file_search", "filters": nested(levels)}])


def test_lists_in_a_list_are_refused_however_deep_they_go() -> None:
    tools: list[Any] = []
    for _ in range(30_000):
        tools = [tools]
    with pytest.raises(InvalidProperties, match=r"tools\[0\]: must be a map"):
        parsed(tools=tools)


# --- tools of a run or an assistant, and the schemas of their parameters

SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:mcp-AbCdEf"
SCHEMA = {
    "type": "object",
    "properties": {
        "count": {"type": "integer", "minimum": 1, "default": 3, "enum": [1, 3, 5]},
        "ratio": {"type": ["number", "null"], "exclusiveMaximum": 0.5},
        "exact": {"type": "boolean", "const": True},
        "minimum": {"type": "string", "maxLength": 5, "default": "12", "description": "5"},
        "items": {"type": "array", "items": {"type": "string", "minLength": 1}, "uniqueItems": True},
        "either": {"anyOf": [{"type": "integer", "maximum": 9}, {"type": "null"}]},
    },
    "required": ["count"],
    "additionalProperties": False,
}


def function(parameters: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": "f", "parameters": parameters}}


def search(**options: Any) -> dict[str, Any]:
    return {"type": "file_search", **options}


ODD = {"type": "object", "properties": {"n": {"type": "integer", "default": "3"}}}


@pytest.mark.parametrize(
    ("given", "schema"),
    [(stringified(SCHEMA), SCHEMA), (json.dumps(ODD), ODD)],
    ids=["a map gets its types back by keyword", "text is taken exactly: in it nothing was turned into a string"],
)
@pytest.mark.parametrize("words", [str.lower, str.title], ids=["snake_case", "PascalCase"])
def test_parameters_of_a_function_are_a_schema_whose_keys_are_data(
    given: Any, schema: dict[str, Any], words: Callable[[str], str]
) -> None:
    named = {words("name"): "f", words("parameters"): given}
    raw = {words("model"): "m", words("tools"): [{words("type"): "function", words("function"): named}]}
    desired, style = parse_properties(raw, DesiredAssistant)
    assert style == ("PascalCase" if "Model" in raw else "snake_case")
    [tool] = desired.tools or ()
    assert tool.function is not None
    assert tool.function.parameters == schema


@pytest.mark.parametrize(
    ("tool", "problem"),
    [
        ({"type": "search"}, r"tools\[0\]\.type: must be 'code_interpreter', .*'function', 'web_search' or 'mcp'"),
        ({"type": "function"}, "function is required for type function"),
        ({"type": "function", "function": {"description": "d"}}, r"tools\[0\]\.function\.name: is required"),
        (
            {"type": "function", "function": {"name": "no spaces"}},
            r"tools\[0\]\.function\.name: must be 1 to 64 letters, digits, _ or - \(it is 'no spaces'\)",
        ),
        (function("[1]"), r"tools\[0\]\.function\.parameters: must be a JSON object"),
        (function("{"), r"must be a JSON object: it is not valid JSON \(line 1, column 2\)"),
        (function(["a"]), "must be a JSON object, as text or as a map"),
        (
            {"type": "function", "function": {"name": "f", "handler_arn": "f"}},
            r"handler_arn: must be the ARN of a Lambda function, .* \(it is 'f'\)",
        ),
        ({"type": "retrieval", "function": {"name": "f"}}, "function is possible for type function only"),
        (
            {"type": "function", "function": {"name": "f"}, "vector_store_ids": ["vs_1"]},
            "vector_store_ids is possible for type retrieval or file_search only",
        ),
        ({"type": "retrieval", "file_ids": ["file-1"]}, "file_ids is possible for type code_interpreter only"),
        ({"type": "mcp", "server_url": "https://e.com"}, "server_label is required for type mcp"),
        ({"type": "mcp", "server_label": "a"}, "server_url is required for type mcp"),
        ({"type": "mcp", "server_label": "a", "server_url": "ftp://e.com"}, r"tools\[0\]\.server_url: must be a URL"),
        (
            {"type": "mcp", "authorization_secret_arn": "t"},
            r"tools\[0\]\.authorization_secret_arn: must be the ARN of a secret",
        ),
        ({"type": "mcp", "headers": {"A": "b"}}, r"tools\[0\]\.headers: .* write it as tools\[0\]\.headers_secret_arn"),
        (
            {"type": "web_search", "user_location": {"country": "Germany"}},
            r"user_location\.country: must be two capital letters",
        ),
        (
            {"type": "web_search", "allowed_domains": ["python.org", "https://pypi.org"]},
            r"tools\[0\]\.allowed_domains\[1\]: must be a domain without https://",
        ),
        (
            {"type": "web_search", "filters": {}},
            r"tools\[0\]\.filters: type must be one of eq, ne, gt, gte, lt, lte, in, nin, and, or$",
        ),
        (search(max_num_results="51"), r"tools\[0\]\.max_num_results: must be at most 50"),
        (search(filters="year > 2025"), r"tools\[0\]\.filters: must be a JSON object: it is not valid JSON"),
        (search(filters=["a"]), r"tools\[0\]\.filters: must be a JSON object, as text or as a map"),
        (
            search(filters={"type": "and", "filters": [{"type": "like"}]}),
            r"filters: filters\[0\]\.type must be one of .* \(it is 'like'\)",
        ),
        (
            search(filters={"type": "eq", "key": "a", "value": {"b": "c"}}),
            r"filters: type eq needs key and value, one text",
        ),
        (search(filters={"type": "eq", "key": "a", "value": ["b"]}), r"filters: type eq needs key and value, one text"),
        (search(filters={"type": "and", "filters": []}), r"filters: type and needs filters, a list"),
        (search(ranking_options={"score_threshold": "2"}), r"ranking_options\.score_threshold: must be at most 1"),
        ({"type": "code_interpreter", "memory_limit": "2g"}, r"tools\[0\]\.memory_limit: must be '1g'"),
    ],
)
def test_a_tool_that_cannot_be_is_named(tool: dict[str, Any], problem: str) -> None:
    with pytest.raises(InvalidProperties, match=problem):
        parse_properties({"model": "m", "tools": [tool]}, DesiredAssistant)


def parsed_for(deployment: Deployment, **more: Any) -> Any:
    return parse_properties(MINIMAL | more, DesiredRun, deployment)[0]


ALLOWED, DENIED = "reports-daily", "payroll"


@pytest.mark.parametrize("name", [ALLOWED, DENIED])
def test_a_deployment_uses_what_it_allows_and_nothing_else(name: str) -> None:
    """What IAM would deny is refused before a run is paid for."""
    handler, secret = f"arn:aws:lambda:eu-west-1:123456789012:function:{name}", f"{SECRETS}:{name}"
    deployment = Deployment(tool_function_arns=["arn:*:function:reports-*"], tool_secret_arns=[f"{SECRETS}:reports-*"])
    tools = [
        {"type": "function", "function": {"name": "f", "handler_arn": handler}},
        {"type": "mcp", "server_label": "a", "server_url": "https://e.com", "authorization_secret_arn": secret},
    ]
    if name == ALLOWED:
        assert len(parsed_for(deployment, tools=tools).tools) == 2
        return
    with pytest.raises(InvalidProperties) as raised:
        parsed_for(deployment, tools=tools)
    told = " ".join(raised.value.problems)
    assert f"may not invoke {handler}: deploy it with ToolFunctionArns=arn:*:function:reports-*,{handler}" in told
    assert f"may not read {secret}: deploy it with ToolSecretArns={SECRETS}:reports-*,{secret}" in told


def test_what_the_wire_api_lacks_is_refused_by_its_name() -> None:
    tools = [{"type": "web_search"}]
    assert parsed_for(Deployment(wire="responses"), tools=tools).tools[0].type == "web_search"
    with pytest.raises(
        InvalidProperties, match=r"tools\[0\]\.type: Assistants v2 has no type web_search: leave it out"
    ):
        parsed_for(Deployment(wire="assistants"), tools=tools)


def test_a_run_takes_from_its_assistant_what_it_does_not_say_itself() -> None:
    """Of a tool it takes the ids, unless it has some."""
    assistant = parse_properties(
        {"model": "n", "temperature": "1", "top_p": "0.5", "tools": [search(vector_store_ids=["vs_1"])]},
        DesiredAssistant,
    )[0]
    run = parsed(temperature="0", tools=[search()]).with_defaults_from(assistant)
    assert (run.model, run.temperature, run.top_p) == ("m", 0, 0.5)
    assert run.tools[0].vector_store_ids == ("vs_1",)
    run = parsed(tools=[search(vector_store_ids=["vs_2"])]).with_defaults_from(assistant)
    assert run.tools[0].vector_store_ids == ("vs_2",)


def filters_read(given: Any) -> Any:
    return parsed(tools=[search(filters=given)]).tools[0].filters


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ({"type": "gt", "key": "year", "value": "2025"}, {"type": "gt", "key": "year", "value": 2025}),
        ({"type": "lte", "key": "share", "value": "0.5"}, {"type": "lte", "key": "share", "value": 0.5}),
        ({"type": "lt", "key": "day", "value": "2025-01-01"}, {"type": "lt", "key": "day", "value": "2025-01-01"}),
        ({"type": "gt", "key": "a", "value": "1e999"}, {"type": "gt", "key": "a", "value": "1e999"}),
        ({"type": "eq", "key": "code", "value": "007"}, {"type": "eq", "key": "code", "value": "007"}),
        ({"type": "in", "key": "code", "value": ["1", "2"]}, {"type": "in", "key": "code", "value": ["1", "2"]}),
        ('{"type": "eq", "key": "n", "value": 7}', {"type": "eq", "key": "n", "value": 7}),
        ('{"type": "gt", "key": "n", "value": "7"}', {"type": "gt", "key": "n", "value": "7"}),
    ],
)
def test_numbers_of_a_filter_return_where_it_compares_by_size_and_text_is_taken_exactly(given: Any, read: Any) -> None:
    assert filters_read(given) == read


CHANGED_TOOLS: dict[str, list[dict[str, Any]]] = {
    "web_search": [
        {},
        {"allowed_domains": ["a.example"]},
        {"search_context_size": "low"},
        {"user_location": {"city": "A"}},
    ],
    "mcp": [
        {"server_label": "a", "server_url": "https://a.example"},
        {"server_label": "b", "server_url": "https://a.example"},
        {"server_label": "a", "server_url": "https://b.example"},
        {"server_label": "a", "server_url": "https://a.example", "allowed_tools": ["look"]},
        {"server_label": "a", "server_url": "https://a.example", "authorization_secret_arn": SECRET},
        {"server_label": "a", "server_url": "https://a.example", "headers_secret_arn": SECRET},
    ],
    "file_search": [
        {},
        {"max_num_results": "1"},
        {"filters": {"type": "eq", "key": "a", "value": "b"}},
        {"filters": {"type": "eq", "key": "a", "value": "c"}},
        {"ranking_options": {"ranker": "auto"}},
        {"ranking_options": {"score_threshold": "0.1"}},
    ],
    "code_interpreter": [{}, {"memory_limit": "1g"}],
}


def test_each_option_of_a_tool_makes_another_run() -> None:
    made = [parsed(tools=[{"type": kind, **each}]) for kind, options in CHANGED_TOOLS.items() for each in options]
    assert len({run.identity() for run in made}) == len(made)


ATTACHED: list[dict[str, Any]] = [
    {"file_id": "file-1"},
    {"file_id": "file-1", "type": "image"},
    {"file_id": "file-1", "type": "image", "detail": "low"},
    {"file_url": "https://a.example/f"},
    {"file_url": "https://a.example/f", "type": "image"},
]


def attached(attachment: dict[str, Any]) -> Any:
    return parsed(thread={"messages": [{"role": "user", "content": "Look.", "attachments": [attachment]}]})


def test_each_property_of_an_attachment_makes_another_run_and_the_usual_type_the_same() -> None:
    assert len({attached(each).identity() for each in ATTACHED}) == len(ATTACHED)
    assert attached(ATTACHED[0] | {"type": "file"}).identity() == attached(ATTACHED[0]).identity()


@pytest.mark.parametrize(
    ("attachment", "problem"),
    [
        ({}, "exactly one of file_id and file_url is required"),
        ({"type": "image"}, "exactly one of file_id and file_url is required"),
        ({"file_id": "file-1", "file_url": "https://a.example/f"}, "exactly one of file_id and file_url is required"),
        ({"file_id": "file-1", "detail": "low"}, "detail is possible for type image only"),
        ({"file_id": "file-1", "type": "video"}, r"attachments\[0\]\.type: must be 'file' or 'image'"),
        ({"file_url": "s3://a/b"}, r"attachments\[0\]\.file_url: must be a URL"),
        ({"image_url": "https://a.example/f"}, r"write it as thread\.messages\[0\]\.attachments\[0\]\.file_url"),
    ],
)
def test_an_attachment_that_cannot_be_is_named(attachment: dict[str, Any], problem: str) -> None:
    with pytest.raises(InvalidProperties, match=problem):
        attached(attachment)


def test_files_are_listed_once_and_in_order() -> None:
    def message(*files: str) -> dict[str, Any]:
        return {"role": "user", "content": "Hi.", "attachments": [{"file_id": each} for each in files]}

    thread = {"messages": [message("file-2", "file-1"), message("file-2")]}
    tools = [{"type": "code_interpreter", "file_ids": ["file-1", "file-3"]}]
    run = parse_properties({"model": "m", "thread": thread, "tools": tools}, DesiredRun)[0]
    assert run.attached_file_ids == ("file-2", "file-1")
    assert run.file_ids == ("file-2", "file-1", "file-3")


@pytest.mark.parametrize("model", RESOURCE_MODELS.values(), ids=lambda model: model.resource_type)
def test_what_a_page_says_of_updates_is_what_makes_another_resource(model: type[AnyDesired]) -> None:
    values, least = Values(model), LEAST.get(model.resource_type, {})
    before = model.model_validate(least)
    for name in values.schemas:
        value = getattr(model.model_validate(least | {name: values.good(name)}), name)
        changed = before.model_copy(update={name: value})
        assert (changed.identity() == before.identity()) == model.changes_in_place(name), name
