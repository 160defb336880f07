"""Follows one create or update of a stack: starts its custom resources in parallel and cancels them when one fails."""

import contextvars
import copy
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from ministack.core.responses import now_iso
from ministack.services.cloudformation import engine

from local.embedded_cloud.custom_resources import (
    ResourceFailedError,
    is_custom,
    ledger,
    made_up_physical_id,
)

Result = tuple[str, dict[str, Any]]
# (stack name, type, logical id, new properties, record of the existing resource or None) -> physical id, attributes
Provision = Callable[[str, str, str, dict[str, Any], dict[str, Any] | None], Result]
# (logical id, resource type, status, reason, physical id)
RecordEvent = Callable[[str, str, str, str, str], None]

CURRENT: "contextvars.ContextVar[StackOperation | None]" = contextvars.ContextVar("stack_operation", default=None)
RUNNING: "dict[str, StackOperation]" = {}  # by stack id


class CancelledByStackError(RuntimeError):
    """CloudFormation gave this resource up because the operation failed elsewhere or was cancelled."""


@dataclass
class Job:
    """One custom resource that is being created or updated on a thread of its own."""

    logical_id: str
    resource_type: str
    props: dict[str, Any]
    previous: dict[str, Any] | None
    outcome: "Future[Result]" = field(default_factory=Future)
    physical_id: str = ""

    @property
    def succeeded(self) -> bool:
        """Whether the resource was created or updated."""
        return self.outcome.done() and self.outcome.exception() is None

    def record(self, status: str) -> dict[str, Any]:
        """Return the stack's record of this resource, as ministack keeps it."""
        attributes = self.outcome.result()[1] if self.succeeded else (self.previous or {}).get("Attributes", {})
        return {
            "PhysicalResourceId": self.physical_id,
            "ResourceType": self.resource_type,
            "ResourceStatus": status,
            "LogicalResourceId": self.logical_id,
            "Properties": self.props,
            "Attributes": attributes,
            "Timestamp": now_iso(),
        }


