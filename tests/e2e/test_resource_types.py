"""Assistants and shared threads in one stack with the runs that use them."""

from __future__ import annotations

from local.deployment import stack_outputs
from local.openai_standin import OpenAIStandIn, Script
from tests.support.runs import NOTHING
from tests.support.shared_resources import template
from tests.support.stacks import Stack, left


def test_runs_share_an_assistant_and_a_thread(stack: Stack, openai_api: OpenAIStandIn) -> None:
    """Both runs are created at once: the thread's lock makes one wait for the other."""
    openai_api.script(Script(duration_s=3, times=None))
    cloudformation = stack.cloud.client("cloudformation")
    cloudformation.create_stack(StackName=stack.name, TemplateBody=template(stack, "Be brief."))
    assert stack.wait() == "CREATE_COMPLETE", stack.reasons()
    before = stack_outputs(stack.cloud, stack.name)
    assert before["First"].startswith(before["Thread"] + ":")
    assert before["Second"].startswith(before["Thread"] + ":")
    assert openai_api.counters()["max_concurrent_per_conversation"] == 1
    bodies = [r.body for r in openai_api.requests if r.path == "/v1/responses"]
    assert {body["instructions"] for body in bodies} == {"Be brief."}

    cloudformation.update_stack(StackName=stack.name, TemplateBody=template(stack, "Be long."))
    assert stack.wait() == "UPDATE_COMPLETE", stack.reasons()
    after = stack_outputs(stack.cloud, stack.name)
    assert (after["Assistant"], after["Version"]) == (before["Assistant"], "2")
    assert after["First"] == before["First"], "an assistant's new version starts no run by itself"
    assert after["Second"] != before["Second"], "unless a trigger says so"
    assert after["SecondVersion"] == "2"

    assert stack.delete() == "DELETE_COMPLETE"
    assert left(openai_api) == NOTHING
