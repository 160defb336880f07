"""cdk/: every argument and attribute of the constructs in a synthesised template, and what they refuse before that."""

import json
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import Field

from local.constructs import constructs
from local.deployment import ROOT
from local.modules.files import NUMBERS
from local.reference import ATTRIBUTES, TEXTS
from testkit.cdk import CONSTRUCTS, PYTHON, missing, synthesised
from tests.support.lock_files import groups
from tests.support.pages import page_at
from tests.support.values_of_models import Values
from threadrun.schema.arguments import RESOURCE_MODELS, DesiredRun
from threadrun.schema.desired import Rule
from threadrun.schema.parsing import parse_properties
from threadrun.schema.types import Boolean, Integer, Properties
from threadrun_cli.check import check_template
from threadrun_cli.template import parse_template

APP = Path(__file__).with_name("constructs_app.py")
needs_the_cdk = pytest.mark.skipif(missing() is not None, reason=str(missing()))
TOKEN = {"Fn::ImportValue": "threadrun-ServiceToken"}
ONE_OF = {
    "Custom::OpenAIThreadRun": ({"existing_thread_id", "additional_messages"}, {"thread"}),
    "Custom::OpenAIFile": (
        {"content", "content_base64"},
        {"content", "source", "source_version"},
        {"content_base64", "source", "source_version"},
    ),
}
"""What is left out of each resource, for its arguments not to conflict."""
HELLO = {"model": "m", "thread": {"messages": [{"role": "user", "content": "Hello."}]}}


def name_of(kind: str) -> str:
    return kind.removeprefix("Custom::OpenAI")


def every_argument() -> dict[str, tuple[str, dict[str, Any]]]:
    """Arguments of constructs by their ids: each argument of each type is in one of them, with all that it may have."""
    found = {}
    for kind, model in RESOURCE_MODELS.items():
        values = Values(model)
        for number, left_out in enumerate(ONE_OF.get(kind, (set[str](),))):
            given = {name: values.good(name) for name in values.schemas if name not in left_out}
            found[f"{name_of(kind)}{number}"] = (kind, json.loads(json.dumps(given)))
    return found


ASKED = every_argument()
SCHEMA = {"type": "object", "properties": {"count": {"type": "integer", "minimum": 3}}, "additionalProperties": False}
FORM = {"type": "json_schema", "json_schema": {"name": "a", "schema": SCHEMA, "strict": True}}
MORE: dict[str, tuple[str, dict[str, Any]]] = {
    "Policy": ("File", {"filename": "policy.md", "content": "Never on a Friday."}),
    "Policies": ("VectorStore", {"file_ids": [{"Attribute": ["Policy", "id"]}]}),
    "Expert": (
        "Assistant",
        {"model": "m", "service_timeout": 120, "removal_policy": "RETAIN", "application_stack_name": "other"},
    ),
    "Linked": (
        "ThreadRun",
        {
            "service_token": "arn:aws:lambda:us-east-1:123456789012:function:token",
            "assistant_id": {"Attribute": ["Expert", "id"]},
            "thread": {"messages": [{"role": "user", "content": {"Parameter": "String"}}]},
            "tools": [{"type": "file_search", "vector_store_ids": [{"Attribute": ["Policies", "id"]}]}],
            "triggers": {"policy": {"Attribute": ["Policy", "sha256"]}},
            "temperature": {"Parameter": "Number"},
            "accept_statuses": {"Parameter": "CommaDelimitedList"},
            "extra_body": {"count": 3, "file": {"Attribute": ["Policy", "id"]}},
            "response_format": FORM,
        },
    ),
}
REFUSED: dict[str, tuple[str, dict[str, Any], str]] = {
    "a misspelt key": (
        "ThreadRun",
        {"model": "m", "thread": {"messages": [{"role": "user", "contents": "Hello."}]}},
        "thread.messages[0].contents: unknown property, the nearest known one is content",
    ),
    "an unknown key": (
        "VectorStore",
        {"chunking_strategy": {"type": "static", "overlap": 3}},
        "chunking_strategy.overlap: unknown property, known here are type, static",
    ),
    "a key that is missing": (
        "Thread",
        {"messages": [{"content": "Hello."}]},
        "messages[0].role: is required",
    ),
    "a word that is none of the possible ones": (
        "ThreadRun",
        HELLO | {"truncation": "always"},
        "truncation: must be auto or disabled",
    ),
    "a map in place of a list": ("ThreadRun", HELLO | {"tools": {"type": "mcp"}}, "tools: must be a list"),
    "text in place of a list": ("VectorStore", {"file_ids": "file-1"}, "file_ids: must be a list"),
    "an id in place of a list of ids": (
        "VectorStore",
        {"file_ids": {"Attribute": ["Policy", "id"]}},
        "file_ids: must be a list",
    ),
    "text in place of a map": ("ThreadRun", HELLO | {"tools": ["mcp"]}, "tools[0]: must be a dictionary"),
    "a word for a number": ("ThreadRun", HELLO | {"temperature": "warm"}, "temperature: must be a number"),
    "a boolean for a number": ("ThreadRun", HELLO | {"max_retries": True}, "max_retries: must be a number"),
    "a word for a boolean": ("ThreadRun", HELLO | {"stream": "yes"}, "stream: must be true or false"),
    "a list for a schema": (
        "ThreadRun",
        HELLO | {"extra_body": [1]},
        "extra_body: must be a dictionary or text",
    ),
    "both kinds of thread": (
        "ThreadRun",
        HELLO | {"existing_thread_id": "conv_1"},
        "thread: conflicts with existing_thread_id: give one of the two",
    ),
    "a thread without messages": (
        "ThreadRun",
        {"model": "m", "thread": {"messages": []}},
        "thread: a thread with messages or an existing_thread_id is required",
    ),
    "two mistakes": ("ThreadRun", {"thread": {}, "stream": 1}, "stream: must be true or false; thread: a thread with"),
    "an unknown argument": (
        "ThreadRun",
        HELLO | {"modell": "m"},
        "ThreadRun.__init__() got an unexpected keyword argument 'modell'",
    ),
}


