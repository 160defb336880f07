"""Ends a process with all its children, which may be many function workers, and finds free ports."""

import os
import signal
import socket
import subprocess
import time

TERMINATE_SECONDS = 3.0
KILL_SECONDS = 2.0


def free_port(host: str) -> int:
    """Return a TCP port that nobody listens on right now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def end_process_group(leader_pid: int, process: "subprocess.Popen[bytes] | None") -> None:
    """Terminate the group that `leader_pid` leads, kill what is left after TERMINATE_SECONDS, wait until it is gone.

    `process` is the leader when this interpreter started it. A group of dead, unreaped processes counts as left.
    """
    deadline = time.monotonic() + TERMINATE_SECONDS
    while time.monotonic() < deadline + KILL_SECONDS:
        try:
            os.killpg(leader_pid, signal.SIGTERM if time.monotonic() < deadline else signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            break
        finally:
            _reap(leader_pid, process)
        time.sleep(0.05)


def _reap(leader_pid: int, process: "subprocess.Popen[bytes] | None") -> None:
    if process is not None:
        process.poll()
        return
    try:
        os.waitpid(leader_pid, os.WNOHANG)
    except ChildProcessError:
        pass  # someone else's child
