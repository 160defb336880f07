"""What README.md has a user do with the SAM CLI, done from a copy of the tree: build, deployment, packaging."""

import copy
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from local.deployment import APPLICATION_STACK, LAYER_FOR_THIS_MACHINE, ROOT, SAM, wait_for_stack
from local.embedded_cloud import EmbeddedCloud
from local.openai_standin import OpenAIStandIn, Script
from tests.e2e.stacks import Deployed, Stack, application_in
from tests.support.runs import PROPERTIES

KEPT_OUT = shutil.ignore_patterns(".*", "__pycache__", "tests", "bench")


class Clone:
    """A copy of the tree, and the SAM CLI in it as a user runs it, without any option that samconfig.toml has."""

    def __init__(self, directory: Path, cloud: EmbeddedCloud) -> None:
        self.directory, self.cloud = directory, cloud

    def sam(self, *arguments: str) -> str:
        """Run it with nobody to answer a question; what it said, for exit status 0."""
        host = {name: os.environ[name] for name in ("PATH", "TMPDIR", "LANG") if name in os.environ}
        environment = host | LAYER_FOR_THIS_MACHINE | self.cloud.environment() | {"HOME": str(self.directory.parent)}
        result = subprocess.run(
            [str(SAM), *arguments],
            cwd=self.directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
        )
        assert result.returncode == 0, result.stdout
        return result.stdout


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory, deployed: Deployed) -> Clone:
    """Built; its region has nothing yet."""
    directory = tmp_path_factory.mktemp("quick-start") / "threadrun"
    shutil.copytree(ROOT, directory, ignore=KEPT_OUT)
    cloud = copy.copy(deployed.cloud)
    cloud.region = "us-east-2"
    built = Clone(directory, cloud)
    built.sam("build")
    return built


def command_of_the_readme() -> list[str]:
    """The arguments of its `sam deploy`, without the parameters' values."""
    section = (ROOT / "README.md").read_text().partition("\n## Deploy it\n")[2].partition("\n## ")[0]
    [command] = re.findall(r"^sam (deploy .*)$", section, re.MULTILINE)
    return [word for word in shlex.split(command) if "=" not in word]


def test_the_readmes_deployment_asks_nothing_and_ends_with_the_application_at_work(
    clone: Clone, openai_api: OpenAIStandIn
) -> None:
    cloud = clone.cloud
    openai_api.reset()
    key = cloud.client("secretsmanager").create_secret(Name="openai-api-key", SecretString=openai_api.api_key)
    given = {
        "OpenAIBaseUrl": openai_api.base_url,
        "OpenAIApiKeySecretArn": key["ARN"],
        "AllowLoopbackResponseUrl": "true",
    }
    said = clone.sam(*command_of_the_readme(), *(f"{name}={value}" for name, value in given.items()))
    assert f"Successfully created/updated stack - {APPLICATION_STACK} in {cloud.region}" in said

    openai_api.script(Script(output_text="A stack is a unit of deployment."))
    stack = Stack(Deployed(cloud, application_in(cloud), openai_api))
    assert stack.create(PROPERTIES) == "CREATE_COMPLETE", stack.reasons()
    assert stack.outputs()["outputtext"] == "A stack is a unit of deployment."
    assert stack.delete() == "DELETE_COMPLETE"

    assert openai_api.api_key not in said

    assert f"Deleting Cloudformation stack {APPLICATION_STACK}" in clone.sam("delete", "--no-prompts")
    assert wait_for_stack(cloud, APPLICATION_STACK) == "DELETE_COMPLETE"


def test_a_package_has_what_the_application_repository_asks_for(clone: Clone) -> None:
    """As far as `sam publish` itself: the emulator has no Serverless Application Repository."""
    clone.sam("package", "--output-template-file", "packaged.yaml")
    packaged = (clone.directory / "packaged.yaml").read_text()
    metadata = yaml.load(packaged, yaml.BaseLoader)["Metadata"]["AWS::ServerlessRepo::Application"]
    storage = clone.cloud.client("s3")
    for name, file in (("LicenseUrl", "LICENSE"), ("ReadmeUrl", "README.md")):
        bucket, _, key = metadata[name].removeprefix("s3://").partition("/")
        assert storage.get_object(Bucket=bucket, Key=key)["Body"].read() == (ROOT / file).read_bytes()