@dataclass(frozen=True)
class Synthesised:
    """What came of the app."""

    template: dict[str, Any]
    numbers: list[str]
    refusals: dict[str, str]

    def properties(self, name: str) -> dict[str, Any]:
        return dict(self.template["Resources"][name]["Properties"])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Synthesised:
    """All at once: most of the time is the CDK's start."""
    folder = tmp_path_factory.mktemp("cdk")
    asked = [(name_of(kind), name, given) for name, (kind, given) in ASKED.items()]
    asked += [(kind, name, given) for name, (kind, given) in MORE.items()]
    asked += [(kind, name.title().replace(" ", ""), given) for name, (kind, given, _) in REFUSED.items()]
    (folder / "asked.json").write_text(json.dumps(asked))
    template = synthesised(APP, folder)["stack"]
    return Synthesised(template, **json.loads((folder / "found.json").read_text()))


@needs_the_cdk
@pytest.mark.parametrize("name", ASKED)
def test_every_argument_is_in_the_template_as_the_application_takes_it(made: Synthesised, name: str) -> None:
    kind, given = ASKED[name]
    properties = made.properties(name)
    assert made.template["Resources"][name]["Type"] == kind
    assert properties.pop("ServiceToken") == TOKEN
    assert properties == given
    parse_properties(properties, RESOURCE_MODELS[kind])


def test_no_argument_is_left_out() -> None:
    for kind, model in RESOURCE_MODELS.items():
        given = {argument for each, arguments in ASKED.values() if each == kind for argument in arguments}
        assert given == set(Values(model).schemas)


@needs_the_cdk
def test_the_template_is_right_for_threadrun_validate(made: Synthesised) -> None:
    written = parse_template(json.dumps(made.template), is_json=True)
    assert written is not None
    assert [str(each) for each in check_template(written, "stack.template.json")] == []


@needs_the_cdk
def test_tokens_link_constructs_and_stay_in_json_text(made: Synthesised) -> None:
    assert made.properties("Policies")["file_ids"] == [{"Fn::GetAtt": ["Policy", "id"]}]
    properties = made.properties("Linked")
    assert properties["assistant_id"] == {"Fn::GetAtt": ["Expert", "id"]}
    [message] = properties["thread"]["messages"]
    assert message["content"] == {"Ref": "String"}
    assert properties["tools"][0]["vector_store_ids"] == [{"Fn::GetAtt": ["Policies", "id"]}]
    assert properties["triggers"] == {"policy": {"Fn::GetAtt": ["Policy", "sha256"]}}
    assert (properties["temperature"], properties["accept_statuses"]) == (
        {"Ref": "Number"},
        {"Ref": "CommaDelimitedList"},
    )
    parts = ['{"count":3,"file":"', {"Fn::GetAtt": ["Policy", "id"]}, '"}']
    assert properties["extra_body"] == {"Fn::Join": ["", parts]}


def test_no_description_says_of_maps_for_json_what_a_template_makes_of_them() -> None:
    texts = [" ".join(path.read_text().split()) for path in CONSTRUCTS.glob("threadrun_cdk/*.py")]
    assert sum(len(re.findall(r"taken exactly, or (as )?a map\.", text)) for text in texts) == 4
    assert not any("CloudFormation makes text" in text for text in texts)


@needs_the_cdk
def test_a_map_for_json_becomes_text_so_that_its_numbers_stay_numbers(made: Synthesised) -> None:
    form = made.properties("Linked")["response_format"]["json_schema"]
    assert json.loads(form["schema"]) == SCHEMA
    assert form["strict"] is True


@needs_the_cdk
def test_what_is_cloudformations_is_where_it_looks(made: Synthesised) -> None:
    expert, linked = (made.template["Resources"][name] for name in ("Expert", "Linked"))
    assert expert["Properties"]["ServiceToken"] == {"Fn::ImportValue": "other-ServiceToken"}
    assert expert["Properties"]["ServiceTimeout"] == "120"
    assert (expert["DeletionPolicy"], linked["DeletionPolicy"]) == ("Retain", "Delete")
    assert linked["Properties"]["ServiceToken"].endswith(":function:token")


