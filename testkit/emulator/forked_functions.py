"""Functions start as forks of one process that has imported their layer: for tests, which start them by the hundred.

An option, because a start then takes a quarter of its time, and `bench` measures starts. Only functions with the first
layer that the emulator meets are forked; each has an environment, a working directory and streams of its own.
"""

import inspect
import multiprocessing
import os
import runpy
import subprocess
import sys
from multiprocessing.connection import Connection
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any

from ministack.core import lambda_runtime

from local.embedded_cloud.drift_guard import DriftError
from testkit.emulator import preloaded_layer
from testkit.emulator.preloaded_layer import LAYER

_STARTS_A_WORKER = "subprocess.Popen(\n            [binary, worker_path],"
_LAYERS = "_LAMBDA_LAYERS_DIRS"
_forks = multiprocessing.get_context("forkserver")


class _Fork:
    """What ministack uses of a `subprocess.Popen`, for a worker that is forked."""

    def __init__(self, script: str, directory: str, environment: dict[str, str]) -> None:
        reads, stdin = _forks.Pipe(duplex=False)
        stdout, writes = _forks.Pipe(duplex=False)
        stderr, complains = _forks.Pipe(duplex=False)
        given = (script, directory, environment, (reads, writes, complains))
        self._process = _forks.Process(target=_work, args=given, daemon=True)
        self._process.start()
        for end in (reads, writes, complains):
            end.close()
        self.stdin, self.stdout, self.stderr = _text(stdin, "w"), _text(stdout, "r"), _text(stderr, "r")
        self.pid = self._process.pid
        self.terminate, self.kill = self._process.terminate, self._process.kill

    @property
    def returncode(self) -> int | None:
        return self.poll()

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int | None:
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
        return self._process.exitcode


def _text(end: Connection, mode: str) -> IO[Any]:
    descriptor = os.dup(end.fileno())
    end.close()
    return os.fdopen(descriptor, mode, buffering=1, encoding="utf-8")


def _work(script: str, directory: str, environment: dict[str, str], streams: tuple[Connection, ...]) -> None:
    for number, stream in enumerate(streams):
        os.dup2(stream.fileno(), number)
        stream.close()
    sys.stdin, sys.stdout, sys.stderr = os.fdopen(0), os.fdopen(1, "w"), os.fdopen(2, "w", buffering=1)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(directory)
    runpy.run_path(script, run_name="__main__")


def _start(command: list[str], **more: Any) -> Any:
    """Start a worker: a fork where its only layer is the one that is preloaded."""
    layer = Path(more.get("env", {}).get(_LAYERS) or os.devnull).resolve()
    is_alone = command[0] == sys.executable and layer.is_dir()
    if not is_alone or os.environ.setdefault(LAYER, str(layer)) != str(layer):
        return subprocess.Popen(command, **more)
    return _Fork(command[1], more["cwd"], more["env"])


def install() -> None:
    """Patch how a worker's process is started; DriftError when ministack starts it in another way."""
    if _STARTS_A_WORKER not in inspect.getsource(lambda_runtime.Worker._spawn):
        raise DriftError(f"Worker._spawn no longer holds {_STARTS_A_WORKER!r}")
    _forks.set_forkserver_preload([preloaded_layer.__name__])
    lambda_runtime.subprocess = SimpleNamespace(**(vars(subprocess) | {"Popen": _start}))
