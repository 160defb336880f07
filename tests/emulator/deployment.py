"""Deploys small stacks of custom resources to the emulator and reads back what happened."""

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

from local.deployment import stack_outputs, stack_status
from local.embedded_cloud import EmbeddedCloud
from tests.support.until import until

Resources = dict[str, Any]
CODE = """
import json, os, tempfile, time, urllib.error, urllib.request

class ProviderBroken(Exception):
    pass

def handler(event, context):
    if "RequestType" not in event:
        raise KeyError("no request")
    plan = event["ResourceProperties"].get(event["RequestType"], {})
    time.sleep(float(plan.get("delay_seconds", 0)))
    tries = count(event["RequestId"])
    if tries <= int(plan.get("raises", 0)):
        raise ProviderBroken("try %d" % tries)
    default = event.get("PhysicalResourceId") or event["LogicalResourceId"] + "-id"
    response = {"Status": "SUCCESS", "PhysicalResourceId": default}
    response.update({key: event[key] for key in ("StackId", "RequestId", "LogicalResourceId")})
    response.update(plan.get("response", {}))
    response = {key: value for key, value in response.items() if value != "(absent)"}
    body = plan.get("body") or json.dumps(response, ensure_ascii=False)
    url = event["ResponseURL"]
    if plan.get("forge_first"):
        put(url + "0", body)
    while put(url, body) >= 500:
        time.sleep(0.1)
    if plan.get("again"):
        put(url, json.dumps({**response, **plan["again"]}))

def count(request_id):
    path = os.path.join(tempfile.gettempdir(), request_id)
    with open(path, "a") as tries:
        tries.write(".")
    return os.path.getsize(path)

def put(url, body):
    request = urllib.request.Request(url, data=body.encode(), method="PUT", headers={"Content-Type": ""})
    try:
        return urllib.request.urlopen(request).status
    except urllib.error.HTTPError as error:
        return error.code
"""
"""The custom resource's function: its properties say, per request type, how it behaves."""


def zipped(name: str, text: str) -> bytes:
    """A package with one file, the same bytes at any time."""
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr(zipfile.ZipInfo(name), text)
    return package.getvalue()


class Deployment:
    """One account of the cloud with the provider function in it, for one test."""

    def __init__(self, cloud: EmbeddedCloud, account: str) -> None:
        self.cloud, self.account = cloud, account
        self.cloudformation = self.client("cloudformation")
        self.function_arn = self.create_function("provider", CODE)

    def client(self, service: str) -> Any:
        return self.cloud.client(service, self.account)

    def create_function(self, name: str, code: str, **more: Any) -> str:
        created = self.client("lambda").create_function(
            FunctionName=name,
            Runtime="python3.11",
            Handler="app.handler",
            Role=f"arn:aws:iam::{self.account}:role/any",
            Code={"ZipFile": zipped("app.py", code)},
            Timeout=20,
            **more,
        )
        return str(created["FunctionArn"])

    def thing(self, depends_on: list[str] | None = None, timeout_seconds: int = 15, **properties: Any) -> Resources:
        """A custom resource whose `Create`, `Update` and `Delete` properties say how the provider behaves."""
        fixed = {"ServiceToken": self.function_arn, "ServiceTimeout": timeout_seconds}
        resource: Resources = {"Type": "Custom::Thing", "Properties": {**fixed, **properties}}
        return {**resource, "DependsOn": depends_on} if depends_on else resource

    def create(
        self, outputs: dict[str, Any] | None = None, wait: bool = True, *, keep: bool = False, **resources: Any
    ) -> str:
        """Create the stack `demo` and return its final status."""
        body = _template(resources, outputs)
        self.cloudformation.create_stack(StackName="demo", TemplateBody=body, DisableRollback=keep)
        return self.settled() if wait else ""

    def update(self, outputs: dict[str, Any] | None = None, wait: bool = True, **resources: Any) -> str:
        self.cloudformation.update_stack(StackName="demo", TemplateBody=_template(resources, outputs))
        return self.settled() if wait else ""

    def delete(self) -> str:
        self.cloudformation.delete_stack(StackName="demo")
        return self.settled(lambda status: status.startswith("DELETE_") and not status.endswith("PROGRESS"))

    def settled(self, is_final: Callable[[str], bool] = lambda status: not status.endswith("IN_PROGRESS")) -> str:
        until(lambda: is_final(self.status()))
        return self.status()

    def status(self) -> str:
        return stack_status(self, "demo")

    def requests(self, logical_id: str | None = None) -> list[dict[str, Any]]:
        """The events sent to the provider, oldest first."""
        events = self.cloud.sent_events(self.account)
        return [e for e in events if logical_id in (None, e["LogicalResourceId"])]

    def request_types(self, logical_id: str) -> list[str]:
        return [e["RequestType"] for e in self.requests(logical_id)]

    def responses(self) -> list[dict[str, Any]]:
        return self.cloud.received_responses(self.account)

    def stack_events(self) -> list[dict[str, Any]]:
        """The stack's events, oldest first."""
        stack_id = self.stack_id
        events: list[dict[str, Any]] = self.cloudformation.describe_stack_events(StackName=stack_id)["StackEvents"]
        return events[::-1]

    def history(self, logical_id: str) -> list[str]:
        return [e["ResourceStatus"] for e in self.stack_events() if e["LogicalResourceId"] == logical_id]

    def overlapped(self, *logical_ids: str) -> bool:
        """Whether the last thing that was done to these resources was done to all at the same time."""
        order = [(e["LogicalResourceId"], e["ResourceStatus"].split("_", 1)[1]) for e in self.stack_events()]
        last = {key: index for index, key in enumerate(order)}
        started = [last[logical_id, "IN_PROGRESS"] for logical_id in logical_ids]
        ended = [last[logical_id, "COMPLETE"] for logical_id in logical_ids]
        return max(started) < min(ended)

    def reason(self, logical_id: str, status: str) -> str:
        """Why the resource came to this status; the first time when it did more than once."""
        for event in self.stack_events():
            if (event["LogicalResourceId"], event["ResourceStatus"]) == (logical_id, status):
                return str(event.get("ResourceStatusReason", ""))
        raise AssertionError(f"{logical_id} was never {status}: {self.history(logical_id)}")

    def outputs(self) -> dict[str, str]:
        return stack_outputs(self, "demo")

    @property
    def stack_id(self) -> str:
        summaries = self.cloudformation.list_stacks()["StackSummaries"]
        return str(summaries[0]["StackId"])


def _template(resources: Resources, outputs: dict[str, Any] | None) -> str:
    shown = {name: {"Value": value} for name, value in (outputs or {}).items()}
    return json.dumps({"Resources": resources, **({"Outputs": shown} if shown else {})})
