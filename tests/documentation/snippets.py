"""What is wrong with a code block, by its language: a sentence for each problem, nothing where it is right."""

import ast
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

import jsonschema
import yaml
from pydantic.alias_generators import to_pascal
from samtranslator.yaml_helper import yaml_parse
from typer.main import get_group

from local.reference import ATTRIBUTES
from testkit.template import template
from tests.support.pages import ROOT
from threadrun.errors import InvalidProperties
from threadrun.schema.arguments import RESOURCE_MODELS
from threadrun.schema.parsing import parse_properties
from threadrun_cli.commands import app

TOOLS = {"aws", "cdk", "export", "git", "make", "pip", "pipx", "sam", "terraform", "threadrun"}
"""The commands that a reader is asked to run: another one is a decision."""

COMMANDS = set(get_group(app).commands)

DIAGRAMS = {"flowchart", "sequenceDiagram", "stateDiagram-v2", "gantt", "timeline", "xychart-beta"}
_PREFIX = "Custom::OpenAI"
_MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = set(re.findall(r"^([a-z-]+):", _MAKEFILE, re.MULTILINE))
VARIABLES = set(re.findall(r"\$\(([A-Z]+)\)", _MAKEFILE)) | {"PYTHON3"}

# What stands for a value that only a deployed stack has: an ARN does, wherever one is asked for.
_LATER = "arn:aws:lambda:us-east-1:123456789012:function:later"


def make_problems(words: list[str]) -> Iterator[str]:
    """What is wrong with the words behind `make`."""
    for word in words:
        name, is_variable, _ = word.partition("=")
        if is_variable and name not in VARIABLES:
            yield f"the Makefile has no variable {name}"
        if not is_variable and name not in TARGETS:
            yield f"the Makefile has no target {name}"


def bash(text: str) -> Iterator[str]:
    """The shell can read it, and every command is one that there is."""
    filled = re.sub(r"<[A-Za-z][^<>|&;\n]*>", "PLACEHOLDER", text)
    parsed = subprocess.run(["bash", "-n"], input=filled, capture_output=True, text=True)
    if parsed.returncode:
        yield parsed.stderr.strip()
        return
    for line in filled.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        for is_end, command in groupby(lexer, lambda word: re.fullmatch(r"[;&|]+", word) is not None):
            if not is_end:
                yield from _command_problems(list(command))


def _command_problems(command: list[str]) -> Iterator[str]:
    while command and re.fullmatch(r"\w+=.*", command[0]):
        command = command[1:]
    if not command:
        return
    if command[0] not in TOOLS:
        yield f"{command[0]} is not one of the TOOLS"
    if command[0] == "threadrun" and command[1] not in COMMANDS:
        yield f"threadrun has no command {command[1]}"
    if command[0] == "make":
        yield from make_problems(command[1:])
    if command[:2] == ["sam", "deploy"] and "--parameter-overrides" in command:
        given = command[command.index("--parameter-overrides") + 1 :]
        names = [word.partition("=")[0] for word in given if "=" in word]
        yield from (f"template.yaml has no parameter {name}" for name in names if name not in template()["Parameters"])


def yaml_problems(text: str) -> Iterator[str]:
    """A template, some resources of one, or some properties of ours: as the application would take them."""
    try:
        parsed = yaml_parse(text)
    except yaml.YAMLError as error:
        yield f"is not YAML: {' '.join(str(error).split())}"
        return
    if isinstance(parsed, dict) and "repos" in parsed:
        offered = {each["id"] for each in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())}
        yield from (
            f"no hook is {hook['id']}"
            for repo in parsed["repos"]
            for hook in repo["hooks"]
            if hook["id"] not in offered
        )
        return
    if isinstance(parsed, list) and all(isinstance(each, dict) and "uses" in each for each in parsed):
        inputs = yaml.safe_load((ROOT / "action.yml").read_text())["inputs"]
        given = [set(step.get("with", {})) for step in parsed]
        yield from (f"the action has no input {name}" for names in given for name in sorted(names - set(inputs)))
        required = {name for name, each in inputs.items() if each.get("required")}
        yield from (f"the action's {name} is missing" for names in given for name in sorted(required - names))
        return
    if not isinstance(parsed, dict):
        yield "is neither a template nor a part of one"
        return
    if "Resources" in parsed:
        yield from _resources_problems(parsed["Resources"], parsed)
    elif all(isinstance(each, dict) and "Type" in each for each in parsed.values()):
        yield from _resources_problems(parsed, {"Resources": parsed})
    else:
        yield from _part_problems(parsed)


