"""Every code block of the documentation is what it says it is: it is parsed, validated or run by its language."""

import re
import textwrap
from pathlib import Path

import pytest

from local.terraform import TERRAFORM
from tests.documentation import hcl
from tests.documentation.snippets import CHECKS, make_problems, yaml_problems
from tests.support.pages import ROOT, Block, pages, paths, read

PLAIN = {
    "README.md": "events of a stack, as the demo shows them",
    "docs/events.md": "a query of CloudWatch Logs Insights",
}
"""Pages with a block that nothing can check, in the language `text`, and what it is."""

needs_terraform = pytest.mark.skipif(TERRAFORM is None, reason="terraform is not installed")
BLOCKS = [block for page in pages() for block in page.blocks]
EXAMPLES = paths("docs/examples/*.yaml")
MAKE_IN_PROSE = [span for page in pages() for span in page.spans if re.match(r"make [a-z]", span.text)]


def problems(block: Block) -> list[str]:
    if block.language == "text":
        page = str(block.path.relative_to(ROOT))
        return [] if page in PLAIN else [f"{block.place}: a block of text is not in PLAIN"]
    if block.language not in CHECKS:
        return [f"{block.place}: nothing checks the language {block.language!r}"]
    return [f"{block.place}: {problem}" for problem in CHECKS[block.language](block.text)]


@pytest.mark.parametrize("block", [each for each in BLOCKS if each.language != "hcl"], ids=lambda block: block.place)
def test_a_block_is_right(block: Block) -> None:
    assert not problems(block)


@needs_terraform
def test_every_block_of_hcl_fits_the_modules(tmp_path: Path) -> None:
    found = [block for block in BLOCKS if block.language == "hcl"]
    assert found
    assert not hcl.problems(found, tmp_path)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_has_properties_and_attributes_that_there_are(path: Path) -> None:
    assert not list(yaml_problems(path.read_text()))


def test_every_target_of_make_that_the_prose_names_is_there() -> None:
    assert len(MAKE_IN_PROSE) > 10, "the names were not found"
    wrong = [(span, problem) for span in MAKE_IN_PROSE for problem in make_problems(span.text.split()[1:])]
    assert not [f"{span.place}: {problem}" for span, problem in wrong]


CDK = '  resourceType: "Custom::OpenAIThreadRun",\n  properties: {\n    model: "x", existing_thread_id: "x",\n  },\n'
RUN = "Run:\n  Type: Custom::OpenAIThreadRun\n  Properties:\n    ServiceToken: x\n    existing_thread_id: x\n"


