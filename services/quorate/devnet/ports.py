"""Free TCP ports on the loopback address.

They are taken from below the range that systems give to outgoing connections, so that none is
lost between choosing it here and listening on it in a node that starts a second later.
"""

import secrets
import socket
from collections.abc import Collection

from quorate.core.errors import Unavailable

HOST = "127.0.0.1"
PORT_FIRST = 20_000
PORT_LAST = 31_999
_TRIES_MAX = 2_000


def is_free(port: int) -> bool:
    """Tell whether a server could listen on this port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: without it, a port whose last connections linger would look taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def find_free_ports(count: int, avoid: Collection[int] = ()) -> list[int]:
    """Return `count` distinct free ports, none of them in `avoid`; raises Unavailable."""
    found: list[int] = []
    for _ in range(_TRIES_MAX):
        if len(found) == count:
            return found
        port = PORT_FIRST + secrets.randbelow(PORT_LAST - PORT_FIRST + 1)
        if port not in found and port not in avoid and is_free(port):
            found.append(port)
    raise Unavailable(f"found only {len(found)} of {count} free ports", reason="NO_FREE_PORT")
