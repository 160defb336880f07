"""`threadrun validate`: the mistakes of new users in each kind of template, what is not known yet, and the formats."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from tests.support.stringified import stringified
from tests.support.templates import HEAD, HELLO, found
from threadrun.errors import InvalidProperties
from threadrun.schema.parsing import RESERVED, model_of, parse_properties
from threadrun_cli.commands import app
from threadrun_cli.json_words import in_json
from threadrun_cli.template import Node, TemplateError, parse_template

MISTAKES: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("mistakes.yaml").read_text())
SAM = """Transform: AWS::Serverless-2016-10-31
Globals: { Function: { Runtime: python3.13, Timeout: 3 } }
"""


def declared(text: str) -> str:
    """The text with a parameter, of which nothing is known, for each name that it refers to and does not have."""
    names = re.findall(r"(?:!Ref |!GetAtt |\$\{)([A-Z]\w+|[A-Z])\b(?!::)", text)
    made = [
        f"  {name}: {{ Type: AWS::SSM::Parameter::Value<CommaDelimitedList> }}\n"
        for name in sorted(set(names))
        if f"\n  {name}:" not in text
    ]
    whole = text if "\nParameters:" in text else f"{text}Parameters:\n"
    head, _, rest = whole.partition("\nParameters:\n")
    return f"{head}\nParameters:\n{''.join(made)}{rest}" if rest or "\nParameters:\n" in whole else text


def data(node: Node) -> Any:
    """What the AWS CDK would write."""
    if isinstance(node.value, dict):
        return {name: data(each) for name, each in node.items()}
    if isinstance(node.value, list):
        return [data(each) for each in node.value]
    return node.value == "true" if node.is_boolean else node.value


def expected(mistake: dict[str, Any]) -> list[tuple[int, str]]:
    return [(each["line"], each["message"]) for each in mistake.get("says", []) + mistake.get("warns", [])]


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda each: each["mistake"])
@pytest.mark.parametrize("head", ["", SAM], ids=["CloudFormation", "SAM"])
def test_a_mistake_is_named_at_its_line(mistake: dict[str, Any], head: str) -> None:
    told = found(head + mistake["template"])
    assert [line - head.count("\n") for line, _ in told] == [line for line, _ in expected(mistake)], told
    for (_, message), (_, begins) in zip(told, expected(mistake), strict=True):
        assert message.startswith(begins)


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda each: each["mistake"])
def test_a_mistake_is_named_in_what_the_cdk_writes(mistake: dict[str, Any]) -> None:
    template = parse_template(mistake["template"])
    written = data(template)
    written["Resources"]["R"]["Metadata"] = {"aws:cdk:path": "Stack/R/Default"}
    told = sorted(message for _, message in found(json.dumps(written, indent=1), is_json=True))
    for message, begins in zip(told, sorted(in_json(begins) for _, begins in expected(mistake)), strict=True):
        assert message.startswith(begins)


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda each: each["mistake"])
def test_what_is_said_of_properties_is_what_the_deployment_says(mistake: dict[str, Any]) -> None:
    template = parse_template(mistake["template"])
    resource = data(template)["Resources"]["R"]
    if resource["Type"] != "Custom::OpenAIThreadRun":
        return
    try:
        parse_properties(stringified(resource["Properties"]), model_of(resource["Type"]), None)
        problems = []
    except InvalidProperties as refusal:
        problems = refusal.problems
    others = ("has no attribute", "ServiceToken:")
    said = [each["message"] for each in mistake.get("says", []) if not each["message"].startswith(others)]
    for problem, begins in zip(sorted(problems), sorted(said), strict=True):
        assert problem.startswith(begins)
    assert "ServiceToken" in RESERVED


def test_each_mistake_says_something_or_why_nothing_can_be_said() -> None:
    assert len(MISTAKES) == 60
    assert [each["mistake"] for each in MISTAKES if len({"says", "warns", "left"} & set(each)) != 1] == []


UNKNOWN = {
    "each kind of value": """
      model: !Ref Model
      temperature: !Ref Warmth
      stream: !FindInMap [A, B, C]
      max_completion_tokens: !GetAtt Other.Tokens
      metadata: !GetAtt Other.Pairs
      timeout_seconds: !Sub "${Seconds}"
      accept_statuses: [!Ref Status]
      existing_thread_id: !Sub "{{resolve:ssm:/thread}}"
      tools:
        - type: function
          function: { name: !Ref Name, handler_arn: !GetAtt Handler.Arn, parameters: { minimum: !Ref Least } }
        - { type: !Ref Kind, function: { name: f } }
