"""Lives of resources as CloudFormation leads them, from Create to Delete, whatever is answered in between."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from local.openai_standin import McpServer, Script
from testkit.in_process.cloud import TOOL_SECRET_ARN
from testkit.in_process.world import World
from threadrun.schema.arguments import DesiredAssistant, DesiredThread
from threadrun.state.run import RunRecord

MESSAGES = {"messages": [{"role": "user", "content": "What is a stack?"}], "metadata": {"source": "test"}}
SERVICE_TIMEOUT_SECONDS = 1800


class Resource:
    """One resource of a stack, and every answer that CloudFormation got for it."""

    def __init__(self, world: World, kind: str = "ThreadRun", logical_id: str = "Run") -> None:
        self._world, self._kind, self._logical_id = world, kind, logical_id
        self.requests: dict[str, str] = {}
        """Request type by request id, for the requests that CloudFormation waited for."""

    def request(self, request_type: str, properties: dict[str, Any], physical_id: str | None = None) -> dict[str, Any]:
        """Send a request and wait until it is answered, or CloudFormation's patience is over."""
        event = self.event(request_type, properties, physical_id)
        self.requests[event["RequestId"]] = request_type
        self._world.deliver(event)
        return self.outcome(event)

    def event(self, request_type: str, properties: dict[str, Any], physical_id: str | None = None) -> dict[str, Any]:
        return self._world.event(
            request_type,
            {**properties, "ServiceTimeout": str(SERVICE_TIMEOUT_SECONDS)},
            physical_id=physical_id,
            logical_id=self._logical_id,
            ResourceType=f"Custom::OpenAI{self._kind}",
        )

    def outcome(self, event: dict[str, Any]) -> dict[str, Any]:
        """The first answer to a request; the schedule of the sweep runs meanwhile."""
        self._world.settle()
        for _ in range(SERVICE_TIMEOUT_SECONDS // 60 + 2):
            if self.answers(event["RequestId"]):
                break
            self._world.clock.advance(60)
            self._world.sweep()
            self._world.settle()
        if found := self.answers(event["RequestId"]):
            return found[0]
        made_up = event.get("PhysicalResourceId", f"example-{self._logical_id}-1ABCDEF")
        return {"Status": "NOT ANSWERED", "PhysicalResourceId": made_up}

    def answers(self, request_id: str) -> list[dict[str, Any]]:
        return [answer for answer in self._world.url.answers if answer["RequestId"] == request_id]

    def create(self, properties: dict[str, Any]) -> str:
        """Returns the physical id, of a failed Create too."""
        return str(self.request("Create", properties)["PhysicalResourceId"])

    def update(self, physical_id: str, new: dict[str, Any], old: dict[str, Any]) -> str:
        """Update, with all that CloudFormation does around one; returns the id that the stack has then."""
        answer = self.request("Update", new, physical_id)
        if answer["Status"] != "SUCCESS":
            back = self.request("Update", old, answer["PhysicalResourceId"])["PhysicalResourceId"]
            if back != answer["PhysicalResourceId"]:
                self.delete(answer["PhysicalResourceId"])
            return str(back)
        if answer["PhysicalResourceId"] != physical_id:
            self.delete(physical_id)
        return str(answer["PhysicalResourceId"])

    def delete(self, physical_id: str) -> None:
        """A Delete that fails is tried three times."""
        for _ in range(3):
            if self.request("Delete", {}, physical_id)["Status"] == "SUCCESS":
                return


@dataclass(frozen=True)
class Shared:
    """What is there before a life, which only uses it."""

    assistant_id: str
    thread_id: str
    file_id: str

    @classmethod
    def found_in(cls, world: World) -> Shared:
        """Start over; it is made the first time only."""
        world.start_over()
        if world not in _SHARED:
            _SHARED[world] = cls._made_in(world)
            world.begin_from_here()
            world.start_over()
        return _SHARED[world]

    @classmethod
    def _made_in(cls, world: World) -> Shared:
        server, settings = world.app.backend, DesiredAssistant(model="gpt-5.4-mini")
        assistant_id = server.assistants.put(None, settings, "shared").assistant_id
        server.assistants.put(assistant_id, settings, "shared")
        if not keeps_threads(world):
            return cls(assistant_id, "", world.openai.add_file())
        wanted = DesiredThread.model_validate(MESSAGES)
        thread_id = server.threads.create_bare(wanted)
        server.threads.add_messages(thread_id, wanted.messages[server.threads.count_messages(thread_id) :])
        return cls(assistant_id, thread_id, world.openai.add_file())


_SHARED = WeakKeyDictionary[World, Shared]()


def keeps_threads(world: World) -> bool:
    """Whether the server has conversations, or whatever it calls them."""
    return "conversations" not in world.openai.lacks


def run(world: World, shared: Shared) -> Resource:
    """A run, replaced by an update."""
    resource, properties = Resource(world), {"assistant_id": shared.assistant_id, "thread": MESSAGES}
    changed = properties | {"instructions": "Be brief."}
    resource.delete(resource.update(resource.create(properties), changed, properties))
    return resource


def run_that_is_tried_again(world: World, shared: Shared) -> Resource:
    """The server ends the first try."""
    world.openai.script(Script(error=("server_error", "The server had an error.")))
    resource = Resource(world)
    resource.delete(resource.create({"assistant_id": shared.assistant_id, "thread": MESSAGES}))
    return resource


def run_with_files(world: World, shared: Shared) -> Resource:
    """A run that reads an attached file."""
    message = {"role": "user", "content": "Read.", "attachments": [{"file_id": shared.file_id}]}
    tools = [{"type": "retrieval"}]
    resource = Resource(world)
    resource.delete(
        resource.create({"assistant_id": shared.assistant_id, "thread": {"messages": [message]}, "tools": tools})
    )
    return resource


def run_on_a_shared_thread(world: World, shared: Shared) -> Resource:
    """A run on a thread that is not its own, to which it adds a message."""
    resource = Resource(world)
    properties = {"assistant_id": shared.assistant_id, "existing_thread_id": shared.thread_id}
    asked = {"additional_messages": [{"role": "user", "content": "And in winter?"}]}
    resource.delete(resource.create(properties | asked))
    return resource


def run_that_calls_functions(world: World, shared: Shared) -> Resource:
    """Two functions and three rounds: five calls at once in the second, one of which fails once."""
    failures = [RuntimeError("not yet")]

    def look_up(event: dict[str, Any]) -> str:
        _note_whether_answered(world, event)
        if event["call_id"] == "call_3" and failures:
            raise failures.pop()
        return f"found {event['arguments']['place']}"

    def add_up(event: dict[str, Any]) -> int:
        _note_whether_answered(world, event)
        return sum(event["arguments"]["numbers"])

    handlers = {"look_up": world.tools.add("tool-look-up", look_up), "add_up": world.tools.add("tool-add-up", add_up)}
    tools = [{"type": "function", "function": {"name": name, "handler_arn": arn}} for name, arn in handlers.items()]
    five = [_call("look_up", number, place=f"place {number}") for number in range(1, 6)]
    rounds = [[_call("add_up", 0, numbers=[1])], five, [_call("add_up", 6, numbers=[2, 3])]]
    world.openai.script(*(Script(output=calls) for calls in rounds), Script(output_text="Done."))
    resource = Resource(world)
    resource.delete(resource.create({"assistant_id": shared.assistant_id, "thread": MESSAGES, "tools": tools}))
    return resource


def run_that_calls_a_function_on_a_shared_thread(world: World, shared: Shared) -> Resource:
    """One call, whose output is needed by whoever uses the thread next."""

    def look_up(event: dict[str, Any]) -> str:
        _note_whether_answered(world, event)
        return "found"

    function = {"name": "look_up", "handler_arn": world.tools.add("tool-look-up", look_up)}
    properties = {"assistant_id": shared.assistant_id, "existing_thread_id": shared.thread_id}
    world.openai.script(Script(output=[_call("look_up", 0)]), Script(output_text="Done."))
    resource, next_one = Resource(world), Resource(world, logical_id="Next")
    answer = resource.request("Create", {**properties, "tools": [{"type": "function", "function": function}]})
    if answer["Status"] == "SUCCESS":
        next_one.delete(next_one.create(properties))
        resource.requests |= next_one.requests
    else:  # Nobody can tell whose call there is in the thread, until the server itself ends the run.
        world.clock.advance(600)
    resource.delete(answer["PhysicalResourceId"])
    return resource


def run_that_asks_an_mcp_server(world: World, shared: Shared) -> Resource:
    """A run whose tool names the secrets of the server's token and of its headers."""
    url, token, headers = "https://mcp.example.com/sse", "tok-3Zq9", {"X-Api-Key": "key-77"}
    world.openai.add_mcp_servers(McpServer(url, authorization=token, headers=headers))
    tool = {"type": "mcp", "server_label": "docs", "server_url": url}
    for name, text in {"authorization": token, "headers": json.dumps(headers)}.items():
        tool[f"{name}_secret_arn"] = TOOL_SECRET_ARN.format(name)
        world.secrets.put_secret_value(SecretId=tool[f"{name}_secret_arn"], SecretString=text)
    resource = Resource(world)
    resource.delete(resource.create({"assistant_id": shared.assistant_id, "thread": MESSAGES, "tools": [tool]}))
    return resource


def _call(function: str, number: int, /, **arguments: Any) -> dict[str, Any]:
    return {"type": "function_call", "name": function, "call_id": f"call_{number}", "arguments": arguments}


def _note_whether_answered(world: World, event: dict[str, Any]) -> None:
    with world.unwatched():
        records = [world.records.load(key) for key in world.items() if key.startswith("RESOURCE#")]
    runs = [made for record in records if record for made in record.made.values() if isinstance(made, RunRecord)]
    calls = [run.round.calls.get(event["call_id"]) for run in runs]
    event["is_answered"] = any(call is not None and call.output is not None for call in calls)


def thread(world: World, shared: Shared) -> Resource:
    """A thread whose messages take several calls (20 fit one of Conversations, one one of Assistants)."""
    messages = [
        {"role": "user", "content": f"Part {number}."} for number in range(21 if world.wire == "responses" else 2)
    ]
    resource, properties = Resource(world, "Thread", "Thread"), {"messages": messages, "metadata": {"a": "1"}}
    resource.delete(resource.update(resource.create(properties), properties | {"metadata": {"a": "2"}}, properties))
    return resource


def assistant(world: World, shared: Shared) -> Resource:
    """An assistant, changed in place."""
    resource, properties = Resource(world, "Assistant", "Expert"), {"model": "gpt-5.4", "metadata": {"a": "1"}}
    resource.delete(resource.update(resource.create(properties), properties | {"name": "expert"}, properties))
    return resource


def file(world: World, shared: Shared) -> Resource:
    """A file, replaced by one with another content."""
    resource, properties = Resource(world, "File", "File"), {"filename": "policy.md", "content": "Not on Sunday."}
    resource.delete(resource.update(resource.create(properties), properties | {"content": "Never."}, properties))
    return resource


def file_from_s3(world: World, shared: Shared) -> Resource:
    """A file that the state machine's function uploads."""
    resource, source = Resource(world, "File", "File"), world.objects.put("policy.md", b"Not on Sunday.")
    resource.delete(resource.create({"filename": "policy.md", "source": source}))
    return resource


def file_that_expires(world: World, shared: Shared) -> Resource:
    """A file that an update uploads again."""
    resource = Resource(world, "File", "File")
    properties = {"filename": "policy.md", "content": "Not on Sunday.", "expires_after_seconds": "7200"}
    file_id = resource.create(properties)
    world.clock.advance(7200)
    resource.delete(resource.update(file_id, properties | {"timeout_seconds": "1500"}, properties))
    return resource


def vector_store(world: World, shared: Shared) -> Resource:
    """A store that loses its file, and gets it again."""
    resource, properties = Resource(world, "VectorStore", "Store"), {"file_ids": [shared.file_id], "name": "a"}
    resource.delete(resource.update(resource.create({"name": "a"}), properties, {"name": "a"}))
    return resource


def vector_store_that_expires(world: World, shared: Shared) -> Resource:
    """A store that an update makes again."""
    resource, properties = Resource(world, "VectorStore", "Store"), {"name": "a", "expires_after_days": "1"}
    store_id = resource.create(properties)
    world.clock.advance(3 * 86_400)
    resource.delete(resource.update(store_id, properties | {"name": "b"}, properties))
    return resource


RESPONSES = {"run that calls functions": 4, "run that calls a function on a shared thread": 2}
"""How many responses a run is made of on the Responses API, at most."""
TRIES = {"run that is tried again": 2}
"""How often a run is started."""
LONG_LIVES = frozenset({"run that calls functions"})
"""Here a process ends after each call that has an effect; other lives are broken in every way at every call."""
_PLAYS = [run, run_that_is_tried_again, run_with_files, run_on_a_shared_thread, run_that_calls_functions]
_PLAYS += [run_that_calls_a_function_on_a_shared_thread, thread, assistant, file, file_from_s3]
_PLAYS += [vector_store, run_that_asks_an_mcp_server, file_that_expires, vector_store_that_expires]
LIVES = {each.__name__.replace("_", " "): each for each in _PLAYS}
