"""The examples that a reader deploys one after the other, of README.md and of docs/languages.md."""

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from samtranslator.yaml_helper import yaml_parse

from testkit import cdk
from tests.support.pages import ROOT, page_at, pages, paths

PAGE = ROOT / "docs" / "languages.md"
needs_the_cdk = pytest.mark.skipif(cdk.missing() is not None, reason=str(cdk.missing()))
NAMES = re.compile(r'--stack-name ([\w-]+)|Stack\(\w+, "([^"]+)"|^  name {10}= "([^"]+)"', re.MULTILINE)
SOURCES = {block.language: block.text for block in page_at(PAGE).blocks if block.language != "bash"}
TEMPLATES = [yaml_parse(block.text) for block in page_at(PAGE).blocks if block.language == "yaml"]


def examples() -> list[str]:
    """The sections of the page, without their titles."""
    return [section.partition("\n")[2].strip() for section in PAGE.read_text().split("\n## ")[1:]]


def test_each_example_begins_with_its_deploy_command() -> None:
    assert len(examples()) == 5
    for each in examples():
        fence, command, _ = each.split("\n", 2)
        assert fence == "```bash"
        assert re.search(r" (deploy|apply)\b", command)


def stacks(page: Path) -> list[set[str]]:
    """The names of the stacks in each section that has some."""
    found = [NAMES.findall(section) for section in page.read_text().split("\n## ")]
    return [{"".join(groups) for groups in each} for each in found if each]


def test_the_stacks_have_different_names() -> None:
    """Otherwise the second example would change the first one's stack, or be refused."""
    each = "answer-cloudformation", "answer-sam", "answer-cdk", "answer-cdk-typescript", "answer-terraform"
    assert stacks(PAGE) == [{name} for name in each]
    assert stacks(ROOT / "README.md")[:2] == [{"summary"}, {"summary-terraform"}]


def test_a_page_writes_nothing_into_the_clone() -> None:
    """State and provider would be in the way of the next `git pull`; terraform takes a module from beside it."""
    blocks = [block for page in pages() for block in page.blocks if block.language == "hcl"]
    sources = {source for block in blocks for source in re.findall(r'^ +source += "([^"]+)"', block.text, re.MULTILINE)}
    modules = {f"../threadrun/{path.parent.relative_to(ROOT)}" for path in paths("terraform/**/variables.tf")}
    assert sources - modules == {"hashicorp/aws"}
    assert len(sources) > 4


def test_a_token_in_terraform_is_the_applications_export() -> None:
    """Nobody has to look an ARN up, or takes one of an example for his own."""
    texts = [block.text for page in pages() for block in page.blocks if block.language == "hcl"]
    given = {token for text in texts for token in re.findall(r"^ +service_token += (.+)$", text, re.MULTILINE)}
    assert given == {"data.aws_cloudformation_export.service_token.value"}


def test_events_of_a_stack_fit_the_screen() -> None:
    [events] = [block.text for block in page_at(ROOT / "README.md").blocks if block.language == "text"]
    assert "CREATE_FAILED" in events
    assert max(map(len, events.splitlines())) <= 95


def luminance(colour: str) -> float:
    """By the definition of WCAG 2.2."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_the_picture_at_the_head_can_be_read_in_light_and_dark_and_aloud() -> None:
    assert "](docs/release_gate.svg)" in (ROOT / "README.md").read_text().partition("\n## ")[0]
    text = (ROOT / "docs" / "release_gate.svg").read_text()
    named = {part.tag.rpartition("}")[2]: part.text for part in ElementTree.fromstring(text)}
    assert named["title"]
    assert named["desc"]
    schemes = [dict(re.findall(r"--(\w+): (#\w{6})", line)) for line in text.splitlines() if "--page:" in line]
    assert len(schemes) == 2, "light and dark"
    for colours in schemes:
        card = luminance(colours["card"])
        for name in ("text", "more", "yes", "no"):
            darker, lighter = sorted((card, luminance(colours[name])))
            assert (lighter + 0.05) / (darker + 0.05) >= 4.5, name


@needs_the_cdk
def test_python_is_synthesised_to_the_template(tmp_path: Path) -> None:
    app = tmp_path / "app.py"
    app.write_text(SOURCES["python"])
    assert_is_the_example(cdk.synthesised(app, tmp_path)["answer-cdk"])


@needs_the_cdk
def test_typescript_is_synthesised_to_the_template(tmp_path: Path) -> None:
    imported = 'import * as cdk from "aws-cdk-lib";'
    assert imported in SOURCES["typescript"]
    app = tmp_path / "app.js"
    app.write_text(SOURCES["typescript"].replace(imported, 'const cdk = require("aws-cdk-lib");'))
    assert_is_the_example(cdk.synthesised(app, tmp_path)["answer-cdk-typescript"])


def assert_is_the_example(made: dict[str, Any]) -> None:
    """It has the run and the outputs of both templates."""
    made["Resources"]["Answer"] = {name: made["Resources"]["Answer"][name] for name in ("Type", "Properties")}
    for template in TEMPLATES:
        assert {name: made[name] for name in ("Resources", "Outputs")} == {
            name: template[name] for name in ("Resources", "Outputs")
        }
