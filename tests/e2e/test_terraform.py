"""README.md's configuration and all examples of the modules in one, by the real terraform and its AWS provider."""

import re
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.deployment import ROOT, stack_outputs
from local.openai_standin import OpenAIStandIn, Script
from tests.e2e.stacks import Deployed, Stack, left, started
from tests.e2e.terraform import Terraform, attached_provider
from tests.support.runs import NOTHING

CALL = {"call_id": "call_1", "name": "get_weather", "arguments": '{"location": "Zürich"}'}
SAID = {"type": "message", "content": "Keep modules small."}
REVIEW = {"text": {"format": {"name": "review"}}}
BEST_PRACTICES = "What are the best practices for organizing Terraform modules?"
SCRIPTS = (
    Script(match="What is a CloudFormation stack?", output_text="A collection of resources."),
    Script(
        match=lambda request: request["model"] == "gpt-5.4-mini" and BEST_PRACTICES in str(request["input"]),
        output_text="Klein. 🙂",
        usage=(11, 4),
    ),
    # The function has no handler.
    Script(match={"model": "gpt-4o"}, output=[SAID, {"type": "function_call", **CALL}]),
    Script(match={"model": "gpt-4o-mini"}, output_text="Analyzed.", times=2),
    Script(match=REVIEW, output_text='{"verdict": "reject", "summary": "A column is dropped."}'),
    Script(match=REVIEW, output_text='{"verdict": "approve", "summary": "Faster search."}'),
)
IMPORTED = "module.imported.module.thread_run.aws_cloudformation_stack.this"
COUNT, FOR_EACH, DYNAMIC = (
    "When is count better than for_each?",
    "When is for_each better than count?",
    "What is a dynamic block?",
)
RUNS = 9
"""When all of the configuration is applied."""


