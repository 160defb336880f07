"""The application on in-memory services and a virtual clock: who may act next, and when.

Tasks run one after the other, but for those that fate lets in at a call of another one.
"""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from botocore.exceptions import ClientError

from functions.custom_resource.app import handle
from testkit.clock import Clock, Task
from testkit.memory import functions
from testkit.memory.calls import Calls, ProcessEnded, Watched, WatchedBackend, aws_error, handler_error, url_error
from testkit.memory.services import SHARED_THREAD, MemoryServer, RecordedTable
from testkit.memory.stack import Stack
from testkit.queue import Queue
from testkit.state_machine import INVOKE, TABLE, Execution, TaskFailed, update_item
from testkit.step_functions import StepFunctions
from threadrun.app.application import Application
from threadrun.app.responder import rescue_request, respond_to_ended_execution, sweep
from threadrun.app.settings import Settings
from threadrun.cloudformation.events import parse_event
from threadrun.errors import ThreadRunError
from threadrun.providers.responses.assistant_catalog import AssistantCatalog
from threadrun.state.resource import RequestContext, ResourceRecord
from threadrun.state.run import RunRecord
from threadrun.workflow.webhooks import wake

Result = TypeVar("Result")
LAMBDA_PAUSES_SECONDS = (60, 120)
SWEEP_SECONDS = 60
EVENT_PAUSE_SECONDS = 60
PLAIN = "cannot be recorded either"
"""Part of the reason that is given where the table is out of reach past the deadline."""


@dataclass
class Actor:
    """A function's process at work."""

    request_id: str
    made: set[str] = field(default_factory=set)


