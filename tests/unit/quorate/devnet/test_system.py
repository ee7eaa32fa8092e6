"""Processes are known by number and start time, so a stale note never hits a stranger."""

import os
import signal
import subprocess
import sys

from quorate.devnet import system

_SLEEPER = [sys.executable, "-c", "import sys; print('up', flush=True); sys.stdin.read()"]


def _start() -> "subprocess.Popen[bytes]":
    child = subprocess.Popen(
        _SLEEPER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == b"up\n"
    return child


def test_live_process_is_identified_and_alive() -> None:
    me = system.identify(os.getpid())
    assert me is not None
    assert system.is_alive(me)


def test_same_number_with_another_start_time_is_not_alive_and_gets_no_signal() -> None:
    child = _start()
    try:
        stranger = system.ProcessId(child.pid, "0")
        assert not system.is_alive(stranger)
        assert not system.send_signal(stranger, signal.SIGKILL)
        assert child.poll() is None
    finally:
        child.kill()
        child.wait()


def test_killed_child_counts_as_gone_before_its_parent_has_taken_it_in() -> None:
    child = _start()
    process = system.identify(child.pid)
    assert process is not None
    assert system.send_signal(process, signal.SIGKILL, group=True)
    assert system.wait_gone(process, 5.0)
    child.wait()


def test_wait_gone_gives_up_at_its_deadline() -> None:
    child = _start()
    process = system.identify(child.pid)
    assert process is not None
    try:
        assert not system.wait_gone(process, 0.05)
    finally:
        child.kill()
        child.wait()


def test_tree_holds_children() -> None:
    child = _start()
    try:
        assert child.pid in system.list_tree(os.getpid())
    finally:
        child.kill()
        child.wait()


def test_usage_of_a_process_that_is_gone_is_zero() -> None:
    child = _start()
    child.kill()
    child.wait()
    assert system.read_usage(child.pid) == (0.0, 0)
