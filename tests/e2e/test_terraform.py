"""The module driven by the real terraform and its AWS provider, against the embedded cloud."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local.deployment import Application, stack_outputs, stack_status, wait_for_stack
from local.embedded_cloud import EmbeddedCloud
from local.openai_standin import OpenAIStandIn, Script
from local.recorded_runs import read_runs
from local.terraform import provider_directory
from tests.e2e.terraform import Terraform, module

__all__ = ["module"]
TRANSLATE = "Translate into {}. Answer with the translation only."


@pytest.fixture
def terraform(
    module: Path, deployed: tuple[EmbeddedCloud, Application], openai_api: OpenAIStandIn
) -> Iterator[Callable[[str], Terraform]]:
    """Gives an example of the module, initialised; its stacks are gone at the end."""
    cloud, application = deployed
    openai_api.reset()
    opened = []

    def open_example(name: str) -> Terraform:
        variables = {
            "TF_VAR_name": f"tf-{uuid.uuid4().hex[:8]}",
            "TF_VAR_service_token": application.service_token,
            "TF_VAR_service_timeout": "60",
        }
        example = Terraform(module / "examples" / name, cloud.environment() | variables)
        example.run("init", "-no-color", f"-plugin-dir={provider_directory()}")
        opened.append(example)
        return example

    yield open_example
    for example in opened:
        example.run("destroy", "-auto-approve", "-no-color")


def test_apply_clean_plan_change_destroy(terraform: Callable[[str], Terraform], openai_api: OpenAIStandIn) -> None:
    example = terraform("basic")
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


def test_an_imported_stack_is_not_replaced(terraform: Callable[[str], Terraform], openai_api: OpenAIStandIn) -> None:
    """The provider does not read on_failure back, and a change of it would be another stack, and another run."""
    example = terraform("basic")
    (example.directory / "main_override.tf").write_text('module "thread_run" {\n  on_failure = "DELETE"\n}\n')
    example.run("apply", "-auto-approve", "-no-color")
    outputs = example.outputs()
    address = "module.thread_run.aws_cloudformation_stack.this"
    example.run("state", "rm", address)
    example.run("import", "-no-color", address, example.environment["TF_VAR_name"])
    assert "No changes" in example.run("plan", "-detailed-exitcode", "-no-color")
    example.run("apply", "-auto-approve", "-no-color")
    assert example.outputs() == outputs
    assert openai_api.counters()["responses"] == 1


def test_a_failed_apply_shows_the_reason(terraform: Callable[[str], Terraform], openai_api: OpenAIStandIn) -> None:
    example = terraform("basic")
    said = example.run("apply", "-auto-approve", "-no-color", status=1, model="no-such-model")
    assert "The requested model 'no-such-model' does not exist." in " ".join(said.replace("│", " ").split())
    assert openai_api.counters()["conversations"] == 0


def test_the_seeds_first_example(
    terraform: Callable[[str], Terraform], openai_api: OpenAIStandIn, assistant_id: str
) -> None:
    """Tools as blocks with jsonencode, an attachment, an assistant: as the old provider's page has it.

    The model calls the function, which has no handler.
    """
    file_id = openai_api.add_file(name="documentation.md")
    said = {"type": "message", "content": "Keep modules small."}
    call = {"call_id": "call_1", "name": "get_weather", "arguments": '{"location": "Zürich"}'}
    openai_api.script(Script(match={"model": "gpt-4o"}, output=[said, {"type": "function_call", **call}]))
    example = terraform("seed")
    example.environment |= {"TF_VAR_assistant_id": assistant_id, "TF_VAR_file_id": file_id}
    example.run("apply", "-auto-approve", "-no-color")
    outputs = example.outputs()
    assert (outputs["status"], outputs["output_text"]) == ("requires_action", "Keep modules small.")
    assert example.value("module.example.required_action") == [call]
    assert outputs["file_ids"] == [file_id]
    [sent] = [request.body for request in openai_api.requests if request.path == "/v1/responses"]
    assert (sent["model"], sent["temperature"], sent["max_output_tokens"]) == ("gpt-4o", 0.7, 1024)
    assert [tool["type"] for tool in sent["tools"]] == ["file_search", "function"]
    assert sent["tools"][1]["parameters"]["required"] == ["location"]
    assert "No changes" in example.run("plan", "-detailed-exitcode", "-no-color")
    example.run("destroy", "-auto-approve", "-no-color")
    counters = openai_api.counters()
    assert counters["responses"] == counters["conversations"] == counters["vector_stores"] == 0


def test_the_seeds_second_example(terraform: Callable[[str], Terraform], openai_api: OpenAIStandIn) -> None:
    """A run on an existing thread with an existing assistant, both from modules of their own."""
    openai_api.script(Script(match={"model": "gpt-4o-mini"}, output_text="Analyzed."))
    example = terraform("existing_thread")
    example.run("apply", "-auto-approve", "-no-color")
    outputs = example.outputs()
    assert outputs["thread_id"] == outputs["existing_thread_id"]
    assert outputs["assistant_id"] == outputs["expert_id"]
    assert outputs["assistant_version"] == 1
    assert "No changes" in example.run("plan", "-detailed-exitcode", "-no-color")
    example.run("destroy", "-auto-approve", "-no-color")
    assert openai_api.counters()["conversations"] == 0


def asked(openai_api: OpenAIStandIn) -> list[str]:
    """The last message of each run that was started, in order."""
    sent = [each.body for each in openai_api.requests if (each.method, each.path) == ("POST", "/v1/responses")]
    return [body["input"][-1]["content"][0]["text"] for body in sent]


def test_runs_from_a_map_are_each_their_own(terraform: Callable[[str], Terraform], openai_api: OpenAIStandIn) -> None:
    example = terraform("for_each")
    example.run("apply", "-auto-approve", "-no-color")
    first = example.outputs()
    assert set(first["answers"]) == set(first["ids"]) == {"count", "for-each"}
    assert first["total_tokens"] > 0
    assert sorted(asked(openai_api)) == ["When is count better than for_each?", "When is for_each better than count?"]
    assert "No changes" in example.run("plan", "-detailed-exitcode", "-no-color")

    changed = json.dumps({"for-each": "When is for_each better than count?", "dynamic": "What is a dynamic block?"})
    example.run("apply", "-auto-approve", "-no-color", questions=changed)
    second = example.outputs()
    assert set(second["ids"]) == {"for-each", "dynamic"}
    assert second["ids"]["for-each"] == first["ids"]["for-each"], "what is still asked is not asked again"
    assert len(asked(openai_api)) == 3
    assert openai_api.counters()["responses"] == openai_api.counters()["conversations"] == 2

    example.run("destroy", "-auto-approve", "-no-color")
    assert openai_api.counters()["responses"] == openai_api.counters()["conversations"] == 0


def test_a_release_gate_says_no_and_then_yes(
    terraform: Callable[[str], Terraform], openai_api: OpenAIStandIn, deployed: tuple[EmbeddedCloud, Application]
) -> None:
    example, parameters = terraform("release_gate"), deployed[0].client("ssm")
    path = f"/{example.environment['TF_VAR_name']}"
    openai_api.script(Script(output_text='{"verdict": "no", "summary": "A column is dropped."}'))
    said = " ".join(example.run("apply", "-auto-approve", "-no-color", status=1).replace("│", " ").split())
    assert 'verdict is not as the schema says: const "yes"; summary: A column is dropped.' in said
    assert parameters.get_parameters_by_path(Path=path)["Parameters"] == []
    assert openai_api.counters()["responses"] == openai_api.counters()["conversations"] == 0

    openai_api.script(Script(output_text='{"verdict": "yes", "summary": "Faster search."}'))
    example.run("apply", "-auto-approve", "-no-color", changes="Speed up the search.")
    assert example.outputs()["summary"] == "Faster search."
    [released] = parameters.get_parameters_by_path(Path=path)["Parameters"]
    assert (released["Name"], released["Value"]) == (f"{path}/release-notes", "Faster search.")
    assert "No changes" in example.run("plan", "-detailed-exitcode", "-no-color", changes="Speed up the search.")

    example.run("destroy", "-auto-approve", "-no-color")
    assert parameters.get_parameters_by_path(Path=path)["Parameters"] == []
    assert openai_api.counters()["responses"] == openai_api.counters()["conversations"] == 0


def test_two_regions_have_a_run_each(
    terraform: Callable[[str], Terraform],
    openai_api: OpenAIStandIn,
    deployed: tuple[EmbeddedCloud, Application],
    deployed_elsewhere: tuple[EmbeddedCloud, Application],
) -> None:
    clouds = {cloud.region: cloud for cloud, _ in (deployed, deployed_elsewhere)}
    assert len(clouds) == 2
    openai_api.script(
        Script(output_text="Orders cannot be changed.", match={"instructions": TRANSLATE.format("English")})
    )
    openai_api.script(
        Script(output_text="Keine Änderungen möglich.", match={"instructions": TRANSLATE.format("German")})
    )
    example = terraform("two_regions")
    name = example.environment["TF_VAR_name"]
    example.run("apply", "-auto-approve", "-no-color")
    outputs = example.outputs()
    assert outputs["notices"] == {"us-east-1": "Orders cannot be changed.", "eu-central-1": "Keine Änderungen möglich."}
    for (region, cloud), (_, application) in zip(clouds.items(), (deployed, deployed_elsewhere), strict=True):
        assert f":cloudformation:{region}:" in outputs["stack_ids"][region]
        assert stack_outputs(cloud, name)["Id"] == outputs["ids"][region]
        runs = read_runs(cloud.client("dynamodb"), application.table_name, time.time())
        assert [run.stack_name for run in runs if run.stack_name == name] == [name], "recorded in its own region"
    assert "No changes" in example.run("plan", "-detailed-exitcode", "-no-color")

    example.run("destroy", "-auto-approve", "-no-color")
    assert [stack_status(cloud, name) for cloud in clouds.values()] == ["DELETE_COMPLETE"] * 2
    assert openai_api.counters()["responses"] == openai_api.counters()["conversations"] == 0


@pytest.fixture
def assistant_id(deployed: tuple[EmbeddedCloud, Application]) -> Iterator[str]:
    """An assistant that somebody else's stack has made."""
    cloud, application = deployed
    name = f"assistant-{uuid.uuid4().hex[:8]}"
    properties = {"ServiceToken": application.service_token, "ServiceTimeout": 30, "model": "gpt-5.4-mini"}
    body = {
        "Resources": {"Assistant": {"Type": "Custom::OpenAIAssistant", "Properties": properties}},
        "Outputs": {"Id": {"Value": {"Ref": "Assistant"}}},
    }
    cloudformation = cloud.client("cloudformation")
    cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(body))
    assert wait_for_stack(cloud, name) == "CREATE_COMPLETE"
    yield stack_outputs(cloud, name)["Id"]
    cloudformation.delete_stack(StackName=name)
    wait_for_stack(cloud, name)