class MemoryWorld(Clock):
    """One deployment with one resource of one stack."""

    def __init__(self, resource_type: str, events: Sequence[float] | None = None) -> None:
        """`events` are the seconds after a run's end at which the server tells of it; None where it has no webhooks."""
        super().__init__(self.BEGIN + 0.5)  # A presigned URL has whole seconds.
        self.events = events
        self.states = StepFunctions(self._call, self, self._report_execution)
        self._messages = Queue(self, TaskFailed)
        self.calls = Calls(self._interrupt, self._lose)
        self.starts: dict[str, list[str]] = defaultdict(list)
        """The runs that were started for each request."""
        self.excused: set[str] = set()
        """Ids that the application may never have learned."""
        self._actors: list[Actor] = []
        self._swept_epoch_s = self.now
        self.stack = Stack(self, resource_type)
        self.table = RecordedTable(TABLE)
        self._deploy()

    def _deploy(self) -> None:
        dynamodb: Any = Watched(self.table, self.calls, aws_error)
        catalog = AssistantCatalog(dynamodb, TABLE, self)
        self.server = MemoryServer(clock=self, on_made=self._note_made, catalog=catalog, items={SHARED_THREAD: []})
        settings = Settings(
            table_name=TABLE,
            state_machine_arn="arn",
            outputs_bucket="bucket",
            tool_function_arns=("arn:*",),
            file_buckets=("*",),
            enable_webhooks=self.events is not None,
            # Or the responder would refuse each event, and no life could be rescued.
            allow_loopback_response_url=True,
        )
        # Hypothesis seeds this jitter, so that a life can be lived again.
        self.app = Application(settings, self, self._sleep, random.random)
        self.app._dynamodb = dynamodb
        self.app.backend = WatchedBackend(self.server, self.calls)
        self.app.step_functions = Watched(self.states, self.calls, aws_error)  # type: ignore[assignment]

    def next_task(self) -> Task | None:
        if self.table.awaits_answers:
            self.forget_tasks("sweep")
            self.tasks.append(Task(self._swept_epoch_s + SWEEP_SECONDS, "sweep", self.sweep))
        return super().next_task()

    def _sleep(self, seconds: float) -> None:
        """Others work while one sleeps."""
        self.pass_time(seconds)

    # Lambda, EventBridge and SQS

    def run_function(self, request_id: str, work: Callable[[], Result]) -> Result:
        """Raises `TaskFailed`; an error that nobody expects is a bug, and propagates."""
        actor = Actor(request_id)
        self._actors.append(actor)
        try:
            return work()
        except (ProcessEnded, ThreadRunError, ClientError) as error:
            self.excused |= {
                made for made in actor.made if not made.startswith(("file_", "vs_"))
            }  # Those can be listed.
            name = "Runtime.ExitError" if isinstance(error, ProcessEnded) else type(error).__name__
            raise TaskFailed(name) from None
        finally:
            self._actors.pop()

    def deliver_later(self, event: dict[str, Any]) -> None:
        """Lambda takes an event in."""
        self.later(0, f"delivery of {event['RequestId']}", partial(self.deliver, event))

    def deliver(self, event: dict[str, Any], tries: int = 1) -> None:
        """Invoke the ServiceToken's function asynchronously."""
        request_id = event["RequestId"]
        try:
            self.run_function(
                request_id,
                lambda: handle(
                    self.app,
                    parse_event(event, allow_loopback=self.app.settings.allow_loopback_response_url),
                    RequestContext(),
                ),
            )
        except TaskFailed as failed:
            if tries <= len(LAMBDA_PAUSES_SECONDS):
                again = partial(self.deliver, event, tries + 1)
                self.later(LAMBDA_PAUSES_SECONDS[tries - 1], f"delivery of {request_id}", again)
            else:
                self._queue(partial(rescue_request, self.app, event, f"the function failed ({failed.name})"))

    def _queue(self, work: Callable[[], object]) -> None:
        self._messages.put(partial(self.run_function, "responder", work))

    def _report_execution(self, execution: Execution) -> None:
        if execution.status != "SUCCEEDED":
            detail = {"name": execution.name, "status": execution.status, "input": execution.text}
            self._queue(partial(respond_to_ended_execution, self.app, detail))

    def sweep(self) -> None:
        self._swept_epoch_s = self.now
        try:
            self.run_function("sweep", lambda: sweep(self.app))
        except TaskFailed:
            pass  # The schedule comes again.

    def put_answer(self, url: str, body: bytes, **_: Any) -> None:
        """CloudFormation's side of the presigned URL."""
        answer = json.loads(body)
        self.calls.make("PUT", partial(self._take_answer, answer), url_error)

    def _take_answer(self, answer: dict[str, Any]) -> None:
        request = self.record.requests.get(answer["RequestId"]) if self.record else None
        is_superseded = request is not None and request.is_superseded and answer["Status"] == "FAILED"
        assert not is_superseded or PLAIN in answer["Reason"], f"{answer} to a request that is superseded"
        self.stack.take(answer)

    def invoke_handler(self, function_arn: str, event: dict[str, Any], timeout_seconds: float) -> str:
        """Lambda's side of a handler that answers."""

        def answer() -> str:
            runs = [made for made in self.record.made.values() if isinstance(made, RunRecord)] if self.record else []
            known = [run.round.calls[event["call_id"]] for run in runs if event["call_id"] in run.round.calls]
            assert all(call.output is None for call in known), f"{event['call_id']} has its output already"
            return "output"

        return str(self.calls.make("invoke", answer, handler_error))

    def _call(self, resource: str, arguments: dict[str, Any]) -> Any:
        """What a task of the state machine calls."""
        if resource != INVOKE:
            return update_item(self.table, resource, arguments)
        payload, function = arguments["Payload"], arguments["FunctionName"]
        more = {"invoke": self.invoke_handler} if function == "call_tool" else {}
        work = partial(getattr(functions, function), self.app, payload, **more)
        return {"Payload": self.run_function(payload["request_id"], work)}

    def _tell(self, run_id: str) -> None:
        """The server sends an event, again where it is not taken."""
        try:
            self.run_function("webhook", partial(self._receive_event, run_id))
        except TaskFailed:
            self.later(EVENT_PAUSE_SECONDS, f"event of {run_id}", partial(self._tell, run_id))

    def _receive_event(self, run_id: str) -> None:
        assert self.app.event_waits is not None
        wait = self.app.event_waits.note_webhook(run_id, self.now)
        for token in wait.task_tokens if wait else ():
            wake(self.app.step_functions, token)

    # What fate does

    def _interrupt(self, choice: int) -> None:
        """Another actor runs to its end while one is at a call."""
        if choice % 3 == 0:
            self.stack.sibling_fails()
        if choice % 3 == 1 and self.stack.sent:
            self.deliver_later(list(self.stack.sent.values())[-1].event)
        due = self.due_tasks()
        if due:
            self.run_task(due[-1 - choice // 3 % len(due)])

    def _lose(self, result: object) -> None:
        made = getattr(result, "run_id", result)
        if isinstance(made, str):
            self.excused.add(made)

    def _note_made(self, made: str) -> None:
        self._actors[-1].made.add(made)
        if made.startswith(("resp_", "cont_")):
            for seconds in self.events or ():
                self.later(self.server.next_run[0] + seconds, f"event of {made}", partial(self._tell, made))
        if made.startswith("resp_"):
            self.starts[self._actors[-1].request_id].append(made)

    # What is seen from outside

    @property
    def record(self) -> ResourceRecord | None:
        """The record as it is saved."""
        texts = self.table.texts
        return ResourceRecord.model_validate_json(texts[-1]) if texts else None

    def left_on_server(self) -> set[str]:
        """Threads, runs, files and stores that the application could have known of."""
        there = {*self.server.items, *self.server.responses, *self.server.stored, *self.server.stores} - {SHARED_THREAD}
        return {made for made in there if self._could_know(made)}

    def blocking_calls(self) -> set[str]:
        """Unanswered calls in the shared thread, of runs that the application could have known of."""
        calls = {call.call_id for call in self.server.open_calls(SHARED_THREAD)}
        return {call_id for call_id in calls if self._could_know(f"resp_{call_id[5:-1]}")}

    def _could_know(self, made: str) -> bool:
        return made not in self.excused or any(made in text for text in self.table.texts)
