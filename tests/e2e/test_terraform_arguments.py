"""The Terraform modules take and refuse what the models do, at plan time and by name: the values are made of those."""

import json
import re
from collections import defaultdict
from collections.abc import Mapping
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest
import yaml

from local.modules.files import MODULES, Module
from tests.e2e.terraform import Terraform
from tests.support.values_of_models import LEAST, Values
from threadrun.errors import InvalidProperties
from threadrun.schema.arguments import RESOURCE_MODELS
from threadrun.schema.parsing import parse_properties

STACK = {"name": "stack", "service_token": "arn:aws:lambda:us-east-1:123456789012:function:thread-run"}
SKIPPED = ("skip_credentials_validation", "skip_metadata_api_check", "skip_requesting_account_id")
PROVIDER = {"region": "us-east-1", "access_key": "none", "secret_key": "none", **dict.fromkeys(SKIPPED, True)}
LATER = 'resource "terraform_data" "later" {}\n'
"""Its id is not known before the apply."""
SAID = {"Invalid value for variable", "Invalid value for input variable"}
"""The errors that name an argument; another one would be an error in the module."""
CONFLICTING = {"existing_thread_id", "additional_messages", "content_base64", "source", "source_version"}
"""What cannot be given with everything else."""


RULES: dict[str, tuple[dict[str, Any], str]] = {
    "stack_name": ({"name": "my_stack"}, "name must start with a letter"),
    "no_arn": ({"service_token": "thread-run"}, "service_token must be an ARN."),
    "too_long": ({"service_timeout": 3601}, "service_timeout must be a whole number from 60 to 3600."),
    "too_short": ({"service_timeout": 59}, "service_timeout must be a whole number from 60 to 3600."),
    "on_failure": ({"on_failure": "KEEP"}, "on_failure must be ROLLBACK, DELETE or DO_NOTHING."),
    "output_key": ({"output_keys": [""]}, "output_keys must not have an empty key."),
    "function_of_cloudformation": ({"metadata": {"Ref": "x"}}, "metadata must not have a key Ref"),
    "another_one": ({"triggers": {"Fn::Sub": "x"}}, "triggers must not have a key Ref"),
    "in_a_message": (
        {"thread": {"messages": [{"role": "user", "content": "Hi.", "metadata": {"Fn::Sub": "x"}}]}},
        "thread.messages[*].metadata must not have a key Ref",
    ),
    "null_in_triggers": ({"triggers": {"a": None}}, "triggers must be a map of text without null."),
}
"""What is the modules' own: of a stack, and of CloudFormation's functions."""
IN_HCL = {
    "later": """
  thread = { messages = [{ role = "user", content = terraform_data.later.id, atachments = [] }] }
  tools = [{ type = "function", function = { name = terraform_data.later.id, handler = "x" } }]""",
    "secret": """
  thread = { messages = [{ role = "user", content = sensitive("The secret."), atachments = [] }] }
  tools = sensitive([{ type = "function", function = { name = "f", handler = "x" } }])""",
}
"""Unknown keys beside values that are not known yet, or not to be shown."""
SPELLINGS = """
  temperature = "0.7"
  thread      = { messages = toset([{ role = "user", content = 5, attachments = null, metadata = { P = 1 } }]) }
  tools = [
    { type = "file_search", vector_store_ids = toset(["vs_2", "vs_1"]), function = null },
    {
      type     = "function"
      function = { name = "f", strict = "true", parameters = { type = "object", minProperties = 1 } }
    },
  ]"""


class Calls(Terraform):
    """A configuration that calls the modules, each call in a file of its own."""

    def add(self, name: str, arguments: Mapping[str, Any], folder: str = ".") -> None:
        call = {"source": f"./{Path('terraform') / folder}", **STACK, **arguments}
        self.write(f"{name}.tf.json", {"module": {name: call}})

    def add_in_hcl(self, name: str, arguments: str) -> None:
        fixed = {"source": "./terraform", **STACK, "model": "m"}
        lines = "".join(f'  {key} = "{value}"\n' for key, value in fixed.items())
        self.write(f"{name}.tf", f'module "{name}" {{\n{lines}{arguments}\n}}\n')

    def problems(self) -> dict[str, list[str]]:
        """What a plan says of each call."""
        found = defaultdict(list)
        for line in self._plan(status=1).splitlines():
            if error := json.loads(line).get("diagnostic"):
                assert error["summary"] in SAID, error
                found[error["range"]["filename"].partition(".")[0]].append(error["detail"])
        return found

    def properties(self) -> dict[str, dict[str, Any]]:
        """What a plan has for the resource of each call."""
        self._plan("-out=plan", status=0)
        planned = json.loads(self.run("show", "-json", "plan"))["planned_values"]["root_module"]
        found = {}
        for each in planned["child_modules"]:
            body = yaml.safe_load(each["resources"][0]["values"]["template_body"])
            found[each["address"].partition(".")[2]] = next(iter(body["Resources"].values()))["Properties"]
        return found

    def _plan(self, *options: str, status: int) -> str:
        self.write("provider.tf.json", {"provider": {"aws": PROVIDER}})
        self.write("resource.tf", LATER)
        self.init()
        return self.run("plan", "-json", *options, status=status)


