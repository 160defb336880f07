"""Each template of docs/examples begins with the command that deploys it, and the examples' page lists them all."""

import re
import shlex
from pathlib import Path

import pytest

from testkit.template import template
from tests.documentation.snippets import bash
from tests.support.pages import ROOT, page_at, paths

PAGE = ROOT / "docs" / "examples" / "README.md"
EXAMPLES = paths("docs/examples/*.yaml")
SCRIPTS = {path: "\n".join(re.findall(r"^# {3}(.+)$", path.read_text(), re.MULTILINE)) for path in EXAMPLES}
"""The commands in the comment of each example."""


def deploy_commands(path: Path) -> list[list[str]]:
    lines = SCRIPTS[path].replace("\\\n", " ").splitlines()
    return [shlex.split(line) for line in lines if line.startswith("aws cloudformation deploy ")]


def option(command: list[str], name: str) -> str:
    return command[command.index(name) + 1] if name in command else ""


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_begins_with_the_command_that_deploys_it(path: Path) -> None:
    assert re.match(r"# [^\n]+\.\n#\n#   aws cloudformation deploy --stack-name ", path.read_text())
    assert not list(bash(SCRIPTS[path]))
    given = template(path)
    parameters = given.get("Parameters", {})
    has_roles = any(resource["Type"].startswith("AWS::IAM::") for resource in given["Resources"].values())
    for command in deploy_commands(path):
        assert ROOT / option(command, "--template-file") == path
        assert option(command, "--capabilities") == ("CAPABILITY_IAM" if has_roles else "")
        overrides = command[command.index("--parameter-overrides") + 1 :] if "--parameter-overrides" in command else []
        names = {each.partition("=")[0] for each in overrides}
        assert names <= set(parameters)
        assert {name for name, each in parameters.items() if "Default" not in each} <= names


def test_the_examples_are_stacks_of_their_own() -> None:
    """Otherwise the second one would change the first one's stack."""
    names = [{option(command, "--stack-name") for command in deploy_commands(path)} for path in EXAMPLES]
    assert [len(each) for each in names] == [1] * len(EXAMPLES)
    assert len(set.union(*names)) == len(EXAMPLES)


def test_an_example_needs_nothing_of_the_applications_but_its_export() -> None:
    """The reader has no ARN to look up and to hand over."""
    given = re.compile(r"^ +((?:ServiceToken|Fn::ImportValue):.*)$", re.MULTILINE)
    tokens = {each for path in EXAMPLES for each in given.findall(path.read_text())}
    assert tokens == {
        "ServiceToken: !ImportValue threadrun-ServiceToken",
        "ServiceToken:",
        "Fn::ImportValue: !Sub ${Application}-ServiceToken",
    }


def test_the_page_of_a_run_shows_what_is_hard_to_guess() -> None:
    text = "\n".join(block.text for block in page_at(ROOT / "docs" / "resources" / "threadrun.md").blocks)
    for name in ("additional_messages:", "type: mcp", "filters:", "extra_body:"):
        assert name in text


def test_the_page_lists_every_example() -> None:
    listed = [link.text for link in page_at(PAGE).links if link.text.endswith(".yaml")]
    assert sorted(listed) == [path.name for path in EXAMPLES]
