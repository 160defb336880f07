"""`threadrun validate`: mistakes around the properties, and what is certain to be refused or useless."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.support.templates import HEAD, HELLO, found
from threadrun_cli.commands import app
from threadrun_cli.template import TemplateError, parse_template

MODEL = "      model: m\n"
SCHEMA = "      response_format: {{ type: json_schema, json_schema: {{ name: a, schema: {} }} }}\n"
OTHERS = """  F: { Type: AWS::Lambda::Function }
  Notes:
    Type: Custom::OpenAIFile
    Properties: { ServiceToken: !ImportValue a-ServiceToken, filename: a, content: a }
"""


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (HEAD.replace("Type:", "type:"), "type: write it as Type"),
        (HEAD.replace("Custom::OpenAIThreadRun", "OpenAIThreadRun"), "write it as Custom::OpenAIThreadRun"),
        (HEAD.replace("Custom::OpenAIThreadRun", "Custom::OpenAiThreadrun"), "write it as Custom::OpenAIThreadRun"),
        (HEAD.replace("Properties:", "Property:"), "Property: write it as Properties"),
        (HEAD.replace("Properties:", "properties:"), "properties: write it as Properties"),
        ("Resources: { R: { Type: Custom::OpenAIThreadRun } }\n", "has no Properties: write ServiceToken and the"),
        (
            "Resources: { R: { Type: Custom::OpenAIThreadRun, Properties: [model: m] } }\n",
            'Properties: must be a map: write its keys without "- "',
        ),
        (
            "Resources:\n  Fn::ForEach::Runs:\n    - A\n    - [b]\n    - R${A}: { Type: Custom::OpenAIThreadRun }\n",
            "Fn::ForEach::Runs: resources of a loop are not checked",
        ),
    ],
)
def test_what_is_around_the_properties_is_one_mistake(text: str, told: str) -> None:
    [(_, message)] = found(text)
    assert told in message


@pytest.mark.parametrize(
    ("token", "told"),
    [
        ("threadrun-ServiceToken", "must be the ARN of the application's function: write `!ImportValue threadrun-Serv"),
        ("arn:aws:lambda:us-east-1:123456789012:function:f", None),
        ('"{{resolve:ssm:/token}}"', None),
        ("!ImportValue shared-Token", "the application exports no shared-Token, unless you do"),
        ("!ImportValue own", "the application exports no own, unless you do"),
        ("!Ref Token", "the template has no parameter and no resource Token: declare it, or correct the name"),
        ("!GetAtt App.Outputs.ServiceToken", "the template has no parameter and no resource App"),
    ],
)
def test_a_service_token_that_is_known_to_fail_is_told(token: str, told: str | None) -> None:
    text = HEAD.replace("!ImportValue threadrun-ServiceToken", token) + MODEL + HELLO
    assert [f"ServiceToken: {told}" in message for _, message in found(text)] == ([True] if told else [])


def test_another_spelling_of_the_service_token_is_one_mistake() -> None:
    text = HEAD.replace("ServiceToken:", "serviceToken:") + MODEL + HELLO
    assert found(text) == [(5, "serviceToken: unknown property, write it as ServiceToken")]


@pytest.mark.parametrize(
    ("properties", "told"),
    [
        (
            "      model: !Ref Modl\n" + HELLO,
            ["model: the template has no parameter and no resource Modl: the nearest"],
        ),
        (
            '      model: !Sub "${AWS::Region}${!A}${B.C}"\n' + HELLO,
            ["model: the template has no parameter and no res"],
        ),
        ('      model: !Sub ["${A}", { A: !Ref Model }]\n' + HELLO, []),
        (
            "      model: m\n      tools: [{ type: function, function: { name: f, handler_arn: !Ref F } }]\n" + HELLO,
            ["tools[0].function.handler_arn: `!Ref F` is the function's name: write `!GetAtt F.Arn`"],
        ),
        (
            "      model: m\n      existing_thread_id: !Ref R\n",
            ["existing_thread_id: `!Ref R` is thread_id:run_id: write `!GetAtt R.thread_id`"],
        ),
        (
            "      model: m\n      thread: { messages: [{ role: user, content: a, attachments: [!Ref Notes] }] }\n",
            ["thread.messages[0].attachments[0]: must be a map: write it as `file_id: !Ref Notes`"],
        ),
        ("      model: { ref: Model }\n" + HELLO, ["model: ref is no function of CloudFormation: write it as Ref"]),
        (
            "      model: { 'Fn:Sub': x }\n" + HELLO,
            ["model: Fn:Sub is no function of CloudFormation: write it as Fn::S"],
        ),
        ("      model: m\n      metadata: { ref: main }\n" + HELLO, []),
    ],
)
def test_a_reference_that_cannot_be_meant_is_told(properties: str, told: list[str]) -> None:
    text = f"{HEAD}{properties}{OTHERS}Parameters: {{ Model: {{ Type: String }} }}\n"
    messages = [message for _, message in found(text)]
    assert len(messages) == len(told), messages
    for message, begins in zip(messages, told, strict=True):
        assert message.startswith(begins)


@pytest.mark.parametrize("transform", ["AWS::Serverless-2016-10-31", "[Mine, AWS::LanguageExtensions]"])
def test_names_that_a_transform_adds_are_left_alone(transform: str) -> None:
    text = f"Transform: {transform}\n{HEAD}      model: !Ref RRole\n{HELLO}"
    assert found(text) == []


@pytest.mark.parametrize(
    ("schema", "key", "told"),
    [
        ("{ properties: { v: { type: object } } }", "v", "has no attribute output.v: the schema says that v is an obj"),
        ("{ properties: { v: { type: [array, 'null'] } } }", "v", "has no attribute output.v: the schema says that v"),
        ("{ properties: { v: { type: [string, 'null'] } } }", "v", None),
        (
            "{ properties: { v: { type: string } }, additionalProperties: false }",
            "w",
            "has no attribute output.w: its schema has v",
        ),
        ("{ properties: { v: { type: string } } }", "w", "may have no attribute output.w: its schema has v"),
        ("{ type: object }", "w", None),
    ],
)
def test_only_scalars_of_an_answer_are_attributes(schema: str, key: str, told: str | None) -> None:
    text = HEAD + MODEL + SCHEMA.format(schema) + HELLO + f"Outputs: {{ O: {{ Value: !GetAtt R.output.{key} }} }}\n"
    assert [message.startswith(told or "") for _, message in found(text)] == ([True] if told else [])


def test_a_function_without_an_attribute_is_told() -> None:
    [(_, message)] = found(HEAD + MODEL + HELLO + "Outputs: { O: { Value: !GetAtt R } }\n")
    assert message.startswith("!GetAtt R names no attribute: known are id, ")


FUNCTION = "{ type: function, function: { name: f, parameters: { type: object } } }"


@pytest.mark.parametrize(
    ("properties", "told"),
    [
        (SCHEMA.format("{ a: b }"), "response_format.json_schema.schema: has no keyword of JSON Schema"),
        (
            SCHEMA.format("{ properties: { v: { type: string } } }") + "      reason_key: why\n",
            "reason_key: is no key of the schema, which has v",
        ),
        (
            f"      tools: [{FUNCTION}, {FUNCTION}]\n",
            "tools[1]: is a function of the same name as tools[0]: rename one",
        ),
        (
            SCHEMA.format("{ type: object }").replace("name: a", "name: a, strict: true"),
            "response_format.json_schema.schema: OpenAI takes `strict: true` only where each object has",
        ),
        (
            f"      tools: [{FUNCTION.replace('name: f', 'name: f, strict: true')}]\n",
            "tools[0].function.parameters: OpenAI takes `strict: true` only where each object has",
        ),
        ("      tool_choice: get_weather\n", "tool_choice: names no tool of the run"),
        ("      tools: [{ type: retrieval }]\n", "tools[0]: has nothing to search: attach files to a message"),
    ],
)
def test_what_is_certain_to_be_refused_or_useless_is_told(properties: str, told: str) -> None:
    [(_, message)] = found(HEAD + MODEL + properties + HELLO)
    assert message.startswith(told)


@pytest.mark.parametrize(
    "properties",
    [
        "      assistant_id: a\n      tool_choice: get_weather\n" + HELLO,
        "      existing_thread_id: conv_1\n      tools: [{ type: retrieval }]\n",
        "      tools: [{ type: retrieval, vector_store_ids: [!Ref Notes] }]\n" + HELLO,
        "      tools: [{ type: retrieval }]\n      thread: !FindInMap [A, B, C]\n",
    ],
)
def test_what_another_resource_may_have_is_no_mistake(properties: str) -> None:
    assert found(HEAD + MODEL + properties + OTHERS) == []


def test_the_number_of_resources_is_told(tmp_path: Path) -> None:
    (file := tmp_path / "t.yaml").write_text("Resources: { A: { Type: AWS::SNS::Topic } }\n")
    asked = CliRunner().invoke(app, ["validate", str(file)])
    assert (asked.exit_code, asked.stderr) == (0, "1 template checked, 0 resources of the application, 0 errors\n")


def test_a_file_of_terraform_is_named(tmp_path: Path) -> None:
    (file := tmp_path / "main.tf").write_text("")
    asked = CliRunner().invoke(app, ["validate", str(file)])
    assert asked.exit_code == 2
    assert "is a file of Terraform's: `terraform validate` checks it" in asked.stdout


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("A: b: c", ": put the text in quotes"),
        ("A: @b", ": put the text in quotes"),
        ("A: *b", ": put the text in quotes"),
        ("A:\n\tB: c", ": use spaces, not tabs"),
    ],
)
def test_a_frequent_mistake_of_yaml_has_a_remedy(text: str, remedy: str) -> None:
    with pytest.raises(TemplateError) as error:
        parse_template(text)
    assert str(error.value).endswith(remedy)


@pytest.mark.parametrize(
    ("properties", "told"),
    [
        (
            "      modell: !Ref Notes\n      model: m\n" + HELLO,
            ["modell: unknown property, the nearest known one is model"],
        ),
        (
            MODEL + "      service_timeout: 60\n" + HELLO,
            ["service_timeout: unknown property, write it as ServiceTimeout"],
        ),
        (
            MODEL + "      ServiceTimeOut: 60\n" + HELLO,
            ["ServiceTimeOut: unknown property, write it as ServiceTimeout"],
        ),
        (
            MODEL + "      tool_resources: { file_search: {} }\n" + HELLO,
            ["tool_resources: unknown property, write it as tools[*].vector_store_ids or tools[*].file_ids"],
        ),
        (MODEL + "      seed: 1\n" + HELLO, ["seed: is not part of OpenAI's Responses API: leave it out"]),
        (MODEL + "      stop: a\n" + HELLO, ["stop: is not part of OpenAI's Responses API: leave it out"]),
        (MODEL + "      n: 1\n" + HELLO, ["n: is not part of OpenAI's Responses API: leave it out"]),
        (
            MODEL + "      thread: { messages: [{ role: user, content: a, file_ids: [b] }] }\n",
            ["thread.messages[0].file_ids: unknown property, write it as thread.messages[0].attachments[*].file_id"],
        ),
        (
            MODEL + "      thread: { messages: [{ user: Hi }] }\n",
            ["thread.messages[0].user: unknown property, write `role: user` and `content: <its text>`"],
        ),
        (
            MODEL + "      thread: { messages: [{ role: system, content: Hi }] }\n",
            ["thread.messages[0].role: must be 'user' (it is 'system'): write its text as instructions"],
        ),
        (
            MODEL + "      accept_statuses: [complete]\n" + HELLO,
            [
                "accept_statuses[0]: must be 'completed', 'requires_action', 'failed', 'incomplete', 'cancelled' or "
                "'expired' (it is 'complete')"
            ],
        ),
        (MODEL + "      accept_statuses: []\n" + HELLO, ["accept_statuses: must not be empty"]),
        (
            MODEL + "      colour: red\n" + HELLO,
            ["colour: unknown property, docs/resources/threadrun.md has those that are known"],
        ),
        (
            MODEL
            + "      tools: [{ type: file_search, vector_store_ids: [v], filters: { type: like, key: a, value: b } }]\n"
            + HELLO,
            [
                "tools[0].filters: type must be one of eq, ne, gt, gte, lt, lte, in, nin, and, or (it is 'like')",
            ],
        ),
        (
            MODEL
            + "      tools: [{ type: file_search, vector_store_ids: [v], filters: { type: nin, filters: [] } }]\n"
            + HELLO,
            ["tools[0].filters: type nin needs key and value, a list, and nothing else"],
        ),
    ],
)
def test_a_mistake_is_told_where_it_is_with_what_to_write(properties: str, told: list[str]) -> None:
    assert [message for _, message in found(HEAD + properties + OTHERS)] == told


@pytest.mark.parametrize(
    ("written", "right"),
    [
        ("!ref Model", "!Ref"),
        ("!GetAttr A.b", "!GetAtt"),
        ("!Getatt A.b", "!GetAtt"),
        ("!sub a", "!Sub"),
        ("!Rf A", "!Ref"),
    ],
)
def test_a_short_form_that_is_misspelt_is_told(written: str, right: str) -> None:
    """Anywhere: CloudFormation refuses the whole template."""
    name = written.split()[0]
    with pytest.raises(TemplateError, match=f"^{name} is no function of CloudFormation: write it as {right}$") as told:
        parse_template(HEAD + MODEL + HELLO + f"Outputs:\n  A: {{ Value: {written} }}\n")
    assert (told.value.line, told.value.column) == (9, 15)


@pytest.mark.parametrize("written", ["Fn::GetAttr", "Fn::getatt", "Fn:GetAtt", "fn::GetAtt"])
def test_a_long_form_that_is_misspelt_is_told(written: str) -> None:
    [(_, message)] = found(HEAD + f"      model: {{ '{written}': [A, b] }}\n" + HELLO)
    assert message == f"model: {written} is no function of CloudFormation: write it as Fn::GetAtt"


def test_a_function_that_is_near_no_known_one_may_be_a_new_one() -> None:
    assert found(HEAD + "      model: !Brandnew A\n      stream: { 'Fn::Brandnew': A }\n" + HELLO) == []


@pytest.mark.parametrize(
    ("properties", "told"),
    [
        ("      thread: !Ref T\n", "thread: must be a map: write `existing_thread_id: !Ref T` in its place"),
        ("      thread: !GetAtt R.output_text\n", 'thread: must be a map: write its keys below it, as "messages:"'),
        ("      tools: !Sub '[${AWS::Region}]'\n" + HELLO, 'tools: must be a list: begin each tool with "- type:"'),
        (
            "      tools: [{ type: file_search, vector_store_ids: !Ref Notes }]\n" + HELLO,
            'tools[0].vector_store_ids: must be a list: begin each entry with "- "',
        ),
        ("      tools: !Ref Named\n" + HELLO, 'tools: must be a list: begin each tool with "- type:"'),
        ("      metadata: !ImportValue a\n" + HELLO, 'metadata: must be a map: write "name: value" below it'),
    ],
)
def test_what_is_text_whatever_it_is_is_no_list_and_no_map(properties: str, told: str) -> None:
    thread = "  T: { Type: Custom::OpenAIThread, Properties: { ServiceToken: !ImportValue a-ServiceToken } }\n"
    parameters = "Parameters: { Named: { Type: String } }\n"
    assert [message for _, message in found(HEAD + MODEL + properties + OTHERS + thread + parameters)] == [told]


@pytest.mark.parametrize(
    "properties",
    [
        SCHEMA.format("!Sub '${AWS::Region}'") + HELLO,
        "      tool_choice: !Sub '${AWS::Region}'\n" + HELLO,
        '      extra_body: !Sub \'{"a": "${AWS::Region}"}\'\n' + HELLO,
        "      accept_statuses: [!GetAtt R.status]\n" + HELLO,
        "      temperature: !GetAtt R.output.warmth\n" + HELLO,
        "      tools: !Ref Listed\n" + HELLO,
    ],
)
def test_text_that_may_fit_is_no_mistake(properties: str) -> None:
    text = HEAD + MODEL + properties + "Parameters: { Listed: { Type: CommaDelimitedList } }\n"
    assert [message for _, message in found(text) if "must be" in message] == []


@pytest.mark.parametrize(
    ("text", "place"),
    [('{"Resources": {"A": {},}}', (1, 24)), ("{'Resources': {}}", (1, 2)), ('{"Resources": {}\n# a\n}', (2, 1))],
)
def test_what_yaml_may_hold_and_json_may_not_is_told(text: str, place: tuple[int, int], tmp_path: Path) -> None:
    """CloudFormation takes what begins with `{` as JSON."""
    (file := tmp_path / "t.yaml").write_text(text)
    asked = CliRunner().invoke(app, ["validate", str(file)])
    assert asked.exit_code == 2
    assert f"t.yaml:{place[0]}:{place[1]}: error: is not valid JSON: " in asked.output


@pytest.mark.parametrize(
    ("properties", "told"),
    [
        ({"tools": "a"}, 'tools: must be a list: write each tool as {"type": …}, in a list'),
        ({"thread": "a"}, 'thread: must be a map: write it as {"messages": …}'),
        ({"metadata": ["a"]}, 'metadata: must be a map: write {"name": "value"}'),
        ({"thread": {"Ref": "T"}}, 'thread: must be a map: write `"existing_thread_id": {"Ref": "T"}` in its place'),
        (
            {"ServiceToken": "a-ServiceToken"},
            "ServiceToken: must be the ARN of the application's function: write `{\"Fn",
        ),
    ],
)
def test_advice_for_json_is_in_json(properties: dict[str, object], told: str) -> None:
    right = {"ServiceToken": {"Fn::ImportValue": "a-ServiceToken"}, "model": "m"}
    thread = {"thread": {"messages": [{"role": "user", "content": "Hello."}]}}
    resources = {
        "R": {"Type": "Custom::OpenAIThreadRun", "Properties": right | thread | properties},
        "T": {"Type": "Custom::OpenAIThread", "Properties": {"ServiceToken": right["ServiceToken"]}},
    }
    [(_, message)] = found(json.dumps({"Resources": resources}), is_json=True)
    assert message.startswith(told)


@pytest.mark.parametrize(
    ("properties", "told"),
    [
        (
            "      Tools: [{ Type: mcp, ServerUrl: https://a.example }]\n",
            "Tools[0]: ServerLabel is required for type mcp",
        ),
        ("      ExistingThreadId: a\n", "Thread: conflicts with ExistingThreadId: give one of the two"),
        (
            "      ResponseFormat: { Type: json_schema }\n",
            "ResponseFormat: JsonSchema is required for type json_schema",
        ),
        ("      Truncation: file_ids\n", "Truncation: must be 'auto' or 'disabled' (it is 'file_ids')"),
    ],
)
def test_a_sentence_has_the_names_of_properties_as_the_template_spells_them(properties: str, told: str) -> None:
    hello = "      Model: m\n      Thread: { Messages: [{ Role: user, Content: Hello. }] }\n"
    assert [message for _, message in found(HEAD + hello + properties)] == [told]


def test_arguments_beside_properties_are_told_and_nothing_that_follows_from_it() -> None:
    text = HEAD + "    model: m\n    Thread: {}\n    Metadata: { a: b }\n"
    assert found(text) == [(6, "model: write it below Properties"), (7, "Thread: write it below Properties")]


def test_two_short_forms_in_a_row_are_told() -> None:
    with pytest.raises(TemplateError, match=r"YAML has no two tags in a row: write Fn::ImportValue: !Sub$"):
        parse_template(HEAD.replace("!ImportValue threadrun", '!ImportValue !Sub "${App}') + MODEL + HELLO)


def test_a_service_token_that_is_the_name_of_the_export_is_told() -> None:
    token = HEAD.replace("!ImportValue threadrun", "!Sub ${AWS::Region}")
    told = "ServiceToken: must be the ARN of the application's function: write `Fn::ImportValue: !Sub"
    [(_, message)] = found(token + MODEL + HELLO)
    assert message == f"{told} '${{AWS::Region}}-ServiceToken'`"
