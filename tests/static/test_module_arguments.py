"""Each argument of a resource type is a variable of its Terraform module, and handed on there."""

from __future__ import annotations

import re

import pytest

from local.deployment import ROOT
from threadrun.schema.arguments import AnyDesired, DesiredAssistant, DesiredRun, DesiredThread

MODULES: dict[str, type[AnyDesired]] = {
    ".": DesiredRun,
    "modules/thread": DesiredThread,
    "modules/assistant": DesiredAssistant,
}
OTHERWISE = {("modules/thread", "timeout_seconds"), ("modules/assistant", "timeout_seconds")}
"""Neither waits for a run: `service_timeout` is enough."""
RENAMED = {("modules/assistant", "name"): "assistant_name"}
"""`name` is the stack's."""


@pytest.mark.parametrize("folder", MODULES)
def test_the_module_has_each_argument(folder: str) -> None:
    variables = re.findall(r'^variable "(\w+)"', (ROOT / "terraform" / folder / "variables.tf").read_text(), re.M)
    handed_on = re.findall(r"^ +(\w+) += ", (ROOT / "terraform" / folder / "template.tf").read_text(), re.M)
    wanted = [name for name in MODULES[folder].model_fields if (folder, name) not in OTHERWISE]
    assert [name for name in wanted if RENAMED.get((folder, name), name) not in variables] == []
    assert [name for name in wanted if name not in handed_on] == []