""",
    "a whole list": "\n      model: m\n      thread: { messages: !Ref Messages }\n",
    "in a list": "\n      model: m\n      thread: { messages: [!Ref Message] }\n",
    "a whole schema": """
      model: m
      thread: { messages: [{ role: user, content: !Join ["", [a, !Ref B]] }] }
      response_format: { type: json_schema, json_schema: { name: a, schema: !Sub '{"const": ${Value}}' } }
""",
    "of a loop": "\n      model: m\n      thread:\n        Fn::ForEach::Each: [A, [b], { messages: [] }]\n",
    "what is left out": """
      model: m
      existing_thread_id: !If [Has, conv_1, !Ref AWS::NoValue]
      thread: !If [Has, !Ref AWS::NoValue, { messages: [{ role: user, content: Hi }] }]
Conditions:
  Has: !Equals [!Ref Id, ""]
""",
    "conditions that exclude each other": """
      model: m
      existing_thread_id: !If [IsOld, conv_1, !Ref AWS::NoValue]
      thread: !If [IsNew, { messages: [{ role: user, content: Hi }] }, !Ref AWS::NoValue]
Parameters:
  Kind: { Type: String, AllowedValues: [old, new] }
Conditions:
  IsOld: !Equals [!Ref Kind, old]
  IsNew: !And [!Equals [new, !Ref Kind], !Not [!Condition IsOld]]
