"""Templates of CloudFormation, SAM and the AWS CDK, in YAML or JSON: their values, and where each is written."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from threadrun.schema.unknown import nearest
from threadrun_cli.json_words import in_json

FUNCTION = re.compile(r"Ref|Condition|Fn::\w+")
_FUNCTIONS = (
    *("Ref", "Condition", "Fn::And", "Fn::Base64", "Fn::Cidr", "Fn::Contains", "Fn::EachMemberEquals"),
    *("Fn::EachMemberIn", "Fn::Equals", "Fn::FindInMap", "Fn::ForEach", "Fn::GetAtt", "Fn::GetAZs", "Fn::If"),
    *("Fn::ImportValue", "Fn::Join", "Fn::Length", "Fn::Not", "Fn::Or", "Fn::RefAll", "Fn::Select", "Fn::Split"),
    *("Fn::Sub", "Fn::ToJsonString", "Fn::Transform", "Fn::ValueOf", "Fn::ValueOfAll"),
)
"""Those of rules too:
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html."""
MOST_VALUES = 1_000_000
"""A template has at most a million bytes, so that only aliases of aliases are more."""
MOST_DEPTH = 1000
"""libyaml's composer ends the process where lists are nested some ten thousand deep."""
_OPENERS = re.compile(r"[\[{]|- ")
_TWO_SHORT_FORMS = re.compile(r"!(\w+)\s+!(\w+)")
_WANT_QUOTES = ("mapping values", "cannot start any token", "undefined alias", "alphabetic or numeric", "block end")
"""In the parser's words for a text with `: `, or one that begins with `@`, `%`, `*` or a quote."""
_SURROGATES = re.compile(r"(?<!\\)((?:\\\\)*)\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})")


class TemplateError(Exception):
    """The file cannot be read as a template; `line` and `column` say where, from 1 on."""

    def __init__(self, reason: str, line: int = 1, column: int = 1) -> None:
        super().__init__(reason)
        self.line, self.column = line, column


@dataclass(frozen=True)
class Node:
    """A value as it is written: a map, a list, text as CloudFormation makes it of a scalar, or None."""

    value: dict[str, Node] | list[Node] | str | None
    line: int
    column: int
    is_boolean: bool = False
    """YAML reads the text as a boolean: `yes` is one."""
    keys: Mapping[str, tuple[int, int]] | None = None
    """Of a map: where each key is written."""
    is_json: bool = False
    """Of a whole template."""

    @property
    def function(self) -> tuple[str, Node] | None:
        """The name and the argument of the intrinsic function that it is."""
        if isinstance(self.value, dict) and len(self.value) == 1:
            [(name, argument)] = self.value.items()
            return (name, argument) if FUNCTION.fullmatch(name) else None
        return None

    def get(self, *names: str) -> Node | None:
        found: Node | None = self
        for name in names:
            found = found.value.get(name) if found is not None and isinstance(found.value, dict) else None
        return found

    def items(self) -> Iterator[tuple[str, Node]]:
        """The entries of a map; of anything else none."""
        yield from self.value.items() if isinstance(self.value, dict) else ()

    def walk(self) -> Iterator[Node]:
        """It, and all that is in it."""
        pending = [self]
        while pending:
            node = pending.pop()
            yield node
            within = node.value.values() if isinstance(node.value, dict) else node.value
            pending.extend(within if isinstance(within, list) else [] if isinstance(within, str | None) else [*within])


def meant_function(name: str) -> str | None:
    """The function that is meant by a misspelling; None for a function's own name, and for one that is near none."""
    if name in _FUNCTIONS or name.startswith("Fn::ForEach::"):
        return None
    return nearest(name, _FUNCTIONS, _plain_name)


def _plain_name(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower()).removeprefix("fn")


def read_template(path: Path) -> Node:
    """The template in a file. Raises `TemplateError`."""
    if path.suffix == ".tf":
        raise TemplateError("is a file of Terraform's: `terraform validate` checks it")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise TemplateError("is not text in UTF-8") from None
    except OSError as error:
        raise TemplateError(f"cannot be read: {error.strerror}") from None
    return parse_template(text, is_json=text.lstrip()[:1] == "{")


def parse_template(text: str, *, is_json: bool = False) -> Node:
    """The same, of its text."""
    if is_json:
        _require_json(text)
        # JSON's tabs and pairs of surrogates are none of YAML's.
        text = _SURROGATES.sub(_character, text.replace("\t", " "))
    loader = _Loader(text)
    try:
        if len(_OPENERS.findall(text)) > MOST_DEPTH and _is_too_deep(text):
            raise TemplateError("is nested too deep")
        if not loader.check_node():
            raise TemplateError("is empty: is this a template of CloudFormation?")
        node = loader.get_node()
        if loader.check_node():
            line = loader.get_node().start_mark.line + 1
            raise TemplateError("is a second document, and a template has one: write it into a file of its own", line)
        reader = _Reader(loader, is_json=is_json)
        template = replace(reader.read(node), is_json=is_json)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        what = f"is not valid {'JSON' if is_json else 'YAML'}: {error.problem}"
        raise TemplateError(what + _how_to_mend(text, error, is_json), line, column) from None
    except yaml.YAMLError as error:
        raise TemplateError(f"cannot be read: {error}") from None
    except RecursionError:
        raise TemplateError("is nested too deep") from None
    finally:
        loader.dispose()
    _require_resources(template)
    # SAM writes the keys out before CloudFormation sees them.
    if reader.merges and template.get("Transform") is None:
        line, column = reader.merges[0]
        raise TemplateError("CloudFormation has no merge keys (<<): write these keys out", line, column)
    return template