def _resources_problems(resources: Mapping[str, Any], whole: Mapping[str, Any]) -> Iterator[str]:
    parameters = whole.get("Parameters", {})
    for name, resource in resources.items():
        kind = str(resource.get("Type", ""))
        if not kind.startswith(_PREFIX):
            continue
        if kind not in RESOURCE_MODELS:
            yield f"{name}: there is no {kind}"
            continue
        properties = resource.get("Properties", {})
        if "ServiceToken" not in properties:
            yield f"{name}: has no ServiceToken"
        try:
            desired = parse_properties(_filled(properties, parameters), RESOURCE_MODELS[kind])[0]
        except InvalidProperties as error:
            yield f"{name}: {error}"
        else:
            yield from (f"{name}: {problem}" for problem in _refused_by_the_model(desired.model_dump()))
    for target, attribute in _attributes_asked_for(whole):
        kind = str(resources[target]["Type"]) if target in resources else ""
        if target not in resources and {"Parameters", "Outputs"} & set(whole):
            yield f"asks for {target}.{attribute}, and there is no {target}"
        if kind in ATTRIBUTES and not _has_attribute(kind, attribute):
            yield f"asks for {target}.{attribute}, which {kind} does not have"


def _refused_by_the_model(given: Mapping[str, Any]) -> Iterator[str]:
    """What OpenAI refuses only when it has the request."""
    is_reasoning = re.match(r"gpt-5|o\d", str(given.get("model") or ""))
    for name in ("temperature", "top_p"):
        if is_reasoning and given.get(name) is not None:
            yield f"{given['model']} takes no {name}"


def _has_attribute(kind: str, attribute: str) -> bool:
    known = ATTRIBUTES[kind]
    names = {*known, *(".".join(map(to_pascal, name.split("."))) for name in known)}
    return attribute in names or ("output.<key>" in known and attribute.lower().startswith("output."))


def _attributes_asked_for(part: Any) -> Iterator[tuple[str, str]]:
    if isinstance(part, dict):
        asked = part.get("Fn::GetAtt")
        if isinstance(asked, list) and len(asked) == 2:
            yield asked[0], asked[1]
        if text := part.get("Fn::Sub"):
            yield from re.findall(r"\${(\w+)\.([^}]+)}", text if isinstance(text, str) else text[0])
    for inner in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from _attributes_asked_for(inner)


def _filled(part: Any, parameters: Mapping[str, Any]) -> Any:
    """Put a value in the place of each intrinsic function: a parameter's default, else an ARN."""
    if isinstance(part, list):
        return [_filled(each, parameters) for each in part]
    if not isinstance(part, dict):
        return part
    if len(part) == 1 and (name := next(iter(part))) and (name == "Ref" or name.startswith("Fn::")):
        return parameters.get(part[name], {}).get("Default", _LATER) if name == "Ref" else _LATER
    return {name: _filled(each, parameters) for name, each in part.items()}


def _part_problems(part: dict[str, Any]) -> Iterator[str]:
    """Some properties, with what they cannot be without."""
    problems = []
    rename = to_pascal if next(iter(part), "")[:1].isupper() else str
    least = {"model": "gpt-5.4-mini"} | ({} if rename("thread") in part else {"existing_thread_id": "thread_1"})
    for model in RESOURCE_MODELS.values():
        more = {rename(name): value for name, value in least.items() if name in model.model_fields}
        try:
            parse_properties(more | _filled(part, {}), model)
        except InvalidProperties as error:
            problems.append(str(error))
        else:
            return
    yield f"is no part of any resource: {problems[0]}"


def json_problems(text: str) -> Iterator[str]:
    """JSON; an event as its schema says."""
    try:
        parsed = json.loads(text)
    except ValueError as error:
        yield f"is not JSON: {error}"
        return
    if isinstance(parsed, dict) and "detail-type" in parsed:
        schema = json.loads((ROOT / "docs" / "events.schema.json").read_text())
        for error in jsonschema.Draft202012Validator(schema).iter_errors(parsed.get("detail")):
            yield f"is not as events.schema.json says: {error.json_path}: {error.message}"


def python(text: str) -> Iterator[str]:
    """Python; it is run where it needs nothing but Python."""
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        yield f"is not Python: {error}"
        return
    names = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    names += [str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    if all(name.partition(".")[0] in sys.stdlib_module_names for name in names):
        run = subprocess.run([sys.executable, "-I", "-c", text], capture_output=True, text=True, timeout=10)
        if run.returncode:
            yield f"fails: {run.stderr.strip().splitlines()[-1]}"


def typescript(text: str) -> Iterator[str]:
    """An app of the CDK with one resource, whose properties are as the application would take them."""
    kind = re.search(r'resourceType: "(.+)"', text)
    properties = re.search(r"^  properties: ({.+?^  }),$", text, re.MULTILINE | re.DOTALL)
    if not kind or not properties:
        yield "has no resourceType, or no properties"
        return
    # What is written there is YAML as well.
    resource = {"Type": kind[1], "Properties": {"ServiceToken": _LATER, **yaml.safe_load(properties[1])}}
    yield from _resources_problems({"Resource": resource}, {})


def mermaid(text: str) -> Iterator[str]:
    kind = (text.split() or [""])[0]
    if kind not in DIAGRAMS:
        yield f"{kind!r} is not one of the DIAGRAMS"
    for opening, closing in ("()", "[]", "{}"):
        if text.count(opening) != text.count(closing):
            yield f"a {opening} or {closing} is missing"


CHECKS = {
    "bash": bash,
    "yaml": yaml_problems,
    "json": json_problems,
    "python": python,
    "typescript": typescript,
    "mermaid": mermaid,
}
