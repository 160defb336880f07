"""docs/supported.md and docs/architecture.md say what the locks, the template and the import contracts say."""

from __future__ import annotations

import re
import tomllib
from typing import Any

from local.deployment import ROOT
from testkit.template import template

PACKAGE = ROOT / "layers/threadrun/threadrun"


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def rows(page: str) -> dict[str, list[str]]:
    lines = [
        line.strip("|").split(" | ") for line in (ROOT / "docs" / page).read_text().splitlines() if line[:2] == "| "
    ]
    return {first.strip(): [cell.strip() for cell in rest] for first, *rest in lines}


def locked(name: str, lock: str) -> str:
    [version] = re.findall(rf"^{re.escape(name)}==([\w.]+)", (ROOT / lock).read_text(), re.MULTILINE)
    return str(version)


def test_the_packages_of_the_layer_are_those_of_the_lock() -> None:
    for requirement in project()["dependency-groups"]["runtime"]:
        name, supported = re.fullmatch(r"([\w-]+)(.+)", requirement).groups()  # type: ignore[union-attr]
        expected = [supported, locked(name, "layers/threadrun/requirements.txt")]
        line = " | ".join([f"`{name}`", *expected])
        assert rows("supported.md").get(f"`{name}`") == expected, f"docs/supported.md has to say: | {line} |"


def test_runtime_and_tools_are_those_of_the_template_and_the_locks() -> None:
    table, function = rows("supported.md"), template()["Globals"]["Function"]
    [architecture] = function["Architectures"]
    assert f"`{function['Runtime']}` on `{architecture}`" in table["Lambda's runtime and architecture"][0]
    python = project()["project"]["requires-python"].removeprefix(">=")
    assert table["Python for `make demo` and `make test`"] == [f"{python} or newer", python]
    assert table["AWS SAM CLI"][1] == locked("aws-sam-cli", "local/requirements-sam.txt")


def test_terraform_and_its_provider_are_those_of_the_module() -> None:
    versions = (ROOT / "terraform/versions.tf").read_text()
    [terraform] = re.findall(r'required_version = "(.+)"', versions)
    [provider] = re.findall(r'^ +version = "(.+)"', versions, re.MULTILINE)
    assert rows("supported.md")["Terraform"][0].startswith(f"{terraform};")
    assert rows("supported.md")["provider `hashicorp/aws`"][0] == provider


def test_the_packages_are_listed_in_the_order_of_the_import_contract_with_their_modules() -> None:
    [contract] = [each for each in project()["tool"]["importlinter"]["contracts"] if each["type"] == "layers"]
    page = (ROOT / "docs/architecture.md").read_text().partition("\n## The packages\n")[2].partition("\n## ")[0]
    table = [row.split(" | ") for row in re.findall(r"^\| (`.+) \|", page, re.MULTILINE)]
    assert [re.findall(r"`(\w+)`", row[0]) for row in table] == [layer.split(" | ") for layer in contract["layers"]]
    listed = {name for row in table for name in re.findall(r"`(\w+)`", row[2])}
    packages = [path.parent for path in PACKAGE.glob("*/__init__.py")]
    there = {path.stem for package in packages for path in package.iterdir() if not path.name.startswith("__")}
    assert listed == there


def test_the_files_that_have_a_rule_exist() -> None:
    page = (ROOT / "docs/architecture.md").read_text().partition("\n## Where a rule lives\n")[2].partition("\n## ")[0]
    names = set(re.findall(r"`([\w/]+\.(?:py|yaml))`", page))
    assert len(names) > 15
    assert [name for name in sorted(names) if not ((PACKAGE / name).exists() or (ROOT / name).exists())] == []
