"""The module driven by the real terraform and its AWS provider, against the embedded cloud."""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.deployment import ROOT, Application
from local.embedded_cloud import EmbeddedCloud
from local.openai_standin import OpenAIStandIn, Script

REGISTRY = "registry.terraform.io"
TERRAFORM = shutil.which("terraform")


@functools.cache
def provider_directory() -> Path | None:
    """The folder for `terraform init -plugin-dir`, wherever a copy of the AWS provider lies; None where none does."""
    if "TF_PLUGIN_DIR" in os.environ:
        return Path(os.environ["TF_PLUGIN_DIR"])
    pruned = ["(", "-path", "/proc", "-o", "-path", "/sys", ")", "-prune"]
    wanted = ["-path", f"*/{REGISTRY}/hashicorp/aws/*", "-name", "terraform-provider-aws*", "-print", "-quit"]
    for root in ("/opt", "/usr", str(Path.home()), "/"):
        found = subprocess.run(["find", root, *pruned, "-o", *wanted], capture_output=True, text=True).stdout.strip()
        if found:
            return Path(found.split(f"/{REGISTRY}/")[0])
    return None


class Terraform:
    """One working copy of the module, with an environment of its own."""

    def __init__(self, directory: Path, environment: dict[str, str]) -> None:
        self.directory = directory
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(directory),
            "CHECKPOINT_DISABLE": "1",
            "TF_IN_AUTOMATION": "1",
            "TF_INPUT": "0",
            **environment,
        }

    def run(self, *arguments: str, status: int = 0, **variables: str) -> str:
        """Run terraform; its output, both streams, for the exit status that is expected."""
        environment = self.environment | {f"TF_VAR_{name}": value for name, value in variables.items()}
        result = subprocess.run(
            [str(TERRAFORM), *arguments], cwd=self.directory, env=environment, capture_output=True, text=True
        )
        assert result.returncode == status, result.stdout + result.stderr
        return result.stdout + result.stderr

    def outputs(self) -> dict[str, Any]:
        return {name: output["value"] for name, output in json.loads(self.run("output", "-json")).items()}


@pytest.fixture
def module(tmp_path: Path) -> Path:
    """The module, copied: terraform writes beside what it reads."""
    if TERRAFORM is None:
        pytest.skip("terraform is not installed")
    if provider_directory() is None:
        pytest.skip("no copy of the provider hashicorp/aws on this machine (TF_PLUGIN_DIR may name its folder)")
    return Path(
        shutil.copytree(ROOT / "terraform", tmp_path / "terraform", ignore=shutil.ignore_patterns(".terraform*"))
    )


@pytest.fixture
def example(
    module: Path, deployed: tuple[EmbeddedCloud, Application], openai_api: OpenAIStandIn
) -> Iterator[Terraform]:
    """The basic example, initialised; its stack is gone at the end."""
    cloud, application = deployed
    openai_api.reset()
    terraform = Terraform(
        module / "examples" / "basic",
        cloud.environment()
        | {
            "TF_VAR_name": f"tf-{uuid.uuid4().hex[:8]}",
            "TF_VAR_service_token": application.service_token,
            "TF_VAR_service_timeout": "60",
        },
    )
    terraform.run("init", "-no-color", f"-plugin-dir={provider_directory()}")
    yield terraform
    terraform.run("destroy", "-auto-approve", "-no-color")


def test_apply_clean_plan_change_destroy(example: Terraform, openai_api: OpenAIStandIn) -> None:
    openai_api.script(Script(output_text="Klein anfangen. 🙂", usage=(11, 4)))
    example.run("apply", "-auto-approve", "-no-color")
    outputs = example.outputs()
    assert outputs["answer"] == "Klein anfangen. 🙂"
    assert outputs["status"] == "completed"
    assert isinstance(outputs["created_at"], int)
    assert outputs["usage"] == {"prompt_tokens": 11, "completion_tokens": 4, "total_tokens": 15}
    assert outputs["physical_id"] == f"{outputs['thread_id']}:{outputs['id']}"
    assert "No changes" in example.run("plan", "-detailed-exitcode", "-no-color")

    question = "What is ${interpolation} in “Terraform”?"
    example.run("plan", "-detailed-exitcode", "-no-color", status=2, question=question)
    example.run("apply", "-auto-approve", "-no-color", question=question)
    assert example.outputs()["id"] != outputs["id"]
    bodies = [request.body for request in openai_api.requests if request.path == "/v1/responses"]
    assert bodies[-1]["input"][1]["content"][0]["text"] == question
    assert openai_api.counters()["responses"] == 1

    example.run("destroy", "-auto-approve", "-no-color")
    assert openai_api.counters()["responses"] == openai_api.counters()["conversations"] == 0


def test_a_failed_apply_shows_the_reason(example: Terraform, openai_api: OpenAIStandIn) -> None:
    said = example.run("apply", "-auto-approve", "-no-color", status=1, model="no-such-model")
    assert "The requested model 'no-such-model' does not exist." in " ".join(said.replace("│", " ").split())
    assert openai_api.counters()["conversations"] == 0


def test_the_modules_own_tests_pass(module: Path) -> None:
    """Validation at plan time, defaults and outputs, without any AWS."""
    terraform = Terraform(module, {})
    terraform.run("init", "-no-color", f"-plugin-dir={provider_directory()}")
    terraform.run("fmt", "-check", "-recursive")
    assert "0 failed" in terraform.run("test", "-no-color")
