"""The outputs of each module: attributes of its resource, read from the stack's outputs as outputs.yaml says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml
from pydantic.alias_generators import to_pascal

from local.modules.hcl import attributes, block, quoted

_TABLE = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text())


def outputs(kind: str, descriptions: Mapping[str, str]) -> Iterator[list[str]]:
    """The blocks of outputs.tf; `descriptions` are those of the attributes, which are text in CloudFormation."""
    for output in _TABLE["outputs"][kind]:
        attribute = output.get("attribute", output["name"])
        text = output.get("text") or descriptions[attribute].removesuffix(".").replace("; empty where", "; null where")
        value = _form(output).format(f'local.stack_outputs["{to_pascal(attribute)}"]')
        yield block(f'output "{output["name"]}"', attributes([("description", quoted(text)), ("value", value)]))


def stack_outputs(kind: str, names: Mapping[str, str], *, is_encoded: bool) -> list[str]:
    """Lines of a map in HCL of the stack's outputs to attributes, which are the keys of `names`."""
    chosen = [each for each in _TABLE["outputs"][kind] if ("base64decode({0})" in _form(each)) == is_encoded]
    found = (each.get("attribute", each["name"]) for each in chosen)
    return attributes([(to_pascal(name), quoted(name)) for name in found if name in names])


def _form(output: Mapping[str, str]) -> str:
    return str(_TABLE["forms"][output.get("form", "text")])