@needs_the_cdk
@pytest.mark.parametrize("name", [*ASKED, "Linked"])
def test_every_attribute_is_a_token_of_its_type(made: Synthesised, name: str) -> None:
    kind = made.template["Resources"][name]["Type"]
    outputs = {key: each["Value"] for key, each in made.template["Outputs"].items()}
    assert outputs[f"{name}Ref"] == {"Ref": name}
    for attribute in ATTRIBUTES[kind]:
        if "<" in attribute:
            continue
        python = attribute.replace(".", "_")
        assert outputs[f"{name}{python.replace('_', '')}"] == {"Fn::GetAtt": [name, attribute]}
        is_number = attribute in NUMBERS[kind] or attribute.startswith("usage.")
        assert (f"{name_of(kind)}.{python}" in made.numbers) == is_number


@needs_the_cdk
@pytest.mark.parametrize("name", REFUSED)
def test_a_mistake_is_refused_when_the_app_runs(made: Synthesised, name: str) -> None:
    assert REFUSED[name][2] in made.refusals[name.title().replace(" ", "")]


@needs_the_cdk
def test_nothing_else_is_refused(made: Synthesised) -> None:
    assert len(made.refusals) == len(REFUSED)


WRONG = """
from aws_cdk import Stack
from threadrun_cdk import ThreadRun, ToolProperty

stack = Stack()
right: list[ToolProperty] = [{"type": "file_search", "max_num_results": 3}]
run = ThreadRun(stack, "Right", model="m", tools=right, thread={"messages": [{"role": "user", "content": "Hello."}]})
total: float = run.usage_total_tokens
text: str = run.output("verdict")
ThreadRun(stack, "A", temperature="warm")
ThreadRun(stack, "B", truncation="always")
ThreadRun(stack, "C", thread={"messages": [{"role": "user", "contents": "Hello."}]})
ThreadRun(stack, "D", modell="m")
run.output_txt
"""


@pytest.mark.skipif(not PYTHON.exists(), reason=str(missing()))
def test_mypy_names_what_is_wrong_in_an_app_and_nothing_in_that_of_the_readme(tmp_path: Path) -> None:
    [readme] = [block for block in page_at(CONSTRUCTS / "README.md").blocks if block.language == "python"]
    for name, text in (("app.py", WRONG), ("readme.py", readme.text)):
        (tmp_path / name).write_text(text)
    command = [sys.executable, "-m", "mypy", "--config-file", CONSTRUCTS / "pyproject.toml"]
    command += ["--python-executable", PYTHON, "--no-error-summary", tmp_path / "app.py", tmp_path / "readme.py"]
    run = subprocess.run(command, cwd=ROOT, env={"MYPYPATH": str(CONSTRUCTS)}, capture_output=True, text=True)
    told = {Path(line).name.partition(": error")[0] for line in run.stdout.splitlines() if ": error" in line}
    assert told == {f"app.py:{number}" for number in range(10, 15)}, run.stdout


class Search(Properties):
    most: Integer = Field(description="How many.")
    is_quick: Boolean | None = Field(None, description="Whether it ends early.")


class ExtendedRun(DesiredRun):
    rules = (*DesiredRun.rules, Rule("effort", "is for a search", ("!effort", "searches")))

    searches: tuple[Search, ...] | None = Field(None, description="What it searches for.")
    effort: Literal["low", "high"] | None = Field(None, description="How hard it thinks.")


def test_a_new_argument_and_a_new_attribute_are_in_the_construct_by_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    """As `make reference` writes them."""
    kind = "Custom::OpenAIThreadRun"
    attributes = TEXTS[kind]["attributes"] | {"usage.thoughts": "What it thought.", "mood": "How it was."}
    monkeypatch.setitem(RESOURCE_MODELS, kind, ExtendedRun)
    written = constructs(ROOT, TEXTS | {kind: TEXTS[kind] | {"attributes": attributes}})
    texts = {path.name: " ".join(text.split()) for path, text in written}
    run = texts["thread_run.py"]
    assert "searches: Sequence[SearchProperty] | None = None," in run
    assert 'effort: Literal["low", "high"] | None = None,' in run
    assert ":param effort: How hard it thinks. " in run
    assert 'Rule("effort", "is for a search", ("!effort", "searches")),' in run
    assert 'def usage_thoughts(self) -> float: """What it thought.""" return self._number("usage.thoughts")' in run
    assert 'def mood(self) -> str: """How it was.""" return self.get_att_string("mood")' in run
    found = 'class SearchProperty(TypedDict): """One of `searches`.""" most: float """How many.""" '
    assert found + 'is_quick: NotRequired[bool | IResolvable] """Whether it ends early."""' in texts["properties.py"]
    assert '"SearchProperty",' in texts["__init__.py"]


def test_the_package_asks_for_what_the_tests_have() -> None:
    """And its version is the application's."""
    project = tomllib.loads((CONSTRUCTS / "pyproject.toml").read_text())["project"]
    assert project["dependencies"] == groups()["cdk"]
    assert (CONSTRUCTS / "threadrun_cdk" / "py.typed").exists()
