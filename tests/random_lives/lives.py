"""Lives that hypothesis plays: CloudFormation, crashes and repetitions, and what always holds."""

from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from testkit.memory.calls import Fate, Trap
from testkit.memory.properties import PROPERTIES
from testkit.memory.services import STUMBLES
from testkit.memory.world import PLAIN, MemoryWorld
from threadrun.cloudformation import delivery, respond

CHOICES = st.integers(0, 15)
CALLS = ["", "put_item", "put_item", "start_execution", "PUT", "invoke", "send_task_success"]
CALLS += [
    "files.upload",
    "vector_stores.create",
    "vector_stores.add_file",
    "threads.create",
    "runs.start",
    "runs.start",
    "runs.observe",
    "runs.submit_outputs",
]
TRAPS = st.tuples(st.sampled_from(CALLS), st.sampled_from([0, 0, 0, 1, 2, 4, 8]), st.sampled_from(Fate), CHOICES)
"""The call's name, how many others of the name come before it, what happens there, and who interrupts it."""
LAMBDA_KEEPS_SECONDS = 6 * 3600


class RandomLives(RuleBasedStateMachine):
    """One resource, one deployment."""

    world: MemoryWorld

    @initialize(
        resource_type=st.sampled_from(["Custom::OpenAIThreadRun"] * 3 + list(PROPERTIES)[1:]),
        events=st.sampled_from([None, [0], [0, 30], [400], []]),
    )
    def begin(self, resource_type: str, events: list[float] | None) -> None:
        """`events`: no webhooks, or when the server tells of a run's end: on time, again, late, or never."""
        self.world = MemoryWorld(resource_type, events)
        self.properties = PROPERTIES[resource_type]
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(respond, "deliver", self.world.put_answer)
        self.patch.setattr(delivery, "deliver", self.world.put_answer)

    def _is_idle(self) -> bool:
        return self.world.stack.waiting is None

    # The stack

    @precondition(lambda self: self._is_idle() and not self.world.stack.is_broken)
    @rule(
        choice=CHOICES,
        fails_later=st.booleans(),
        held=st.sampled_from([0, 0, 0, 10, 300]),
        run=st.tuples(
            st.sampled_from([3, 0, 40, 1000]), st.sampled_from(["completed", "completed", "failed", STUMBLES])
        ),
        traps=st.lists(TRAPS, max_size=2),
    )
    def deploy(
        self, choice: int, fails_later: bool, held: int, run: tuple[int, str], traps: list[tuple[Any, ...]]
    ) -> None:
        """The properties change; `run` is how long the next runs take, and how they end."""
        self.world.pass_time(2)
        self.world.server.next_run = run
        self.world.calls.traps += [Trap(*trap) for trap in traps]
        stack = self.world.stack
        others = [each for each in self.properties if stack.current is None or each != stack.current.properties]
        stack.deploy(others[choice // 2 % len(others)], fails_later=fails_later)
        if not self._is_idle():
            self._deliveries()[-1].due_epoch_s += held

    @precondition(lambda self: self._is_idle() and self.world.stack.current)
    @rule()
    def remove(self) -> None:
        self.world.pass_time(2)
        self.world.stack.remove()

    @precondition(lambda self: not self._is_idle())
    @rule()
    def sibling_fails(self) -> None:
        self.world.stack.sibling_fails()

    # Time and order

    @rule(seconds=st.sampled_from([1, 5, 35, 200]))
    def pass_time(self, seconds: int) -> None:
        self.world.pass_time(seconds)

    @precondition(lambda self: self.world.due_tasks())
    @rule(choice=CHOICES)
    def act(self, choice: int) -> None:
        """Something that is due happens, in any order."""
        due = self.world.due_tasks()
        self.world.run_task(due[choice % len(due)])

    @precondition(lambda self: self.world.stack.sent)
    @rule(choice=CHOICES)
    def deliver_again(self, choice: int) -> None:
        """Lambda delivers at least once."""
        sent = list(self.world.stack.sent.values())
        self.world.deliver_later(sent[choice % len(sent)].event)

    @precondition(lambda self: self._deliveries())
    @rule(choice=CHOICES, seconds=st.sampled_from([10, 90, 300, 5 * 3600]))
    def hold_back(self, choice: int, seconds: int) -> None:
        """Lambda may deliver an event hours late."""
        deliveries = self._deliveries()
        task = deliveries[choice % len(deliveries)]
        task.due_epoch_s = min(task.due_epoch_s + seconds, self.world.now + LAMBDA_KEEPS_SECONDS)

    def _deliveries(self) -> list[Any]:
        return [task for task in self.world.tasks if task.name.startswith("delivery of")]

    # What breaks

    @rule(trap=TRAPS)
    def set_trap(self, trap: tuple[Any, ...]) -> None:
        """A call that is yet to come does not go well."""
        self.world.calls.traps.append(Trap(*trap))

    @precondition(lambda self: any(each.status == "RUNNING" for each in self.world.states.executions))
    @rule(choice=CHOICES)
    def abort_execution(self, choice: int) -> None:
        running = [each for each in self.world.states.executions if each.status == "RUNNING"]
        running[choice % len(running)].end("ABORTED")

    # What always holds

    @invariant()
    def what_the_stack_relies_on_is_there(self) -> None:
        server = self.world.server
        for physical_id in self.world.stack.kept_ids:
            thread_id, _, run_id = physical_id.partition(":")
            if physical_id.startswith(("file_", "vs_")):
                assert physical_id in {*server.stored, *server.stores}, f"{physical_id} is gone"
            if thread_id.startswith("conv_") and run_id.startswith("resp_"):
                assert {thread_id, run_id} <= {*server.items, *server.responses}, f"{physical_id} is gone"

    @invariant()
    def one_request_starts_one_run(self) -> None:
        for request_id, runs in self.world.starts.items():
            again = [run for run in runs[:-1] if not self.world.server.leaves_no_trace(run)]
            assert not again, f"{request_id} started {runs}"

    @invariant()
    def a_request_has_one_answer(self) -> None:
        for request_id, sent in self.world.stack.sent.items():
            seen = {
                (answer["Status"], answer["PhysicalResourceId"], answer.get("Reason"))
                for answer in sent.answers
                # Past the deadline, with the table out of reach: better a second answer than none.
                if PLAIN not in answer.get("Reason", "")
            }
            assert sent.is_dropped or len(seen) <= 1, f"{request_id} was answered {seen}"

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        try:
            self._end()
        finally:
            self.patch.undo()

    def _end(self) -> None:
        """Everything comes to rest, and the stack is deleted: nothing may be left."""
        world, stack = self.world, self.world.stack
        world.come_to_rest()
        if stack.current:
            self.remove()
            world.come_to_rest()
        self.what_the_stack_relies_on_is_there()
        self.one_request_starts_one_run()
        self.a_request_has_one_answer()
        assert stack.waiting is None, "CloudFormation waits for ever"
        assert world.record is None or world.record.undelivered is None, "the record has an unanswered request"
        if stack.orphans:
            return  # CloudFormation tried three times: what it left to the user is the user's.
        assert not world.left_on_server(), "something is left on the server"
        assert not world.blocking_calls(), "a call blocks the shared thread"
        assert world.record is None or not world.record.made, "something is left in the record"
        expiring = ("RESOURCE#", "ASSISTANT#", "WAIT#", "FILE#")
        items = {key for key in world.table.items if not key.startswith(expiring)}
        assert not items, "an item is left"