@pytest.mark.parametrize(
    ("language", "text", "problem"),
    [
        ("", "anything", "nothing checks the language ''"),
        ("cobol", "anything", "nothing checks the language 'cobol'"),
        ("text", "anything", "is not in PLAIN"),
        ("bash", "if true", "syntax error"),
        ("bash", "make sandwich", "the Makefile has no target sandwich"),
        ("bash", "make check VERBOSITY=1", "the Makefile has no variable VERBOSITY"),
        ("bash", "export A=<an id>; frobnicate --all", "frobnicate is not one of the TOOLS"),
        ("bash", "threadrun judge a.yaml", "threadrun has no command judge"),
        ("yaml", "repos: [{ repo: a, hooks: [{ id: nobody }] }]", "no hook is nobody"),
        ("bash", "sam deploy --parameter-overrides OpenAIProvidr=x", "template.yaml has no parameter OpenAIProvidr"),
        ("yaml", "a: [", "is not YAML"),
        ("yaml", "- a", "is neither a template nor a part of one"),
        ("yaml", f"{RUN}    temprature: 1", "temprature: unknown property"),
        ("yaml", f"{RUN}    model: x\n    temperature: 3", "temperature: must be at most 2"),
        ("yaml", f"{RUN}    model: gpt-5.4\n    temperature: 0.7", "Run: gpt-5.4 takes no temperature"),
        ("yaml", RUN.replace("ServiceToken: x", "model: x"), "Run: has no ServiceToken"),
        ("yaml", RUN.replace("ThreadRun", "ThreadRuns"), "there is no Custom::OpenAIThreadRuns"),
        ("yaml", f"{RUN}    model: x\nB:\n  Type: A\n  P: !GetAtt Run.txt", "asks for Run.txt, which Custom::OpenAI"),
        ("yaml", f"{RUN}    model: x\nB:\n  Type: A\n  P: !Sub '${{Run.txt}}'", "asks for Run.txt, which Custom::"),
        (
            "yaml",
            f"Resources:\n{textwrap.indent(RUN, '  ')}      model: x\nOutputs:\n  A: {{ Value: !GetAtt Rum.id }}",
            "asks for Rum.id, and there is no Rum",
        ),
        ("yaml", "tools:\n  - type: telepathy", "is no part of any resource"),
        ("yaml", "max_tool_rounds: 0", "is no part of any resource"),
        ("json", "{", "is not JSON"),
        ("json", '{"detail-type": "x", "detail": {}}', "is not as events.schema.json says"),
        ("python", "def", "is not Python"),
        ("python", "import math\nmath.sqrt(-1)", "fails: ValueError"),
        ("typescript", "const a = 1;", "has no resourceType, or no properties"),
        ("typescript", CDK.replace("model", "modell"), "modell: unknown property"),
        ("typescript", CDK.replace("ThreadRun", "ThreadRuns"), "there is no Custom::OpenAIThreadRuns"),
        ("mermaid", "flowhcart LR", "is not one of the DIAGRAMS"),
        ("mermaid", "flowchart LR\n  A[x", "a [ or ] is missing"),
    ],
)
def test_a_wrong_block_is_found(language: str, text: str, problem: str) -> None:
    [block] = read(ROOT / "SECURITY.md", f"```{language}\n{text}\n```\n").blocks
    found = problems(block)
    assert any(each.startswith("SECURITY.md:2: ") and problem in each for each in found), found


def test_code_that_is_only_indented_has_no_language() -> None:
    [block] = read(ROOT / "README.md", "a\n\n    make check\n").blocks
    assert problems(block) == ["README.md:3: nothing checks the language ''"]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("yaml", "max_tool_rounds: 3"),
        ("yaml", "tools: [{ type: retrieval }]"),
        ("yaml", "Thread: { Messages: [{ Role: user, Content: Hello. }] }"),
        ("python", "import boto3\nraise SystemExit(1)"),
    ],
)
def test_a_part_of_a_resource_is_enough_and_what_needs_more_than_python_is_not_run(language: str, text: str) -> None:
    assert not list(CHECKS[language](text))


@needs_terraform
@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("temprature = 1", 6, "Unsupported argument"),
        ('model = "x"\nservice_timeout = 0', 7, "Invalid value for variable"),
        ('model = "x"\ntools = [{ type = "function", function = {} }]', 7, "Invalid value for"),
        ("model = ", 6, "Invalid expression"),
        ('module "a" {\n  source = "./terraform/nobody"\n}', 6, "there is no module ./terraform/nobody"),
        ('provider "aws" {\n  region = \n}', 7, "Invalid expression"),
        ('output "a" {\n  value = module.b.id\n}', 7, "Reference to undeclared module"),
    ],
)
def test_a_wrong_block_of_hcl_is_found(tmp_path: Path, text: str, line: int, problem: str) -> None:
    page = read(ROOT / "README.md", f"# Title\n\nText.\n\n```hcl\n{text}\n```\n")
    [found, *_] = hcl.problems(page.blocks, tmp_path)
    assert problem in found
    assert found.startswith(f"README.md:{line}: ")


@needs_terraform
@pytest.mark.parametrize(
    "text",
    [
        'terraform {\n  required_providers {\n    aws = {\n      source = "hashicorp/aws"\n    }\n  }\n}\n'
        'data "aws_region" "here" {\n}\n\noutput "a" {\n  value = data.aws_region.here.name\n}\n',
        'variable "a" {\n  type = string\n}\n\noutput "a" {\n  value = var.a\n}\n',
    ],
)
def test_what_needs_a_provider_is_only_read_and_a_variable_needs_no_value(tmp_path: Path, text: str) -> None:
    assert not hcl.problems(read(ROOT / "README.md", f"```hcl\n{text}```\n").blocks, tmp_path)