def label(module: Module) -> str:
    return module.kind.removeprefix("Custom::OpenAI").lower()


def bad_calls(module: Module) -> list[dict[str, tuple[str, Any]]]:
    """One bad value for every argument at once, as each is checked on its own: by argument, its place and itself."""
    values = Values(RESOURCE_MODELS[module.kind])
    names = [name for name in values.schemas if name not in module.left_out]
    rows = zip_longest(*(list(values.bad(name)) for name in names))
    return [{name: bad for name, bad in zip(names, row, strict=True) if bad} for row in rows]


def variables(module: Module, given: Mapping[str, Any]) -> dict[str, Any]:
    return {module.renamed.get(name, name): value for name, value in given.items()}


@pytest.fixture(scope="module")
def refused(tmp_path_factory: pytest.TempPathFactory, provider: dict[str, str]) -> dict[str, list[str]]:
    calls = Calls(tmp_path_factory.mktemp("refused"), provider)
    for module in MODULES:
        for number, bad in enumerate(bad_calls(module)):
            given = LEAST[module.kind] | {name: value for name, (_, value) in bad.items()}
            calls.add(f"{label(module)}{number}", variables(module, given), module.folder)
    for name, (arguments, _) in RULES.items():
        calls.add(name, LEAST["Custom::OpenAIThreadRun"] | arguments)
    for name, text in IN_HCL.items():
        calls.add_in_hcl(name, text)
    return calls.problems()


@pytest.mark.parametrize("name", RULES)
def test_a_plan_names_the_problem(refused: dict[str, list[str]], name: str) -> None:
    [problem] = refused[name]
    assert problem.startswith(RULES[name][1])


@pytest.mark.parametrize("name", IN_HCL)
def test_an_unknown_key_is_named_beside_what_is_not_known_or_not_shown(
    refused: dict[str, list[str]], name: str
) -> None:
    assert sorted(problem.partition("\n")[0] for problem in refused[name]) == [
        'thread.messages[0]: unknown key "atachments"; known are role, content, attachments, metadata.',
        'tools[0].function: unknown key "handler"; known are name, description, parameters, strict, handler_arn.',
    ]


@pytest.mark.parametrize("module", MODULES, ids=label)
def test_whatever_a_model_refuses_is_refused_by_a_plan(refused: dict[str, list[str]], module: Module) -> None:
    accepted = []
    for number, bad in enumerate(bad_calls(module)):
        said = [re.sub(r"\[\d+\]", "[*]", problem) for problem in refused[f"{label(module)}{number}"]]
        for name, (place, value) in bad.items():
            with pytest.raises(InvalidProperties):
                parse_properties(LEAST[module.kind] | {name: value}, RESOURCE_MODELS[module.kind])
            variable = module.renamed.get(name, name)
            of_type = f"module.{label(module)}{number}.var.{variable} "
            at_place = variable + place.removeprefix(name)
            if not any(problem.startswith(at_place) or of_type in problem for problem in said):
                accepted.append((place, value))
    assert accepted == []


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory, provider: dict[str, str]) -> dict[str, dict[str, Any]]:
    calls = Calls(tmp_path_factory.mktemp("planned"), provider)
    for module in MODULES:
        for name, given in good_calls(module).items():
            calls.add(name, variables(module, given), module.folder)
    calls.add_in_hcl("spellings", SPELLINGS)
    return calls.properties()


def good_calls(module: Module) -> dict[str, dict[str, Any]]:
    """What must be given, everything that can be, and everything at its upper limit."""
    values = Values(RESOURCE_MODELS[module.kind])
    names = [name for name in values.schemas if name not in module.left_out]
    full = {name: values.good(name) for name in names if name not in CONFLICTING}
    longest = {name: limit for name in names if (limit := values.longest(name)) is not None}
    if "existing_thread_id" in names:
        longest |= {name: values.good(name) for name in ("existing_thread_id", "additional_messages")}
    if "source" in names:
        longest |= {name: values.good(name) for name in ("source", "source_version")}
    if "model" in names:
        longest["model"] = values.good("model")
    calls = {"least": LEAST[module.kind], "full": full, "longest": longest}
    return {f"{label(module)}_{name}": given for name, given in calls.items()}


@pytest.mark.parametrize("module", MODULES, ids=label)
def test_every_argument_reaches_the_resource_as_it_was_given(
    planned: dict[str, dict[str, Any]], module: Module
) -> None:
    for name, given in good_calls(module).items():
        expected = {"ServiceToken": STACK["service_token"], "ServiceTimeout": 3600, **given}
        assert planned[name] == expected
        parse_properties(given, RESOURCE_MODELS[module.kind])


def test_values_come_in_the_types_of_the_arguments(planned: dict[str, dict[str, Any]]) -> None:
    found = planned["spellings"]
    assert found["temperature"] == 0.7
    assert found["thread"] == {"messages": [{"role": "user", "content": "5", "metadata": {"P": "1"}}]}
    search, function = found["tools"]
    assert search == {"type": "file_search", "vector_store_ids": ["vs_1", "vs_2"]}
    assert function["function"].pop("parameters") == '{"minProperties":1,"type":"object"}', "its numbers stay numbers"
    assert function == {"type": "function", "function": {"name": "f", "strict": True}}
