"""Follows one create or update of a stack: starts its custom resources in parallel and cancels them when one fails."""

import contextvars
import copy
import threading
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from ministack.core.responses import now_iso
from ministack.services.cloudformation import engine, stacks

from local.embedded_cloud.custom_resources import ResourceFailedError, is_custom, ledger, made_up_physical_id
from local.embedded_cloud.drift_guard import Function

Result = tuple[str, dict[str, Any]]
"""Physical id and attributes."""
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

    def provision(self, stack_name: str) -> Result:
        """Create or update the resource as ministack does."""
        result: Result
        if self.previous is None:
            result = stacks._provision_resource(self.resource_type, self.logical_id, self.props, stack_name)
        else:
            physical_id, old_props = self.previous["PhysicalResourceId"], self.previous["Properties"]
            names, attributes = (stack_name, self.logical_id), self.previous["Attributes"]
            result = stacks._update_resource(self.resource_type, physical_id, old_props, self.props, *names, attributes)
        return result

    def record(self, verb: str) -> dict[str, Any]:
        """Return the stack's record of this resource, as ministack keeps it."""
        succeeded = self.outcome.done() and self.outcome.exception() is None
        return {
            "PhysicalResourceId": self.physical_id,
            "ResourceType": self.resource_type,
            "ResourceStatus": f"{verb}_{'COMPLETE' if succeeded else 'FAILED'}",
            "LogicalResourceId": self.logical_id,
            "Properties": self.props,
            "Attributes": self.outcome.result()[1] if succeeded else (self.previous or {}).get("Attributes", {}),
            "Timestamp": now_iso(),
        }


@dataclass
class StackOperation:
    """State of one running create or update; the event loop and the threads of its custom resources share it."""

    stack: dict[str, Any]
    template: dict[str, Any]
    parameters: dict[str, Any]
    previous_resources: dict[str, Any]
    add_event: Function
    """ministack's own, which records an event of a resource."""
    is_update: bool

    deleted: bool = False
    user_cancelled: bool = False
    orphaned: bool = False
    stopped: bool = False
    in_rollback: bool = False

    def __post_init__(self) -> None:
        self.stack_id, self.stack_name = str(self.stack["StackId"]), str(self.stack["StackName"])
        self.jobs: dict[str, Job] = {}
        self.failed_ids: list[str] = []
        self._lock = threading.RLock()
        self._known: dict[str, Any] = {}  # records of what this operation has finished, by logical id
        self._announced: set[tuple[str, str]] = set()
        self._conditions = engine._evaluate_conditions(self.template, self.parameters)
        self._definitions = {
            logical_id: definition
            for logical_id, definition in self.template.get("Resources", {}).items()
            if self._conditions.get(definition.get("Condition"), True)
        }

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
                event = (logical_id, resource_type, status, reason, physical_id)
                self.add_event(self.stack_id, self.stack_name, *event)

    def result_of(self, logical_id: str, resource_type: str, props: dict[str, Any]) -> Result:
        """Wait for this custom resource and return its result; raise what made it fail or cancelled it."""
        with self._lock:
            self.raise_if_stopped(logical_id)
            if logical_id not in self.jobs:
                self._start(logical_id, resource_type, props)
            job = self.jobs[logical_id]
        self.start_ready()
        return job.outcome.result()

    def start_ready(self) -> None:
        """Start every custom resource whose dependencies this operation has finished."""
        with self._lock:
            for logical_id, definition in self._definitions.items():
                if self.stopped:
                    return
                waiting = engine._extract_deps(definition, set(self._definitions)) - self._known.keys()
                if is_custom(definition.get("Type", "")) and logical_id not in self.jobs and not waiting:
                    self._start_from_template(logical_id, definition)

    def raise_if_stopped(self, logical_id: str) -> None:
        """Raise CancelledByStackError when nothing more may be started."""
        if self.stopped and logical_id not in self.jobs:
            raise CancelledByStackError(self._cancel_reason(logical_id))

    def stop(self) -> None:
        """Start nothing more and cancel what runs: its Create continues, its response no longer counts."""
        with self._lock:
            self.stopped = True
            for job in self.jobs.values():
                if not job.outcome.done():
                    reason = self._cancel_reason(job.logical_id)
                    self._fail(job, CancelledByStackError(reason))
                    ledger.close(self.stack_id, job.logical_id, reason)

    def _start_from_template(self, logical_id: str, definition: dict[str, Any]) -> None:
        known, mappings = {**self.stack["_resources"], **self._known}, self.template.get("Mappings", {})
        context = (known, self.parameters, self._conditions, mappings, self.stack_name, self.stack_id)
        try:
            props = engine._resolve_refs(copy.deepcopy(definition.get("Properties", {})), *context)
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
        job = self.jobs[logical_id] = Job(logical_id, resource_type, props, copy.deepcopy(previous))
        self.announce(logical_id, resource_type, "START_IN_PROGRESS", "", "")
        context = contextvars.copy_context()
        context.run(CURRENT.set, None)  # what it calls of ministack is not this operation's loop
        threading.Thread(target=context.run, args=(self._run, job), daemon=True).start()

    def _run(self, job: Job) -> None:
        try:
            result = job.provision(self.stack_name)
        except Exception as error:
            with self._lock:
                if not job.outcome.done():
                    self._fail(job, error)
                    self.stop()
            return
        with self._lock:
            if job.outcome.done():
                return
            job.physical_id = result[0]
            job.outcome.set_result(result)
            self._known[job.logical_id] = job.record(self.verb(job.logical_id))
            self.announce(job.logical_id, job.resource_type, "END_COMPLETE", "", result[0])
        self.start_ready()

    def _fail(self, job: Job, error: Exception) -> None:
        if isinstance(error, ResourceFailedError):
            job.physical_id = error.physical_id
        else:
            known = (job.previous or {}).get("PhysicalResourceId", "")
            job.physical_id = known or made_up_physical_id(self.stack_name, job.logical_id)
        job.outcome.set_exception(error)
        self.announce(job.logical_id, job.resource_type, "END_FAILED", str(error), job.physical_id)

    def _cancel_reason(self, logical_id: str) -> str:
        return f"Resource {'update' if self.verb(logical_id) == 'UPDATE' else 'creation'} cancelled"
