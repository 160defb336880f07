"""Many stacks at once, each with thread runs, and what is left of them: asked of CloudFormation and of the table."""

from __future__ import annotations

import time
import uuid
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Any

from local.deployment import Application
from local.embedded_cloud import EmbeddedCloud
from tests.support.stacks import Stack
from threadrun.state.resource import ResourceRecord
from threadrun.storage.records import Records

PATIENCE_SECONDS = 540
CONNECTIONS = 10
"""As many as boto3 keeps in its pool."""


class Stacks:
    """Stacks of the same kind, driven together."""

    def __init__(self, cloud: EmbeddedCloud, application: Application, count: int) -> None:
        self.cloud, self.application = cloud, application
        self._cloudformation, self._table = cloud.client("cloudformation"), cloud.client("dynamodb")
        self._prefix = f"load-{uuid.uuid4().hex[:8]}-"
        names = [f"{self._prefix}{number}" for number in range(count)]
        self.all = [Stack(cloud, application, name, self._cloudformation) for name in names]

    def create(self, properties: dict[str, Any], runs: int = 1) -> Counter[str]:
        """Create all of them, each with so many runs, whose metadata tell the stack; returns how many ended how."""
        self.begin_create(properties, runs)
        return self.settled()

    def begin_create(self, properties: dict[str, Any], runs: int = 1) -> None:
        def begin(stack: Stack) -> None:
            own = properties | {"metadata": {"stack": stack.name}}
            stack.begin_create(own, more={f"Run{number}": stack.resource(own) for number in range(1, runs)})

        self._each(begin)

    def delete(self) -> Counter[str]:
        self._each(Stack.begin_delete)
        return self.settled()

    def _each(self, action: Callable[[Stack], None]) -> None:
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            list(pool.map(action, self.all))

    def statuses(self) -> dict[str, str]:
        """By name, of the deleted ones too."""
        pages = self._cloudformation.get_paginator("list_stacks").paginate()
        found = {each["StackName"]: each["StackStatus"] for page in pages for each in page["StackSummaries"]}
        return {stack.name: found.get(stack.name, "DELETE_COMPLETE") for stack in self.all}

    def settled(self) -> Counter[str]:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while any(status.endswith("_IN_PROGRESS") for status in self.statuses().values()):
            assert time.monotonic() < deadline, f"after {PATIENCE_SECONDS} s: {Counter(self.statuses().values())}"
            time.sleep(1)
        return Counter(self.statuses().values())

    def requests(self) -> list[dict[str, Any]]:
        """CloudFormation's requests for them."""
        return [each for each in self.cloud.sent_events() if f"/{self._prefix}" in each["StackId"]]

    def answers(self) -> list[dict[str, Any]]:
        """What CloudFormation was answered, refused and repeated answers too."""
        asked = {each["RequestId"] for each in self.requests()}
        return [each for each in self.cloud.received_responses() if each["request_id"] in asked]

    @cached_property
    def _records(self) -> Records:
        return Records(self._table, self.application.table_name)

    def _keys(self, kind: str) -> list[dict[str, Any]]:
        pages = self._table.get_paginator("scan").paginate(TableName=self.application.table_name)
        return [item for page in pages for item in page["Items"] if item["pk"]["S"].startswith(kind)]

    def records(self) -> list[ResourceRecord]:
        keys = [item["pk"]["S"] for item in self._keys("RESOURCE#") if f"/{self._prefix}" in item["stack_id"]["S"]]
        return [record for key in keys if (record := self._records.load(key))]

    def public_items(self) -> set[str]:
        """The physical ids that the table has attributes of, those of other stacks too."""
        return {item["pk"]["S"].removeprefix("RUN#") for item in self._keys("RUN#")}