class Configuration(Terraform):
    """Its calls of the examples can change between applies; `said` is what the first apply said, which fails."""

    said: str

    def call(self, **arguments: dict[str, Any]) -> None:
        """Call each example, with more arguments for some, and put out what it does."""
        for name, more in arguments.items():
            self.calls[name].update(more)
        self.write("examples.tf.json", {"module": self.calls, "output": self.values})

    def prepare(self, service_token: str) -> None:
        readme = (ROOT / "README.md").read_text().partition("\n## Use it from Terraform\n")[2].partition("\n## ")[0]
        [main] = re.findall(r"^```hcl\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)
        self.write("main.tf", main.replace('"../threadrun/terraform"', '"./terraform"'))
        shutil.copytree(self.modules / "examples" / "basic", self.modules / "examples" / "imported")
        override = 'module "thread_run" {\n  on_failure = "DELETE"\n}\n'
        self.write("terraform/examples/imported/main_override.tf", override)
        examples = [path for path in (self.modules / "examples").iterdir() if path.name != "two_regions"]
        for path in examples:  # One provider serves all of them.
            main = path / "main.tf"
            main.write_text(main.read_text().replace('provider "aws" {}\n', ""))
        self.prefix = f"tf-{uuid.uuid4().hex[:8]}"
        self.calls: dict[str, dict[str, Any]] = {
            path.name: {
                "source": f"./terraform/examples/{path.name}",
                "name": self.stack_name(path.name),
                "service_timeout": 300,
                "service_token": service_token,
            }
            for path in examples
        }
        self.values = {name: {"value": f"${{module.{name}}}"} for name in self.calls}
        self.call(
            basic={"model": "no-such-model"},
            imported={"question": "Is an import a change?"},
        )

    def stack_name(self, example: str) -> str:
        return f"{self.prefix}-{example.replace('_', '-')}"


@pytest.fixture(scope="module")
def provider(deployed: Deployed) -> Iterator[dict[str, str]]:
    """One that asks the cloud."""
    with attached_provider(deployed.cloud.environment()) as variables:
        yield variables


@pytest.fixture(scope="module")
def terraform(
    tmp_path_factory: pytest.TempPathFactory, deployed: Deployed, provider: dict[str, str]
) -> Iterator[Configuration]:
    """Applied twice: two of the runs fail, and then all are there."""
    _, application, api = deployed
    api.reset()
    api.script(*SCRIPTS)
    made = Configuration(tmp_path_factory.mktemp("terraform"), provider)
    made.prepare(application.service_token)
    made.init()
    made.run("fmt", "-check", "main.tf")
    made.said = made.apply(status=1)
    assert len(started(api)) == RUNS
    assert api.counters()["responses"] == RUNS - 2, "one was refused, and one that ended has been deleted"
    made.call(basic={"model": "gpt-5.4-mini"}, release_gate={"changes": "Speed up the search."})
    assert "Apply complete!" in made.apply()
    yield made
    made.run("destroy", "-auto-approve", "-no-color")
    assert left(api) == NOTHING
    assert api.counters()["files"] == 0


@pytest.fixture(scope="module")
def outputs(terraform: Configuration) -> dict[str, Any]:
    return terraform.outputs()


def test_a_failed_apply_shows_the_reasons(terraform: Configuration) -> None:
    assert "The requested model 'no-such-model' does not exist." in terraform.said
    assert 'verdict is not as the schema says: const "approve"; summary: A column is dropped.' in terraform.said


def test_the_configuration_of_the_readme(outputs: dict[str, Any]) -> None:
    assert outputs["answer"] == "A collection of resources."


def test_basic_outputs_have_their_types(outputs: dict[str, Any]) -> None:
    basic = outputs["basic"]
    assert (basic["answer"], basic["status"]) == ("Klein. 🙂", "completed")
    assert isinstance(basic["created_at"], int)
    tokens = {"prompt_tokens": 11, "completion_tokens": 4, "total_tokens": 15}
    assert basic["usage"] == tokens | {"cached_tokens": 0, "reasoning_tokens": 0}
    assert basic["physical_id"] == f"{basic['thread_id']}:{basic['id']}"


def test_the_seeds_first_example(outputs: dict[str, Any], openai_api: OpenAIStandIn) -> None:
    """Tools as blocks with jsonencode, an attachment, an assistant and a file: as the old provider's page has it."""
    seed = outputs["seed"]
    assert (seed["status"], seed["output_text"]) == ("requires_action", "Keep modules small.")
    assert seed["file_ids"] == [seed["documentation_id"]]
    assert openai_api.counters()["files"] == 1
    [sent] = [body for body in started(openai_api) if body["model"] == "gpt-4o"]
    assert (sent["temperature"], sent["max_output_tokens"]) == (0.7, 1024)
    assert [tool["type"] for tool in sent["tools"]] == ["file_search", "function"]
    assert sent["tools"][1]["parameters"]["required"] == ["location"]


def test_the_seeds_second_example(outputs: dict[str, Any]) -> None:
    """A run on an existing thread with an existing assistant, both from modules of their own."""
    found = outputs["existing_thread"]
    assert found["output_text"] == "Analyzed."
    assert found["thread_id"] == found["existing_thread_id"]
    assert (found["assistant_id"], found["assistant_version"]) == (found["expert_id"], 1)
    assert outputs["seed"]["on_existing"] == "Analyzed."


def test_what_comes_after_a_gate_is_there_once_it_approves(
    outputs: dict[str, Any], terraform: Configuration, deployed: Deployed
) -> None:
    assert outputs["release_gate"]["summary"] == "Faster search."
    stack = Stack(deployed, terraform.stack_name("release_gate"))
    assert stack.parameters() == {"release-notes": "Faster search."}


def test_two_regions_have_a_run_each(tmp_path: Path, deployed: Deployed, deployed_elsewhere: Deployed) -> None:
    terraform, name = Terraform(tmp_path, deployed.cloud.environment()), f"tf-{uuid.uuid4().hex[:8]}-two-regions"
    notices = {"English": "No changes.", "German": "Keine Änderungen."}
    for language, text in notices.items():
        instructions = f"Translate into {language}. Answer with the translation only."
        deployed.openai_api.script(Script(match={"instructions": instructions}, output_text=text))
    call = {"source": "./terraform/examples/two_regions", "name": name, "service_timeout": 300}
    terraform.write("main.tf.json", {"module": {"it": call}, "output": {"it": {"value": "${module.it}"}}})
    terraform.init()
    terraform.apply()
    found = terraform.outputs()["it"]
    assert found["notices"] == {"us-east-1": "No changes.", "eu-central-1": "Keine Änderungen."}
    for region, cloud in {each.cloud.region: each.cloud for each in (deployed, deployed_elsewhere)}.items():
        assert f":cloudformation:{region}:" in found["stack_ids"][region]
        assert stack_outputs(cloud, name)["Id"] == found["ids"][region]
    terraform.run("destroy", "-auto-approve", "-no-color")


def test_an_imported_stack_is_not_replaced_and_nothing_else_changes(terraform: Configuration) -> None:
    """The provider does not read on_failure back, and a change of it would be another stack, and another run."""
    terraform.run("state", "rm", IMPORTED)
    terraform.run("import", "-no-color", IMPORTED, terraform.stack_name("imported"))
    assert "No changes" in terraform.run("plan", "-detailed-exitcode", "-no-color")


def test_what_is_changed_is_another_run_and_all_else_is_not(
    outputs: dict[str, Any], terraform: Configuration, openai_api: OpenAIStandIn
) -> None:
    before, first = len(asked(openai_api)), outputs["for_each"]
    assert set(first["answers"]) == set(first["ids"]) == {"count", "for-each"}
    assert first["total_tokens"] > 0
    assert {COUNT, FOR_EACH} < set(asked(openai_api))

    question = "What is $${interpolation} in “Terraform”?"
    questions = {"for-each": FOR_EACH, "dynamic": DYNAMIC}
    documentation = {"documentation": "A module has one reason to change."}
    terraform.call(basic={"question": question}, for_each={"questions": questions}, seed=documentation)
    terraform.apply()
    after = terraform.outputs()
    assert sorted(asked(openai_api)[before:]) == sorted([question.replace("$$", "$"), BEST_PRACTICES, DYNAMIC])
    assert after["seed"]["file_ids"] == [after["seed"]["documentation_id"]] != outputs["seed"]["file_ids"]
    assert after["seed"]["existing_thread_id"] == outputs["seed"]["existing_thread_id"]
    assert openai_api.counters()["files"] == 1, "the file that was replaced is gone"
    assert after["basic"]["id"] != outputs["basic"]["id"]
    assert set(after["for_each"]["ids"]) == {"for-each", "dynamic"}
    same = [name for name in outputs if name not in ("basic", "for_each", "seed")]
    assert [after[name] for name in same] == [outputs[name] for name in same]
    assert after["for_each"]["ids"]["for-each"] == first["ids"]["for-each"]
    assert openai_api.counters()["responses"] == RUNS


def asked(openai_api: OpenAIStandIn) -> list[str]:
    """The last message of each run that was started with one, in order."""
    return [body["input"][-1]["content"][0]["text"] for body in started(openai_api) if body.get("input")]
