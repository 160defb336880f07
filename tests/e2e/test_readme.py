"""The quick starts of README.md for CloudFormation and Terraform, deployed as they stand there."""

from __future__ import annotations

import re
from pathlib import Path

from local.deployment import ROOT, Application, stack_outputs, wait_for_stack
from local.embedded_cloud import EmbeddedCloud
from local.openai_standin import OpenAIStandIn, Script
from local.terraform import provider_directory
from tests.e2e.terraform import Terraform, module
from tests.support.runs import NOTHING
from tests.support.stacks import left

__all__ = ["module"]
ANSWER = "It is a collection of resources that are managed together."


def block(section: str, language: str) -> str:
    """The one code block of a section in this language."""
    text = (ROOT / "README.md").read_text().partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    [found] = re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return str(found)


def test_the_template_is_deployed_as_it_is(
    deployed: tuple[EmbeddedCloud, Application], openai_api: OpenAIStandIn
) -> None:
    cloud, _ = deployed
    openai_api.reset()
    openai_api.script(Script(output_text=ANSWER))
    cloudformation = cloud.client("cloudformation")
    cloudformation.create_stack(StackName="summary", TemplateBody=block("Use it from CloudFormation", "yaml"))
    assert wait_for_stack(cloud, "summary") == "CREATE_COMPLETE"
    assert stack_outputs(cloud, "summary") == {"Answer": ANSWER}
    cloudformation.delete_stack(StackName="summary")
    assert wait_for_stack(cloud, "summary") == "DELETE_COMPLETE"
    assert left(openai_api) == NOTHING, "the run and its thread are deleted as well"


def test_the_configuration_is_applied_as_it_is(
    module: Path, deployed: tuple[EmbeddedCloud, Application], openai_api: OpenAIStandIn
) -> None:
    cloud, _ = deployed
    openai_api.reset()
    openai_api.script(Script(output_text=ANSWER))
    (module.parent / "main.tf").write_text(block("Use it from Terraform", "hcl"))
    terraform = Terraform(module.parent, cloud.environment())
    terraform.run("init", "-no-color", f"-plugin-dir={provider_directory()}")
    terraform.run("fmt", "-check", "main.tf")
    assert "Apply complete!" in terraform.run("apply", "-auto-approve", "-no-color")
    assert terraform.outputs() == {"answer": ANSWER}
    terraform.run("destroy", "-auto-approve", "-no-color")
    assert left(openai_api) == NOTHING
