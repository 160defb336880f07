"""The messages of the tables of failures."""

import re

from local.deployment import ROOT

PAGE, README = ROOT / "docs" / "failures.md", ROOT / "README.md"
PLACE = "…"


def told(text: str) -> str:
    """A sentence with the same mark for whatever is put into it."""
    return re.sub(rf"{PLACE}[{PLACE}]*", PLACE, re.sub(r"<[^<>]*>|\{[^{}]*\}", PLACE, text)).strip()


def rows(text: str) -> list[str]:
    """The messages in the first cells of the tables' rows; those of CloudFormation and Terraform come last."""
    ours = text.partition("\n## Messages from CloudFormation and Terraform\n")[0]
    cells = re.findall(r"^\| (`.*?`) \|", ours, re.MULTILINE)
    return [(double or single).strip() for cell in cells for double, single in re.findall(r"``(.+?)``|`(.+?)`", cell)]
