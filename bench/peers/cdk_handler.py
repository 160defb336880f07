"""The user's side of the CDK Provider framework: `onEvent` starts, `isComplete` is asked every five seconds.

Source: https://docs.aws.amazon.com/cdk/api/v2/docs/aws-cdk-lib.custom_resources-readme.html
"""

from __future__ import annotations

from typing import Any

import openai_run


def on_event(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Create and Update start a run, Delete removes it."""
    print(event["RequestId"])
    if event["RequestType"] == "Delete":
        openai_run.delete(event["PhysicalResourceId"])
        return {}
    return {"PhysicalResourceId": openai_run.start(event["ResourceProperties"])}


def is_complete(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Whether the run has ended; raises where it failed, and the framework answers FAILED with that."""
    print(event["RequestId"])
    if event["RequestType"] == "Delete":
        return {"IsComplete": True}
    attributes = openai_run.look(event["PhysicalResourceId"])
    return {"IsComplete": False} if attributes is None else {"IsComplete": True, "Data": attributes}