""",
}


@pytest.mark.parametrize("properties", UNKNOWN.values(), ids=UNKNOWN)
def test_what_is_not_known_yet_is_no_mistake(properties: str) -> None:
    assert found(declared(HEAD + properties)) == []


BESIDE_UNKNOWN = {
    "a mistake beside it": (
        "      model: !Ref Model\n      temperature: 3\n" + HELLO,
        [(7, "temperature: must be at most 2 (it is '3')")],
    ),
    "a mistake in one branch": (
        "      model: !If [Is, m, '']\n" + HELLO + 'Conditions: { Is: !Equals [!Ref A, ""] }\n',
        [(6, "model: must not be empty")],
    ),
    "a parameter's default": (
        "      model: m\n      temperature: !Ref T\n" + HELLO + "Parameters: { T: { Type: Number, Default: 3 } }\n",
        [(7, "temperature: must be at most 2 (it is '3')")],
    ),
    "text without a placeholder": (
        '      model: !Sub ""\n' + HELLO,
        [(6, "model: must not be empty")],
    ),
    "a tool whose function is known in part": (
        "      model: m\n      tools: [{ type: retrieval, function: { name: f, handler_arn: !GetAtt F.Arn } }]\n"
        + HELLO,
        [(7, "tools[0]: function is possible for type function only")],
    ),
    "no value": (
        "      model:\n" + HELLO,
        [
            (6, "model: is null, which no template may have: give it a value, or leave it out"),
            (6, "model: is required where there is no assistant_id to take it from"),
        ],
    ),
    "a condition that never makes it": (
        "      model: m\n    Condition: Never\nConditions: { Never: !Equals [a, b] }\n",
        [],
    ),
}


@pytest.mark.parametrize(("properties", "told"), BESIDE_UNKNOWN.values(), ids=BESIDE_UNKNOWN)
def test_what_is_known_is_checked(properties: str, told: list[tuple[int, str]]) -> None:
    assert found(declared(HEAD + properties)) == told


ATTRIBUTES = {
    "!GetAtt R.output_text": None,
    "!GetAtt R.usage.total_tokens": None,
    "!GetAtt Other.OutputText": None,
    "!GetAtt R.outputText": "has no attribute outputText: the nearest is output_text",
    '!Sub "${R.statuses} and ${!R.no}"': "has no attribute statuses: the nearest is status",
    '!Sub ["${R.status} ${R.idd}", {}]': "has no attribute idd: the nearest is id",
    "{ 'Fn::GetAtt': [R, answer] }": "has no attribute answer: known are id, thread_id",
    "!GetAtt R.output.verdict": None,
    "!GetAtt R.output.verdit": "may have no attribute output.verdit: its schema has verdict",
}


@pytest.mark.parametrize(("function", "told"), ATTRIBUTES.items(), ids=ATTRIBUTES)
def test_an_attribute_that_does_not_exist_is_named(function: str, told: str | None) -> None:
    schema = "{ type: object, properties: { verdict: { type: string } } }"
    form = f"      response_format: {{ type: json_schema, json_schema: {{ name: a, schema: {schema} }} }}\n"
    text = f"{HEAD}      model: m\n{form}{HELLO}Outputs:\n  A: {{ Value: {function} }}\n"
    assert [message.startswith(told or "") for _, message in found(text)] == ([True] if told else [])


def test_a_custom_resource_without_a_type_is_told_to_set_one() -> None:
    text = HEAD.replace("Custom::OpenAIThreadRun", "AWS::CloudFormation::CustomResource")
    [(line, message)] = found(text)
    what = "unknown resource type AWS::CloudFormation::CustomResource"
    assert (line, message.partition(" to one of ")[0]) == (3, f"{what}: set Type (resourceType in the AWS CDK)")


def test_custom_resources_of_others_are_left_alone() -> None:
    other = HEAD.replace("Custom::OpenAIThreadRun", "Custom::Other").replace("!ImportValue threadrun-", "!GetAtt F.")
    assert found(other) == []


def test_json_has_tabs_and_escaped_emojis() -> None:
    run = {
        "Type": "Custom::OpenAIThreadRun",
        "Properties": {"ServiceToken": "t", "model": "\U0001f600", "modell": "\\ud83d"},
    }
    told = found(json.dumps({"Resources": {"R": run}}, indent="\t").replace('"model"', '"model\\/"', 1), is_json=True)
    assert "modell: unknown property, the nearest known one is model" in [message for _, message in told]


@pytest.mark.parametrize(
    ("text", "status", "told"),
    [
        (HEAD + "      model: m\n" + HELLO, 0, ""),
        (HEAD + "      model: m\n      modell: m\n" + HELLO, 1, "t.yaml:7:7: error: R: modell: unknown property"),
        ("Resources: [\n", 2, "t.yaml:2:1: error: is not valid YAML"),
        ("Resources: &a { b: *a }", 2, "t.yaml:1:"),
        ("kind: Pod\n---\nkind: Pod\n", 2, "t.yaml:3:1: error: is a second document, and a template has one"),
        ("", 2, "t.yaml:1:1: error: is empty: is this a template of CloudFormation?"),
        ("Outputs: {}\n", 2, "t.yaml:1:1: error: no Resources: is this a template of CloudFormation?"),
        ('resource "a" "b" {}\n', 2, "t.yaml:1:"),
        ("A: 1\nresources: {}\n", 2, "t.yaml:2:1: error: resources: write it as Resources"),
        ("Resources:\n  - Type: A\n", 2, "t.yaml:2:3: error: Resources: must be a map: begin each resource with"),
        ("Resources: {}\nResources: {}\n", 2, "t.yaml:2:1: error: Resources: is written twice, first in line 1"),
        ("A: &a {}\nResources:\n  <<: *a\n", 2, "t.yaml:3:3: error: CloudFormation has no merge keys (<<)"),
        ("Transform: AWS::Serverless-2016-10-31\nA: &a {}\nResources:\n  <<: *a\n", 0, ""),
        ("Resources:\n  R: { a: b: c }\n", 2, "t.yaml:2:12: error: is not valid YAML"),
        ("Resources: @a\n", 2, "t.yaml:1:12: error: is not valid YAML: found character that cannot start any token"),
    ],
)
def test_the_exit_status_says_whether_something_is_wrong(tmp_path: Path, text: str, status: int, told: str) -> None:
    file = tmp_path / "t.yaml"
    file.write_text(text)
    result = CliRunner().invoke(app, ["validate", str(file)])
    assert result.exit_code == status, result.output
    assert result.stdout.replace(f"{tmp_path}/", "").startswith(told)


def test_a_folder_stands_for_the_templates_that_the_cdk_wrote_to_it(tmp_path: Path) -> None:
    assert CliRunner().invoke(app, ["validate", str(tmp_path)]).exit_code == 2
    (tmp_path / "A.template.json").write_text('{"Resources": {}}')
    assert CliRunner().invoke(app, ["validate", str(tmp_path)]).exit_code == 0


def test_warnings_count_where_one_is_strict(tmp_path: Path) -> None:
    file = tmp_path / "t.yaml"
    file.write_text(HEAD + "      model: m\n      reason_key: a\n" + HELLO)
    assert [CliRunner().invoke(app, ["validate", *more, str(file)]).exit_code for more in ([], ["--strict"])] == [0, 1]


def test_json_and_sarif_have_the_place_of_each_finding(tmp_path: Path) -> None:
    file = tmp_path / "t.yaml"
    file.write_text(HEAD + "      model: m\n      modell: m\n" + HELLO)
    [finding] = json.loads(CliRunner().invoke(app, ["validate", "--format", "json", str(file)]).stdout)
    assert (finding["line"], finding["column"], finding["resource"], finding["rule"]) == (7, 7, "R", "properties")
    log = json.loads(CliRunner().invoke(app, ["validate", "--format", "sarif", str(file)]).stdout)
    [run] = log["runs"]
    [result] = run["results"]
    assert result["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": str(file)},
        "region": {"startLine": 7, "startColumn": 7},
    }
    assert {result["ruleId"]} <= {rule["id"] for rule in run["tool"]["driver"]["rules"]}


@pytest.mark.parametrize(
    "properties",
    [
        "{ Fn::If: [Here, { ServiceToken: !ImportValue threadrun-ServiceToken }, !Ref AWS::NoValue] }",
        "{ Fn::Transform: { Name: AWS::Include, Parameters: { Location: s3://bucket/key } } }",
    ],
)
def test_a_function_may_bring_the_service_token(properties: str) -> None:
    text = f"Resources:\n  R:\n    Type: Custom::OpenAIThreadRun\n    Properties: {properties}\n"
    assert not [message for _, message in found(text) if message.startswith("ServiceToken")]


def test_aliases_of_aliases_are_refused_at_once() -> None:
    levels = "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}, *a{n - 1}]\n" for n in range(1, 30))
    with pytest.raises(TemplateError, match="more than 1,000,000 values with its aliases written out"):
        parse_template(f"a0: &a0 [x]\n{levels}{HEAD}      messages: *a29\n")


def test_a_folder_without_templates_is_named(tmp_path: Path) -> None:
    asked = CliRunner().invoke(app, ["validate", str(tmp_path), "--format", "json"])
    assert asked.exit_code == 2
    [finding] = json.loads(asked.stdout)
    assert finding["file"] == str(tmp_path)
    assert "folder without *.template.json" in finding["message"]


@pytest.mark.parametrize("text", ["[" * 100_000, "- " * 100_000], ids=["flow", "block"])
def test_what_is_nested_too_deep_is_refused_and_does_not_end_the_process(text: str) -> None:
    with pytest.raises(TemplateError, match="nested too deep"):
        parse_template(text)


@pytest.mark.parametrize(
    "rest",
    [
        "Outputs: { O: { Value: !GetAtt { R: b } }, P: { Value: !Sub [[x]] } }",
        "Conditions: { C: !Not [] }",
        "Conditions: { C: !Equals [] }",
        "Conditions: [C]",
    ],
)
def test_functions_of_a_wrong_form_are_left_to_cloudformation(rest: str) -> None:
    assert found(f"{HEAD}      model: !If [C, gpt-5.4-mini, gpt-5.4]\n{HELLO}{rest}\n") == []


def test_sarif_has_the_path_as_an_address(tmp_path: Path) -> None:
    template = tmp_path / "a b#.yaml"
    template.write_text(HEAD + "      modell: gpt-5.4-mini\n" + HELLO)
    asked = CliRunner().invoke(app, ["validate", str(template), "--format", "sarif"])
    assert f"{tmp_path.as_posix()}/a%20b%23.yaml" in asked.stdout
