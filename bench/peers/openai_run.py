"""What both peers' handlers do with the API: start a run on a new conversation, look at it, delete it.

Standard library only: the smallest package and the fastest start that a peer's user could have.
"""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from collections.abc import Mapping
from functools import cache
from typing import Any

import boto3

FAILED_STATUSES = ("failed", "incomplete", "cancelled")


class RunFailed(RuntimeError):
    """The run ended without an answer; the text is the API's reason."""


def start(properties: Mapping[str, Any]) -> str:
    """Start the run that the properties describe; returns `conversation:response`."""
    conversation = _call("POST", "conversations", {})["id"]
    body = {"model": properties["model"], "input": properties["input"], "metadata": properties["metadata"]}
    run = _call("POST", "responses", {**body, "conversation": conversation, "background": True, "store": True})
    return f"{conversation}:{run['id']}"


def look(physical_id: str) -> dict[str, str] | None:
    """The run's attributes, None while it goes on; raises `RunFailed`."""
    run = _call("GET", f"responses/{physical_id.split(':')[1]}")
    if run["status"] in FAILED_STATUSES:
        reason = run.get("error") or run.get("incomplete_details") or {}
        raise RunFailed(f"run {run['id']} ended {run['status']}: {json.dumps(reason)}")
    if run["status"] != "completed":
        return None
    parts = [part for item in run["output"] if item["type"] == "message" for part in item["content"]]
    text = "".join(part.get("text", "") for part in parts)
    return {"status": run["status"], "model": run["model"], "usage": json.dumps(run["usage"]), "output_text": text}


def delete(physical_id: str) -> None:
    """Delete run and conversation; an id that `start` never gave, or one that is gone, is no error."""
    conversation, _, run = physical_id.partition(":")
    for path in (f"responses/{run}", f"conversations/{conversation}") if run.startswith("resp_") else ():
        try:
            _call("DELETE", path)
        except urllib.error.HTTPError as error:
            if error.code != 404:
                raise


@cache
def _api_key() -> str:
    secret = boto3.client("secretsmanager").get_secret_value(SecretId=os.environ["OPENAI_API_KEY_SECRET_ARN"])
    return str(secret["SecretString"])


def _call(method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {_api_key()}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    url = f"{os.environ['OPENAI_BASE_URL']}/{path}"
    with urllib.request.urlopen(urllib.request.Request(url, data, headers, method=method), timeout=30) as reply:
        return dict(json.loads(reply.read()))