@dataclass
class StackOperation:
    """State of one running create or update; the event loop and the threads of its custom resources share it."""

    stack: dict[str, Any]
    template: dict[str, Any]
    parameters: dict[str, Any]
    previous_resources: dict[str, Any]
    record_event: RecordEvent
    provision: Provision
    is_update: bool = False

    deleted: bool = False
    user_cancelled: bool = False
    orphaned: bool = False
    stopped: bool = False
    in_rollback: bool = False

    def __post_init__(self) -> None:
        self._lock = threading.RLock()
        self._jobs: dict[str, Job] = {}
        self._known: dict[str, Any] = {}  # records of what this operation has finished, by logical id
        self._announced: set[tuple[str, str]] = set()
        self.failed_ids: list[str] = []
        self._conditions = engine._evaluate_conditions(self.template, self.parameters)
        self._definitions = {
            logical_id: definition
            for logical_id, definition in self.template.get("Resources", {}).items()
            if self._conditions.get(definition.get("Condition"), True)
        }

    @property
    def stack_id(self) -> str:
        """The ARN of the stack."""
        return str(self.stack["StackId"])

    def verb(self, logical_id: str) -> str:
        """CREATE, or UPDATE for a resource that the stack had before this operation."""
        return "UPDATE" if logical_id in self.previous_resources else "CREATE"

    def is_step(self, status: str) -> bool:
        """Whether this status belongs to a resource's creation or update, not to a rollback or clean-up."""
        prefix, _, suffix = status.partition("_")
        steps = ("IN_PROGRESS", "COMPLETE", "FAILED")
        return not self.in_rollback and prefix == ("UPDATE" if self.is_update else "CREATE") and suffix in steps

    def announce(self, logical_id: str, resource_type: str, status: str, reason: str, physical_id: str) -> None:
        """Record a resource event of this operation once: ministack's loop repeats the events of the threads."""
        with self._lock:
            status = f"{self.verb(logical_id)}_{status.split('_', 1)[1]}"
            if status.endswith("_COMPLETE") and logical_id in self.stack["_resources"]:
                self._known.setdefault(logical_id, self.stack["_resources"][logical_id])
            if status.endswith("_FAILED") and logical_id not in self.failed_ids:
                self.failed_ids.append(logical_id)
            if not is_custom(resource_type) or (logical_id, status) not in self._announced:
                self._announced.add((logical_id, status))
                self.record_event(logical_id, resource_type, status, reason, physical_id)

    def result_of(self, logical_id: str, resource_type: str, props: dict[str, Any]) -> Result:
        """Wait for this custom resource and return its result; raise what made it fail or cancelled it."""
        with self._lock:
            self.raise_if_stopped(logical_id)
            if logical_id not in self._jobs:
                self._start(logical_id, resource_type, props)
            job = self._jobs[logical_id]
        self.start_ready()
        return job.outcome.result()

    def start_ready(self) -> None:
        """Start every custom resource whose dependencies this operation has finished."""
        with self._lock:
            for logical_id, definition in self._definitions.items():
                if self.stopped:
                    return
                waiting = engine._extract_deps(definition, set(self._definitions)) - self._known.keys()
                if is_custom(definition.get("Type", "")) and logical_id not in self._jobs and not waiting:
                    self._start_from_template(logical_id, definition)

    def raise_if_stopped(self, logical_id: str) -> None:
        """Raise CancelledByStackError when nothing more may be started."""
        if self.stopped and logical_id not in self._jobs:
            raise CancelledByStackError(self._cancel_reason(logical_id))

    def stop(self) -> None:
        """Start nothing more and cancel what runs: its Create continues, its response no longer counts."""
        with self._lock:
            self.stopped = True
            for job in self._jobs.values():
                if not job.outcome.done():
                    reason = self._cancel_reason(job.logical_id)
                    self._fail(job, CancelledByStackError(reason), self._fallback_id(job))
                    ledger.close(self.stack_id, job.logical_id, reason)

    def uncollected_records(self, taken: set[str]) -> dict[str, dict[str, Any]]:
        """Return the records of this operation's custom resources that ministack's loop has not put in the stack."""
        with self._lock:
            return {
                logical_id: job.record(self.verb(logical_id) + ("_COMPLETE" if job.succeeded else "_FAILED"))
                for logical_id, job in self._jobs.items()
                if logical_id not in taken
            }

    def failed_physical_id(self, logical_id: str) -> str:
        """Return the physical id that goes with this resource's failure, empty when there is none."""
        with self._lock:
            return self._jobs[logical_id].physical_id if logical_id in self._jobs else ""

    def _start_from_template(self, logical_id: str, definition: dict[str, Any]) -> None:
        known = {**self.stack["_resources"], **self._known}
        try:
            props = engine._resolve_refs(
                copy.deepcopy(definition.get("Properties", {})),
                known,
                self.parameters,
                self._conditions,
                self.template.get("Mappings", {}),
                self.stack["StackName"],
                self.stack_id,
            )
            props = {key: value for key, value in props.items() if value is not engine._NO_VALUE}
            props, dynamic = engine._resolve_dynamic_references(props, None)
        except Exception:  # ministack's loop meets and reports the same error
            return
        if not dynamic:  # dynamic references can reuse earlier values: ministack's loop decides that
            self._start(logical_id, definition["Type"], props)

    def _start(self, logical_id: str, resource_type: str, props: dict[str, Any]) -> None:
        previous = self.previous_resources.get(logical_id)
        if previous is not None and previous.get("Properties") == props:
            self._known[logical_id] = previous
            return
        job = Job(logical_id, resource_type, props, copy.deepcopy(previous))
        self._jobs[logical_id] = job
        self.announce(logical_id, resource_type, "START_IN_PROGRESS", "", "")
        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(self._run, job), daemon=True).start()

    def _run(self, job: Job) -> None:
        try:
            result = self.provision(self.stack["StackName"], job.resource_type, job.logical_id, job.props, job.previous)
        except Exception as error:
            with self._lock:
                if not job.outcome.done():
                    known_id = error.physical_id if isinstance(error, ResourceFailedError) else self._fallback_id(job)
                    self._fail(job, error, known_id)
                    self.stop()
            return
        with self._lock:
            if job.outcome.done():
                return
            job.physical_id = result[0]
            job.outcome.set_result(result)
            status = f"{self.verb(job.logical_id)}_COMPLETE"
            self._known[job.logical_id] = job.record(status)
            self.announce(job.logical_id, job.resource_type, status, "", result[0])
        self.start_ready()

    def _fail(self, job: Job, error: Exception, physical_id: str) -> None:
        job.physical_id = physical_id
        job.outcome.set_exception(error)
        self.announce(job.logical_id, job.resource_type, "END_FAILED", str(error), physical_id)

    def _fallback_id(self, job: Job) -> str:
        known: str = (job.previous or {}).get("PhysicalResourceId", "")
        return known or made_up_physical_id(self.stack["StackName"], job.logical_id)

    def _cancel_reason(self, logical_id: str) -> str:
        return f"Resource {'update' if self.verb(logical_id) == 'UPDATE' else 'creation'} cancelled"
