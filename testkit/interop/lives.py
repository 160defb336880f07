"""The lives of a resource that each judge is asked to bear, and what came of one."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import openai

from testkit.interop.chat_model import ARGUMENTS, SLOWLY
from testkit.interop.page import WORKS
from testkit.interop.servers import Server

THREAD = {"ResourceType": "Custom::OpenAIThread", "logical_id": "Thread"}
ASSISTANT = {"ResourceType": "Custom::OpenAIAssistant", "logical_id": "Assistant"}
SERVICE_TIMEOUT_SECONDS = 60
SCHEMA = {
    "type": "object",
    "properties": {"verdict": {"type": "string", "const": "yes"}},
    "required": ["verdict"],
    "additionalProperties": False,
}


class Refused(Exception):
    """CloudFormation was told that a request failed; the text is the reason."""


class Wrong(Exception):
    """A request succeeded, and something is not as it has to be; the text says what."""


class Application(Protocol):
    """A deployed application, and CloudFormation as it asks it: each request returns the response."""

    def create(self, properties: dict[str, Any], **more: Any) -> dict[str, Any]: ...

    def update(self, physical_id: str, properties: dict[str, Any], **more: Any) -> dict[str, Any]: ...

    def delete(self, physical_id: str, properties: dict[str, Any], **more: Any) -> dict[str, Any]: ...

    def public_items(self) -> dict[str, Any]:
        """Of the table, by key."""
        ...


@dataclass
class Stack:
    """One stack of an application that asks this server."""

    server: Server
    application: Application
    client: openai.OpenAI
    """Looks at the server beside the application."""
    add_handler: Callable[[], str]
    """Deploys a function that answers with `handled`; returns its ARN."""
    made: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What is to be deleted, by physical id: the request that made it."""

    def run(self, *texts: str, **more: Any) -> dict[str, Any]:
        """The properties of a run."""
        messages = [{"role": "user", "content": text} for text in texts or ("What is a stack?",)]
        asked = {
            "model": self.server.model,
            "instructions": "Answer in one sentence.",
            "thread": {"messages": messages},
        }
        return {name: value for name, value in {**asked, **more}.items() if value is not None}

    def create(self, properties: dict[str, Any], **more: Any) -> dict[str, Any]:
        """Create a resource; raises `Refused`."""
        return self._note(self.application.create(self._timed(properties), **more), more)

    def update(self, physical_id: str, properties: dict[str, Any], **more: Any) -> dict[str, Any]:
        """Update a resource; raises `Refused`."""
        return self._note(self.application.update(physical_id, self._timed(properties), **more), more)

    def delete(self, physical_id: str) -> None:
        """Delete what was made; raises `Refused`."""
        answer = self.application.delete(physical_id, self._timed({}), **self.made.pop(physical_id))
        if answer["Status"] != "SUCCESS":
            raise Refused(f"Delete: {answer['Reason']}")

    def delete_all(self) -> None:
        for physical_id in reversed(list(self.made)):
            self.delete(physical_id)

    def _timed(self, properties: dict[str, Any]) -> dict[str, Any]:
        return {"ServiceTimeout": str(SERVICE_TIMEOUT_SECONDS)} | properties

    def _note(self, answer: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
        self.made[answer["PhysicalResourceId"]] = more
        if answer["Status"] != "SUCCESS":
            raise Refused(answer["Reason"])
        return answer

    def is_at_server(self, physical_id: str) -> tuple[bool, bool]:
        """Whether the server still has a run's thread, and the run; a chain of responses is no thread of the server."""
        thread_id, _, run_id = physical_id.partition(":")
        return _is_there(self.client.conversations.retrieve, thread_id), _is_there(
            self.client.responses.retrieve, run_id
        )


def _is_there(look: Callable[[str], Any], id_: str) -> bool:
    try:
        look(id_)
    except (openai.NotFoundError, openai.BadRequestError, openai.InternalServerError):
        return False
    return True


def handled(event: dict[str, Any]) -> str:
    """What the handler of the function tool answers."""
    return f"There are 7 {event['arguments']['article']}s."


def expect(holds: object, otherwise: str) -> None:
    """Raise `Wrong` where this does not hold."""
    if not holds:
        raise Wrong(otherwise)


def plain(stack: Stack) -> None:
    data = stack.create(stack.run())["Data"]
    expect(data["status"] == "completed", f"status is {data['status']}")
    expect(data["output_text"], "there is no answer")
    expect("What is a stack?" in stack.server.received(), "the message did not reach the model")


def two_messages(stack: Stack) -> None:
    data = stack.create(stack.run("The first of two.", "And the second one."))["Data"]
    heard = stack.server.received()
    expect("The first of two." in heard and "And the second one." in heard, "a message did not reach the model")
    expect(int(data["usage.prompt_tokens"]) >= 8, "the model did not read both messages")


def schema(stack: Stack) -> None:
    form = {"type": "json_schema", "json_schema": {"name": "review", "schema": json.dumps(SCHEMA), "strict": "true"}}
    data = stack.create(stack.run(response_format=form))["Data"]
    expect(data.get("output.verdict") == "yes", "the answer's key is no attribute")


def function(stack: Stack) -> None:
    tool = {"name": "look_up", "handler_arn": stack.add_handler(), "parameters": '{"type": "object", "properties": {}}'}
    data = stack.create(stack.run(tools=[{"type": "function", "function": tool}]))["Data"]
    answered = handled({"arguments": ARGUMENTS})
    expect(answered in stack.server.received(), "the handler's output did not reach the model")
    expect(data["status"] == "completed", f"status is {data['status']}")


def existing_thread(stack: Stack) -> None:
    messages = [{"role": "user", "content": "Remember these five words well."}]
    thread_id = stack.create({"messages": messages}, **THREAD)["PhysicalResourceId"]
    answer = stack.create(stack.run(thread=None, existing_thread_id=thread_id))
    expect(answer["PhysicalResourceId"].startswith(f"{thread_id}:"), "the run is on another thread")
    expect(int(answer["Data"]["usage.prompt_tokens"]) >= 5, "the model did not read the thread's message")
    stack.delete(answer["PhysicalResourceId"])
    expect(stack.is_at_server(f"{thread_id}:none")[0], "the thread was deleted with the run")


def update(stack: Stack) -> None:
    old = stack.create(stack.run())
    same = stack.update(old["PhysicalResourceId"], stack.run(deletion_policy="delete"))
    expect(same["PhysicalResourceId"] == old["PhysicalResourceId"], "bookkeeping alone started another run")
    new = stack.update(old["PhysicalResourceId"], stack.run("What is an update?"))
    expect(new["PhysicalResourceId"] != old["PhysicalResourceId"], "no new run was started")
    expect(new["Data"]["status"] == "completed", f"status is {new['Data']['status']}")


def rollback(stack: Stack) -> None:
    old = stack.create(stack.run())
    new = stack.update(old["PhysicalResourceId"], stack.run("What is an update?"))
    runs = stack.server.runs()
    back = stack.update(new["PhysicalResourceId"], stack.run())
    expect(back["PhysicalResourceId"] == old["PhysicalResourceId"], "the rollback has another run")
    expect(back["Data"] == old["Data"], "the attributes are not those of before")
    expect(stack.server.runs() == runs, "the rollback started a run")


def adopted(stack: Stack) -> None:
    run_id = stack.create(stack.run())["PhysicalResourceId"]
    answer = stack.create(
        {"import_id": run_id}, logical_id="Adopted"
    )  # Under one physical id, the last one is deleted.
    expect(answer["PhysicalResourceId"] == run_id, "another run was adopted")
    stack.delete(run_id)
    stack.made[run_id] = {}
    expect(stack.is_at_server(run_id)[1], "the run was deleted with the resource that adopted it")


def deleted(stack: Stack) -> None:
    physical_id = stack.create(stack.run())["PhysicalResourceId"]
    stack.delete(physical_id)
    thread, run = stack.is_at_server(physical_id)
    expect(not run, "the run is still there")
    expect(not thread, "the thread is still there")
    expect(not stack.application.public_items(), "the item is still in the table")


def assistant(stack: Stack) -> None:
    settings = {"model": stack.server.model, "instructions": "You know of stacks only."}
    assistant_id = stack.create(settings, **ASSISTANT)["PhysicalResourceId"]
    stack.create(stack.run(model=None, instructions=None, assistant_id=assistant_id))
    expect(
        "You know of stacks only." in stack.server.received(), "the assistant's instructions did not reach the model"
    )


def too_slow(stack: Stack) -> None:
    try:
        stack.create(stack.run(f"Think {SLOWLY}.", timeout_seconds="4"))
    except Refused as refusal:
        expect("4 s" in str(refusal) or "timeout_seconds" in str(refusal), f"it failed for another reason: {refusal}")
    else:
        raise Wrong("a run of 20 seconds ended within 4")
    [physical_id] = stack.made
    stack.delete(physical_id)
    expect(":" not in physical_id or not stack.is_at_server(physical_id)[1], "the run is still there")


def no_such_model(stack: Stack) -> None:
    try:
        stack.create(stack.run(model="no-such-model"))
    except Refused as refusal:
        expect("no-such-model" in str(refusal), f"the failure does not name the model: {refusal}")
    else:
        raise Wrong("a model that does not exist answered")


LIVES: dict[str, Callable[[Stack], None]] = {
    "plain": plain,
    "two messages": two_messages,
    "`json_schema`": schema,
    "function with a handler": function,
    "existing thread": existing_thread,
    "assistant": assistant,
    "update": update,
    "rollback": rollback,
    "import": adopted,
    "delete": deleted,
    "a run that takes too long": too_slow,
    "a model that does not exist": no_such_model,
}


def outcome(life: Callable[[Stack], None], stack: Stack) -> str:
    """`works`, or what came instead, in the words that a user reads in the stack's events."""
    found = WORKS
    try:
        life(stack)
    except Refused as refusal:
        found = f"refused: {refusal}"
    except Wrong as wrong:
        found = f"wrong: {wrong}"
    try:
        stack.delete_all()
    except Refused as refusal:
        found = f"refused: {refusal}" if found == WORKS else f"{found}; {refusal}"
    return found
