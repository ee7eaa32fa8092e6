"""What the operating system knows about a process: is it that one, what it used, when it ends.

A pid alone names nothing for long: numbers are given again. So a process is (pid, start time),
and nothing is ever signalled on a pid whose start time differs from the one written down.
"""

import os
import select
import signal
import subprocess
import time
from pathlib import Path
from typing import NamedTuple

_PROC = Path("/proc")
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_POLL_S = 0.02  # only where the system has no pidfd


class ProcessId(NamedTuple):
    """One process for good: its number and when it started (opaque text)."""

    pid: int
    start: str


class Usage(NamedTuple):
    """What a process tree has used: CPU seconds so far, resident bytes now."""

    cpu_s: float
    rss_bytes: int


def identify(pid: int) -> ProcessId | None:
    """Return the identity of a live process; None when there is none or it is a zombie."""
    fields = _read_stat(pid)
    if fields is not None:
        return None if fields[0] in "ZX" else ProcessId(pid, fields[19])
    if _PROC.joinpath("self").exists():
        return None
    return _identify_by_ps(pid)


def is_alive(process: ProcessId) -> bool:
    """Tell whether this very process (not a later one with its number) still runs."""
    return identify(process.pid) == process


def is_paused(process: ProcessId) -> bool:
    """Tell whether a process is stopped by SIGSTOP."""
    fields = _read_stat(process.pid)
    return fields is not None and fields[0] == "T" and is_alive(process)


def send_signal(process: ProcessId, number: signal.Signals, *, group: bool = False) -> bool:
    """Signal a process, or the group it leads; False when it no longer runs."""
    if not is_alive(process):
        return False
    try:
        if group:
            os.killpg(process.pid, number)
        else:
            os.kill(process.pid, number)
    except ProcessLookupError:
        return False
    return True


def wait_gone(process: ProcessId, timeout_s: float) -> bool:
    """Wait until a process has ended; False when it still runs after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    if not hasattr(os, "pidfd_open"):
        while is_alive(process) and time.monotonic() < deadline:
            select.select([], [], [], _POLL_S)
        return not is_alive(process)
    try:
        descriptor = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return True
    try:
        if is_alive(process):
            poller = select.poll()
            poller.register(descriptor, select.POLLIN)
            poller.poll(max(0.0, deadline - time.monotonic()) * 1_000)
    finally:
        os.close(descriptor)
    return not is_alive(process)


def list_tree(pid: int) -> list[int]:
    """Return a process and all its descendants (helpers are children of a validator)."""
    children: dict[int, list[int]] = {}
    for entry in _PROC.iterdir() if _PROC.exists() else ():
        if entry.name.isdigit() and (fields := _read_stat(int(entry.name))) is not None:
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found, queue = [], [pid]
    while queue:
        found.append(queue.pop())
        queue.extend(children.get(found[-1], ()))
    return found


def read_usage(pid: int) -> Usage:
    """Return what one process has used; zeros when it has gone."""
    fields = _read_stat(pid)
    if fields is None:
        return Usage(0.0, 0)
    cpu_s = (int(fields[11]) + int(fields[12])) / _TICKS_PER_SECOND
    return Usage(cpu_s, int(fields[21]) * _PAGE_BYTES)


def _read_stat(pid: int) -> list[str] | None:
    """Return the fields of /proc/<pid>/stat from `state` on."""
    try:
        text = _PROC.joinpath(str(pid), "stat").read_text()
    except OSError:
        return None
    return text.rpartition(")")[2].split()


def _identify_by_ps(pid: int) -> ProcessId | None:
    command = ["ps", "-o", "stat=,lstart=", "-p", str(pid)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    state, _, start = answer.stdout.strip().partition(" ")
    return ProcessId(pid, start.strip()) if start and not state.startswith("Z") else None
