"""What a child of the contract-runner takes from itself before it runs anything.

Contracts can't reach the host but through their imports. This is for the day on which the engine
has a hole: the process then has no file, no network, no program and no other process to turn to.
"""

import ctypes
import os
import resource
import signal
from pathlib import Path
from typing import Final

from quorate.contracts import landlock, seccomp
from quorate.core.errors import RefusedToStart

NO_SANDBOX: Final = "NO_SANDBOX"
_PR_SET_PDEATHSIG: Final = 1
_OOM_FIRST: Final = "1000"


def follow_parent(parent: int) -> None:
    """Die when the parent does; at once if it is gone already."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(0)


def give_way() -> None:
    """Be the first to go when memory is short, and leave no core behind."""
    Path("/proc/self/oom_score_adj").write_text(_OOM_FIRST)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def bound_memory(more_bytes: int) -> None:
    """Let this process take so much more memory than it has reserved, and no more."""
    pages = int(Path("/proc/self/statm").read_text().split()[5])
    most = pages * resource.getpagesize() + more_bytes
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def enclose() -> None:
    """Give up files, network, programs and other processes for good; raises OSError."""
    landlock.install()
    seccomp.install()


def find_lack() -> str:
    """Return what this machine lacks for `enclose`; empty when nothing."""
    if not seccomp.is_known():
        return f"a system call filter for {os.uname().machine}"
    if not landlock.find_version():
        return "landlock (Linux 5.13 or later, with landlock among its security modules)"
    return ""


def check() -> None:
    """Raise RefusedToStart where children can't be enclosed."""
    lack = find_lack()
    if lack:
        raise refuse(f"this machine lacks {lack}")


def refuse(why: str) -> RefusedToStart:
    """Return the refusal to run contracts without a sandbox."""
    return RefusedToStart(
        f"contracts can't be enclosed: {why}; on a network of your own, contracts_sandbox = false "
        "in node.toml, or QUORATE_CONTRACTS_SANDBOX=false in the environment, runs them without",
        reason=NO_SANDBOX,
        lack=why,
    )
