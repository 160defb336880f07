"""The workflow that runs the tests, and the action that validates the templates of other repositories."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WRONG = """Resources:
  R:
    Type: Custom::OpenAIThreadRun
    Properties: { ServiceToken: !ImportValue threadrun-ServiceToken, modell: gpt-5.4-mini }
"""


def read(name: str) -> Any:
    """With `on` as text."""
    return yaml.load((ROOT / name).read_text(), yaml.BaseLoader)


def test_the_workflow_runs_the_tests_with_no_more_rights_than_to_read() -> None:
    workflow = read(".github/workflows/ci.yml")
    assert set(workflow["on"]) == {"push", "pull_request"}
    assert workflow["permissions"] == {"contents": "read"}
    [job] = workflow["jobs"].values()
    assert [step["run"] for step in job["steps"] if "run" in step] == [".ci/run"]
    assert os.access(ROOT / ".ci/run", os.X_OK)


def test_the_action_hands_inputs_to_its_scripts_as_variables_only() -> None:
    action = read("action.yml")
    assert action["runs"]["using"] == "composite"
    scripts = [step for step in action["runs"]["steps"] if "run" in step]
    assert all("${{" not in step["run"] and step["shell"] == "bash" for step in scripts)
    handed = {value for step in scripts for value in step["env"].values()}
    assert {f"${{{{ inputs.{name} }}}}" for name in action["inputs"]} <= handed


@pytest.mark.parametrize(("text", "status"), [(WRONG, 1), ("Resources: {}\n", 0), ("Resources: {\n", 2)])
def test_the_action_ends_as_the_command_does(text: str, status: int, tmp_path: Path) -> None:
    command = tmp_path / "threadrun/bin/threadrun"
    command.parent.mkdir(parents=True)
    paths = f"{ROOT}:{ROOT / 'layers/threadrun'}"
    command.write_text(f'#!/bin/sh\nPYTHONPATH={paths} exec {sys.executable} -m threadrun_cli "$@"\n')
    command.chmod(0o755)
    template = tmp_path / "a template.yaml"
    template.write_text(text)
    out = tmp_path / "out.json"
    inputs = {"TEMPLATES": f"{template}\n\n", "FORMAT": "json", "OUTPUT_FILE": str(out), "RUNNER_TEMP": str(tmp_path)}
    script = read("action.yml")["runs"]["steps"][-1]["run"]
    ended = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", script], env={**os.environ, **inputs}, capture_output=True, check=False
    )
    assert ended.returncode == status
    assert ("modell" in out.read_text()) == (status == 1)
