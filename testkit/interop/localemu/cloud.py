"""LocalEmu as a cloud: started, and reached by the clients that the embedded cloud is reached by."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3

from local.deployment import BUILD
from local.embedded_cloud.process import environment_of_clients
from local.embedded_cloud.process_group import free_port
from testkit.interop.servers import HOST, process

HERE = Path(__file__).parent
JSONATA = BUILD / "interop" / "jsonata" / "node_modules"
REGION, ACCOUNT = "us-east-1", "000000000000"


class LocalEmu:
    """As much of `EmbeddedCloud` as a deployment needs."""

    region = REGION

    def __init__(self, port: int) -> None:
        self.endpoint = f"http://{HOST}:{port}"

    def environment(self) -> dict[str, str]:
        return environment_of_clients(self.endpoint, REGION)

    def client(self, service: str) -> Any:
        return boto3.client(
            service,  # type: ignore[call-overload]
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id=ACCOUNT,
            aws_secret_access_key="test",
        )


@contextmanager
def localemu() -> Iterator[LocalEmu]:
    """Start it, for as long as the block lasts."""
    cloud = LocalEmu(port := free_port(HOST))
    variables = {
        "GATEWAY_LISTEN": f"{HOST}:{port}",
        "LOCALEMU_HOST": f"{HOST}:{port}",
        "DNS_ADDRESS": "0",
        "SKIP_SSL_CERT_DOWNLOAD": "1",
        "NODE_PATH": str(JSONATA),
        "JSONATA_SERVER": str(HERE / "jsonata_server.js"),
        "FUNCTION_PYTHON": sys.executable,
        "FUNCTION_WORKER": str(HERE / "worker.py"),
    }
    ready = f"{cloud.endpoint}/_localemu/health"
    with process("localemu", ["python", str(HERE / "runtime.py")], variables, ready):
        yield cloud


def jsonata_version() -> str:
    return str(json.loads((JSONATA / "jsonata" / "package.json").read_text())["version"])
