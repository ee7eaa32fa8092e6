"""A filter of system calls: no network, no new process or program, no hold on other processes.

Classic BPF, as the kernel takes it. Whatever the filter refuses fails with EPERM, so that a refusal
shows as an error of the call and not as a death.
"""

import ctypes
import os
import platform
from struct import Struct
from typing import Final

_INSTRUCTION: Final = Struct("=HBBI")
_LOAD: Final = 0x20  # BPF_LD | BPF_W | BPF_ABS
_EQUAL: Final = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
_ABOVE: Final = 0x35  # BPF_JMP | BPF_JGE | BPF_K
_ANY_BIT: Final = 0x45  # BPF_JMP | BPF_JSET | BPF_K
_RETURN: Final = 0x06  # BPF_RET | BPF_K
_ALLOW: Final = 0x7FFF_0000
_REFUSE: Final = 0x0005_0001  # SECCOMP_RET_ERRNO | EPERM
_NOT_THERE: Final = 0x0005_0026  # SECCOMP_RET_ERRNO | ENOSYS
_NUMBER_AT, _ARCHITECTURE_AT, _FIRST_ARGUMENT_AT = 0, 4, 16
_CLONE_THREAD: Final = 0x1_0000
_X32: Final = 0x4000_0000

_SET_MODE_FILTER: Final = 1
_TSYNC: Final = 1
_PR_SET_NO_NEW_PRIVS: Final = 38

# Architecture → (audit number, number of seccomp, {system call: number}).
_REFUSED: Final = {
    "x86_64": (0xC000_003E, 317, {
        "socket": 41, "connect": 42, "accept": 43, "bind": 49, "listen": 50, "socketpair": 53,
        "accept4": 288, "fork": 57, "vfork": 58, "execve": 59, "execveat": 322, "ptrace": 101,
        "process_vm_readv": 310, "process_vm_writev": 311, "pidfd_open": 434,
        "pidfd_send_signal": 424, "pidfd_getfd": 438, "rt_sigqueueinfo": 129,
        "rt_tgsigqueueinfo": 297, "tkill": 200, "io_uring_setup": 425, "bpf": 321,
        "perf_event_open": 298, "userfaultfd": 323, "unshare": 272, "setns": 308, "mount": 165,
        "keyctl": 250, "add_key": 248, "request_key": 249, "open_by_handle_at": 304,
        "shmget": 29, "msgget": 68, "semget": 64, "mq_open": 240,
    }, {"clone": 56, "clone3": 435, "kill": 62, "tgkill": 234}),
    "aarch64": (0xC000_00B7, 277, {
        "socket": 198, "socketpair": 199, "bind": 200, "listen": 201, "accept": 202,
        "connect": 203, "accept4": 242, "execve": 221, "execveat": 281, "ptrace": 117,
        "process_vm_readv": 270, "process_vm_writev": 271, "pidfd_open": 434,
        "pidfd_send_signal": 424, "pidfd_getfd": 438, "rt_sigqueueinfo": 138,
        "rt_tgsigqueueinfo": 240, "tkill": 130, "io_uring_setup": 425, "bpf": 280,
        "perf_event_open": 241, "userfaultfd": 282, "unshare": 97, "setns": 268, "mount": 40,
        "keyctl": 219, "add_key": 217, "request_key": 218, "open_by_handle_at": 265,
        "shmget": 194, "msgget": 186, "semget": 190, "mq_open": 180,
    }, {"clone": 220, "clone3": 435, "kill": 129, "tgkill": 131}),
}  # fmt: skip


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def is_known() -> bool:
    """Tell whether there is a filter for this architecture."""
    return platform.machine() in _REFUSED


def install() -> None:
    """Filter all threads of this process from now on, and all it makes; raises OSError."""
    architecture, seccomp, refused, bounded = _REFUSED[platform.machine()]
    code = _build(architecture, list(refused.values()), bounded, os.getpid())
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "no_new_privs")
    buffer = ctypes.create_string_buffer(code, len(code))
    program = _Program(len(code) // _INSTRUCTION.size, ctypes.addressof(buffer))
    if libc.syscall(seccomp, _SET_MODE_FILTER, _TSYNC, ctypes.byref(program)):
        raise OSError(ctypes.get_errno(), "seccomp")


def _build(architecture: int, refused: list[int], bounded: dict[str, int], pid: int) -> bytes:
    """Return the filter: threads may be made and this process may kill itself, nothing else."""
    steps = [
        (_LOAD, 0, 0, _ARCHITECTURE_AT), (_EQUAL, 1, 0, architecture), (_RETURN, 0, 0, _REFUSE),
        (_LOAD, 0, 0, _NUMBER_AT), (_ABOVE, 0, 1, _X32), (_RETURN, 0, 0, _REFUSE),
        # The C library goes on with clone, whose flags can be looked at.
        (_EQUAL, 0, 1, bounded["clone3"]), (_RETURN, 0, 0, _NOT_THERE),
        (_EQUAL, 0, 4, bounded["clone"]), (_LOAD, 0, 0, _FIRST_ARGUMENT_AT),
        (_ANY_BIT, 1, 0, _CLONE_THREAD), (_RETURN, 0, 0, _REFUSE), (_RETURN, 0, 0, _ALLOW),
    ]  # fmt: skip
    for number in (bounded["kill"], bounded["tgkill"]):
        steps += [
            (_EQUAL, 0, 4, number), (_LOAD, 0, 0, _FIRST_ARGUMENT_AT), (_EQUAL, 1, 0, pid),
            (_RETURN, 0, 0, _REFUSE), (_RETURN, 0, 0, _ALLOW),
        ]  # fmt: skip
    for number in refused:
        steps += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _REFUSE)]
    steps.append((_RETURN, 0, 0, _ALLOW))
    return b"".join(_INSTRUCTION.pack(*step) for step in steps)
