"""`make bench BENCH=--cold-start`: how long Lambda's init phase takes to import each handler, the peers' too.

Each import is a process of its own, with the layer as it is built and nothing else but boto3, which the runtime
brings with its bytecode. Like Lambda's /opt, the layer is not written to: what has no bytecode is compiled each time.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from rich.console import Console

from local.deployment import ROOT, RUNTIME_PACKAGES, build, reading_build
from local.progress import step

TRIES = 5
HANDLERS = {
    "CustomResource": "custom_resource",
    "Reconcile": "reconcile",
    "CallTool": "call_tool",
    "Signal": "signal",
    "Responder": "responder",
    "WebhookFunction": "webhook",
}
"""Folder of each handler by a part of the function's name."""
PEERS = Path(__file__).parent / "peers"
PEERS_HANDLERS = {"OnEvent": "cdk_handler", "IsComplete": "cdk_handler", "crhelper": "crhelper_handler"}
FRAMEWORK_S = 0.097
"""Of the functions of the CDK's Provider framework, named `framework…`: how long Node 20 takes, the median of five, to
`require` custom-resources/lib/provider-framework/runtime/framework.js of aws-cdk-lib 2.276.0, with
@aws-sdk/client-lambda and @aws-sdk/client-sfn, which Lambda's runtime has and the bench has not."""
EVERYTHING = (
    "threadrun.providers.responses.backend",
    "threadrun.providers.assistants_v2.backend",
    "jsonschema",
    "openai.resources.responses",
)
"""What a handler imports whose author puts every import at the top."""
SETTINGS = {"TABLE_NAME": "table", "AWS_DEFAULT_REGION": "us-east-1", "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand"}


@dataclass(frozen=True)
class ColdStart:
    """Seconds to import a handler, the median of some tries."""

    handler: str
    built_s: float
    naive_s: float

    @property
    def share(self) -> float:
        return self.built_s / self.naive_s


@dataclass(frozen=True)
class Measured:
    """Each handler as built and naively built; the peers' handlers; and what boto3 and Powertools alone take."""

    ours: Mapping[str, ColdStart]
    """By a part of the function's name."""
    peers_s: Mapping[str, float]
    bare_s: float

    @property
    def inits_s(self) -> dict[str, float]:
        """By a part of the function's name, for the profiles."""
        return {name: each.built_s for name, each in self.ours.items()} | {"framework": FRAMEWORK_S, **self.peers_s}


def measure(console: Console) -> Measured:
    layer = build().parent / "ThreadRunLayer" / "python"
    with tempfile.TemporaryDirectory() as temporary, reading_build():
        runtime, naive = Path(temporary, "runtime"), Path(temporary, "naive")
        runtime.mkdir()
        site_packages = Path(sys.prefix) / "lib" / f"python3.{sys.version_info.minor}" / "site-packages"
        for name in (*RUNTIME_PACKAGES, "crhelper"):
            (runtime / name).symlink_to(site_packages / name)
        shutil.copytree(layer, naive, ignore=shutil.ignore_patterns("__pycache__"))
        ours = {}
        for part, handler in HANDLERS.items():
            with step(console, f"importing {handler}", 60):
                function = ROOT / "functions" / handler
                built_s = _import_seconds([layer, function, runtime], ["app"])
                naive_s = _import_seconds([naive, function, runtime], [*EVERYTHING, "app"])
                ours[part] = ColdStart(handler, built_s, naive_s)
        peers_s = {part: _import_seconds([PEERS, runtime], [module]) for part, module in PEERS_HANDLERS.items()}
        bare_s = _import_seconds([layer, runtime], ["boto3", "aws_lambda_powertools"])
    return Measured(ours, peers_s, bare_s)


def _import_seconds(path: Sequence[Path], modules: Sequence[str]) -> float:
    script = (
        f"import sys, time; sys.path[:0] = {[str(each) for each in path]!r}; began = time.perf_counter(); "
        f"import {', '.join(modules)}; print(time.perf_counter() - began)"
    )
    # Without a site directory and without a cache to write to, as in Lambda.
    command = [sys.executable, "-S", "-B", "-c", script]
    tries = [subprocess.run(command, env=SETTINGS, capture_output=True, text=True) for _ in range(TRIES)]
    for each in tries:
        if each.returncode != 0:
            raise RuntimeError(f"a handler cannot be imported: {each.stderr[-1000:]}")
    return median(float(each.stdout) for each in tries)


def write(page: Path, inits: Path, measured: Measured) -> None:
    """As tables in Markdown, and for the profiles."""
    inits.write_text(json.dumps({name: round(init_s, 3) for name, init_s in measured.inits_s.items()}, indent=2) + "\n")
    starts = measured.ours.values()
    lines = [
        "# Cold start",
        "",
        "Written by `make bench BENCH=--cold-start`: seconds to import a handler in a fresh process, with what its",
        f"first event needs of the SDK; the median of {TRIES}. *Naive* is the same code without bytecode in the layer,",
        "and with both wires and every library imported at the top. On Lambda the times differ, the shares less so.",
        "",
        "| handler | as built (s) | naive (s) | share |",
        "| --- | ---: | ---: | ---: |",
        *(f"| {each.handler} | {each.built_s:.3f} | {each.naive_s:.3f} | {each.share:.0%} |" for each in starts),
        f"| boto3 and Powertools alone | {measured.bare_s:.3f} | | |",
        "",
        "The peers' functions, whose handlers use the standard library and boto3; of the CDK's framework it is how",
        "long Node's `require` takes:",
        "",
        "| function | seconds |",
        "| --- | ---: |",
        *(f"| {part} | {init_s:.3f} |" for part, init_s in {"framework": FRAMEWORK_S, **measured.peers_s}.items()),
        "",
    ]
    page.write_text("\n".join(lines))
