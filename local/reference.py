"""Writes from the models: docs/resources/*.md, in the shape of a Terraform resource's page, docs/schemas, the modules.

What a page says of an argument is the argument's own description: it cannot drift from what the code accepts.
`--check` only compares.
"""

import argparse
import json
import re
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import yaml

from local.constructs import constructs
from local.module_tables import ReadmeError, migration_page, readmes
from local.modules.files import files
from local.modules.shapes import Shape, objects, shapes
from local.schemas import schemas
from threadrun.schema.arguments import RESOURCE_MODELS
from threadrun.schema.desired import Desired

ROOT = Path(__file__).resolve().parents[1]
PAGES = ROOT / "docs" / "resources"
SCHEMAS = ROOT / "docs" / "schemas"
COMMAND = ROOT / "threadrun_cli"

BEHAVIORS = (
    "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-update-behaviors.html"
)
TEXTS: dict[str, dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("reference.yaml").read_text())
ATTRIBUTES: dict[str, dict[str, str]] = {kind: texts["attributes"] for kind, texts in TEXTS.items()}


def page(model: type[Desired]) -> str:
    """Return the page of one resource type."""
    kind, texts = model.resource_type, TEXTS[model.resource_type]
    lines = [f"# {kind}", "", texts["introduction"], "", "## Example Usage", "", "```yaml"]
    lines += [texts["example"].rstrip(), "```", ""]
    for title, example in texts.get("more", {}).items():
        lines += [f"### {title}", "", "```yaml", example.rstrip(), "```", ""]
    lines += ["## Argument Reference", ""]
    lines += [
        "Keys may be written in PascalCase instead, all of a resource or none; its attributes then are, too, except "
        "for the keys of an answer.",
        "",
    ]
    lines += [f"What an update requires is one of [CloudFormation's own behaviors]({BEHAVIORS}).", ""]
    lines += ["* `ServiceToken` - (Required) The output ServiceToken of the application's stack."]
    lines += [
        "* `ServiceTimeout` - (Optional) Seconds that CloudFormation waits for a response, 60 to 3600. Default: 3600."
        f" {_requires(is_in_place=True)}"
    ]
    lines += [_argument(each, model.changes_in_place(each.name)) for each in shapes(model)]
    for way in (way for each in shapes(model) for way in objects(each)):
        lines += ["", f"### Nested `{'.'.join(each.name for each in way)}`", ""]
        lines += [_argument(each, model.changes_in_place(way[0].name)) for each in way[-1].children]
    lines += ["", "## Attribute Reference", "", f"`Ref` returns {texts['ref']} `Fn::GetAtt` returns:", ""]
    lines += [f"* `{name}` - {text}" for name, text in texts["attributes"].items()]
    first, logical_id = next(iter(texts["attributes"])), kind.removeprefix("Custom::OpenAI").removeprefix("Thread")
    lines += ["", f"In a template: `!Ref {logical_id or 'Thread'}`, `!GetAtt {logical_id or 'Thread'}.{first}`."]
    lines += ["", "## See also", "", texts["see"]]
    return "\n".join(lines) + "\n"


def _argument(shape: Shape, is_in_place: bool) -> str:
    return f"* `{shape.name}` - ({shape.needed()}) {shape.description}. {_requires(is_in_place=is_in_place)}"


def _requires(*, is_in_place: bool) -> str:
    return f"Update requires: {'no interruption' if is_in_place else 'replacement'}."


def _for_the_command() -> Iterator[tuple[Path, str]]:
    names = {kind: list(texts) for kind, texts in ATTRIBUTES.items()}
    yield COMMAND / "attributes.json", json.dumps(names, indent=2) + "\n"
    yield COMMAND / "remedies.json", json.dumps(_remedies(), indent=1, ensure_ascii=False) + "\n"


def _remedies() -> dict[str, list[Any]]:
    """The rows of docs/failures.md, without links: messages, and what the server's statuses and codes mean."""
    messages, statuses = list[tuple[str, str, str]](), list[dict[str, Any]]()
    for row in re.findall(r"^\| ((?:`|\d{3}\b).*) \|$", (ROOT / "docs" / "failures.md").read_text(), re.MULTILINE):
        first, cause, remedy = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", row).split(" | ")
        if first[0] == "`":
            found = re.findall(r"``(.+?)``|`(.+?)`", first)
            messages += [((double or single).strip(), cause, remedy) for double, single in found]
        else:
            numbers, codes = re.findall(r"\b\d{3}\b", first), re.findall(r"`(\w+)`", first)
            statuses.append({"statuses": numbers, "codes": codes, "cause": cause, "remedy": remedy})
    return {"messages": messages, "statuses": statuses}


def _pages() -> Iterator[tuple[Path, str]]:
    for kind, model in RESOURCE_MODELS.items():
        yield PAGES / f"{kind.removeprefix('Custom::OpenAI').lower()}.md", page(model)


def main() -> int:
    """Write the pages, or report which ones differ from the models."""
    parser = argparse.ArgumentParser(prog="python -m local.reference", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare only; exit status 1 where a page differs")
    is_check = parser.parse_args().check
    for folder in (PAGES, SCHEMAS):
        folder.mkdir(parents=True, exist_ok=True)
    stale = []
    try:
        # One after the other: the tables are made from files that were written before.
        for path, text in chain(
            _pages(),
            schemas(SCHEMAS),
            _for_the_command(),
            constructs(ROOT, TEXTS),
            files(ROOT, ATTRIBUTES),
            readmes(ROOT),
            (migration_page(ROOT),),
        ):
            if not path.exists() or path.read_text() != text:
                stale.append(path.relative_to(ROOT))
                if not is_check:
                    path.write_text(text)
    except ReadmeError as error:
        print(error, file=sys.stderr)
        return 1
    if is_check and stale:
        print(f"not as the code says: {', '.join(map(str, stale))}; `make reference` writes them", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
