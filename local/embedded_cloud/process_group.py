"""Ends a process with all its children, which can be many function workers, and finds free ports."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

TERMINATE_SECONDS = 3.0
KILL_SECONDS = 2.0
_PROC = Path("/proc")


def free_port(host: str) -> int:
    """Return a TCP port that is free now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def end_process_group(leader_pid: int, process: "subprocess.Popen[bytes] | None") -> None:
    """Terminate the group that `leader_pid` leads, kill what is left after TERMINATE_SECONDS, wait until it is gone.

    `process` is the leader when this interpreter started it.
    """
    deadline = time.monotonic() + TERMINATE_SECONDS
    while time.monotonic() < deadline + KILL_SECONDS:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(leader_pid, signal.SIGTERM if time.monotonic() < deadline else signal.SIGKILL)
        # A dead process may remain as a zombie until its new parent reaps it.
        if not any(each.group == leader_pid and not each.state.startswith("Z") for each in running_processes()):
            if process is not None:
                process.wait()
            return
        time.sleep(0.05)


class RunningProcess(NamedTuple):
    """One process of this machine."""

    pid: int
    group: int
    state: str
    command: str


def running_processes() -> Iterator[RunningProcess]:
    """Yield every process, from /proc if it exists (a small container has no `ps`), otherwise from `ps`."""
    if not _PROC.is_dir():
        listed = subprocess.run(["ps", "-A", "-o", "pid=,pgid=,stat=,command="], capture_output=True, text=True)
        for line in listed.stdout.splitlines():
            pid, group, state, command = line.split(maxsplit=3)
            yield RunningProcess(int(pid), int(group), state, command)
    for directory in _PROC.glob("[0-9]*"):
        with contextlib.suppress(OSError):  # It ended meanwhile.
            # The second field, the program's name, may hold spaces and brackets.
            state, _, group, *_ = (directory / "stat").read_text().rpartition(")")[2].split()
            command = (directory / "cmdline").read_text().replace("\0", " ")
            yield RunningProcess(int(directory.name), int(group), state, command)