def _require_json(text: str) -> None:
    """Raises `TemplateError` for what only YAML may hold: CloudFormation takes what begins with `{` as JSON."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        raise TemplateError(f"is not valid JSON: {error.msg}", error.lineno, error.colno) from None
    except RecursionError:
        raise TemplateError("is nested too deep") from None


def _require_resources(template: Node) -> None:
    """Raises `TemplateError` for what is no template of CloudFormation."""
    resources = template.get("Resources")
    if resources is None:
        known = (template.keys or {}).items()
        near, at = next(((key, at) for key, at in known if key.lower() in ("resources", "resource")), ("", (1, 1)))
        if near:
            raise TemplateError(f"{near}: write it as Resources", *at)
        raise TemplateError("no Resources: is this a template of CloudFormation?")
    if not isinstance(resources.value, dict):
        what = 'Resources: must be a map: begin each resource with its name, as "Summary:"'
        raise TemplateError(in_json(what) if template.is_json else what, resources.line, resources.column)


def _how_to_mend(text: str, error: yaml.MarkedYAMLError, is_json: bool) -> str:
    """A remedy for the mistakes that are made most."""
    problem, mark = error.problem or "", error.problem_mark
    if is_json or mark is None:
        return ""
    line = [*text.splitlines(), ""][min(mark.line, text.count("\n"))]
    if "\t" in line[: mark.column + 1]:
        return ": use spaces, not tabs"
    if found := _TWO_SHORT_FORMS.search(line):
        return f": YAML has no two tags in a row: write Fn::{found[1]}: !{found[2]}"
    return ": put the text in quotes" if any(each in problem for each in _WANT_QUOTES) else ""


_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""By libyaml where PyYAML came with it: ten times as fast."""


def _is_too_deep(text: str) -> bool:
    depth = 0
    for event in yaml.parse(text, _Loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MOST_DEPTH:
            return True
    return False


def _character(found: re.Match[str]) -> str:
    pair = (int(found[2], 16) - 0xD800) * 0x400 + int(found[3], 16) - 0xDC00
    return found[1] + chr(0x10000 + pair)


class _Reader:
    """Makes nodes of PyYAML's, each once, however often an alias refers to it."""

    def __init__(self, loader: Any, *, is_json: bool) -> None:
        self._loader, self._is_json = loader, is_json
        self.merges: list[tuple[int, int]] = []
        """Where the keys of another map are merged in."""
        self._known: dict[int, Node | None] = {}
        self._sizes: dict[int, int] = {}
        """By node, how many values it is with its aliases written out."""

    def read(self, node: yaml.Node) -> Node:
        if id(node) in self._known:
            known = self._known[id(node)]
            if known is None:
                raise TemplateError("contains itself", node.start_mark.line + 1, node.start_mark.column + 1)
            return known
        self._known[id(node)] = None
        made = self._known[id(node)] = self._made(node)
        within = [each for pair in node.value for each in pair] if isinstance(node, yaml.MappingNode) else node.value
        parts = within if isinstance(within, list) else []
        size = self._sizes[id(node)] = 1 + sum(self._sizes.get(id(each), 1) for each in parts)
        if size > MOST_VALUES:
            mark = node.start_mark
            reason = (
                f"has more than {MOST_VALUES:,} values with its aliases written out: write fewer aliases of aliases"
            )
            raise TemplateError(reason, mark.line + 1, mark.column + 1)
        return made

    def _made(self, node: yaml.Node) -> Node:
        line, column = node.start_mark.line + 1, node.start_mark.column + 1
        if node.tag.startswith("!") and node.tag != "!":
            name = node.tag[1:]
            function = name if name in ("Ref", "Condition") else f"Fn::{name}"
            if meant := meant_function(function):
                sentence = f"!{name} is no function of CloudFormation: write it as !{meant.removeprefix('Fn::')}"
                raise TemplateError(sentence, line, column)
            return Node({function: self._plain(node, line, column)}, line, column)
        return self._plain(node, line, column)

    def _look_at_keys(self, node: yaml.MappingNode) -> None:
        seen: dict[str, int] = {}
        for key, _ in node.value:
            line, column = key.start_mark.line + 1, key.start_mark.column + 1
            if key.tag.endswith(":merge"):
                self.merges.append((line, column))
            elif not self._is_json and str(key.value) in seen:
                what = f"{key.value}: is written twice, first in line {seen[str(key.value)]}: remove one"
                raise TemplateError(what, line, column)
            seen[str(key.value)] = line

    def _plain(self, node: yaml.Node, line: int, column: int) -> Node:
        if isinstance(node, yaml.MappingNode):
            self._look_at_keys(node)
            self._loader.flatten_mapping(node)
            keys = {str(key.value): (key.start_mark.line + 1, key.start_mark.column + 1) for key, _ in node.value}
            return Node({str(key.value): self.read(value) for key, value in node.value}, line, column, keys=keys)
        if isinstance(node, yaml.SequenceNode):
            return Node([self.read(each) for each in node.value], line, column)
        kind = node.tag.rpartition(":")[2]
        if kind == "null":
            return Node(None, line, column)
        if kind == "bool":
            return Node("true" if self._loader.construct_yaml_bool(node) else "false", line, column, is_boolean=True)
        try:
            return Node(str(self._loader.construct_yaml_int(node)) if kind == "int" else node.value, line, column)
        except ValueError:
            return Node(node.value, line, column)
