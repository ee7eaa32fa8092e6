"""No file can be opened, made, changed or removed from now on, and no signal or TCP leaves."""

import ctypes
from struct import Struct
from typing import Final

_CREATE_RULESET: Final = 444
_RESTRICT_SELF: Final = 446
_ASK_VERSION: Final = 1
_PR_SET_NO_NEW_PRIVS: Final = 38

# Kernel's version of landlock → rights over files that it knows (all that there are).
_FILE_RIGHTS: Final = {1: 13, 2: 14, 3: 15, 5: 16}
_TCP_SINCE: Final = 4
_SCOPES_SINCE: Final = 6
_TCP_RIGHTS: Final = 0b11
_SCOPES: Final = 0b11
_RULESET: Final = Struct("=QQQ")


def find_version() -> int:
    """Return the kernel's version of landlock; 0 where there is none."""
    version = int(_libc().syscall(_CREATE_RULESET, None, 0, _ASK_VERSION))
    return max(version, 0)


def install() -> None:
    """Deny this thread, and threads that it makes, all of it; raises OSError."""
    version, libc = find_version(), _libc()
    if not version:
        raise OSError("landlock")
    bits = max(bits for since, bits in _FILE_RIGHTS.items() if since <= version)
    tcp = _TCP_RIGHTS if version >= _TCP_SINCE else 0
    scopes = _SCOPES if version >= _SCOPES_SINCE else 0
    ruleset = _RULESET.pack((1 << bits) - 1, tcp, scopes)
    size = 24 if scopes else 16 if tcp else 8
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "no_new_privs")
    rules = libc.syscall(_CREATE_RULESET, ruleset, size, 0)
    if rules < 0:
        raise OSError(ctypes.get_errno(), "landlock ruleset")
    if libc.syscall(_RESTRICT_SELF, rules, 0):
        raise OSError(ctypes.get_errno(), "landlock")


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
