"""A resource with crhelper's polling: `create` starts, `poll_create` is asked every two minutes.

Source: https://pypi.org/project/crhelper/
"""

from __future__ import annotations

from http.client import HTTPConnection
from typing import Any

import crhelper.utils
import openai_run
from crhelper import CfnResource

helper = CfnResource()


@helper.create
@helper.update
def start(event: dict[str, Any], context: object) -> str:
    """Start the run; crhelper keeps the id for the polls."""
    return str(openai_run.start(event["ResourceProperties"]))


@helper.poll_create
@helper.poll_update
def look(event: dict[str, Any], context: object) -> str | None:
    """The physical id once the run has ended, which ends the polling."""
    physical_id = str(event["CrHelperData"]["PhysicalResourceId"])
    attributes = openai_run.look(physical_id)
    if attributes is None:
        return None
    helper.Data.update(attributes)
    return physical_id


@helper.delete
def delete(event: dict[str, Any], context: object) -> None:
    """Remove the run."""
    openai_run.delete(event["PhysicalResourceId"])


def handler(event: dict[str, Any], context: object) -> None:
    """Entry point of the ServiceToken and of the schedule."""
    print(event["RequestId"])
    if event["ResponseURL"].startswith("http://"):
        # The embedded cloud has no TLS, and crhelper knows nothing else.
        vars(crhelper.utils)["HTTPSConnection"] = lambda host, context: HTTPConnection(host)
    helper(event, context)
