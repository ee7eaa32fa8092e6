"""What a peer's faults cost it: points that fade, then its connection, then a ban with an end.

Pure: every call gets the time. Bounded: at most PEERS_MAX peers have points or a ban; who is
forgotten was the longest without a fault.
"""

from enum import Enum
from typing import Final

DISCONNECT_POINTS: Final = 50
BAN_POINTS: Final = 100
BAN_MS: Final = 60_000
# So many points fade per second.
FADE_POINTS_PER_S: Final = 1
PEERS_MAX: Final = 1_024

# Points per fault (UPPER_SNAKE, as logged).
FAULTS: Final = {
    "MALFORMED_FRAME": 50,
    "OVERSIZED_FRAME": 50,
    "MALFORMED_CONSENSUS_MESSAGE": 20,
    "INVALID_BATCH": 100,
    "UNSOLICITED_ANSWER": 10,
    "BAD_ANSWER": 25,
    "BAD_SEAT_PROOF": 50,
    "BAD_RECORD": 20,
    "TOO_MANY_REQUESTS": 10,
    "UNKNOWN_KIND": 10,
}
# A fault that has no line of its own (a sibling reported it).
_OTHER_POINTS: Final = 25


class Sentence(Enum):
    """What follows from a fault."""

    NOTED = "noted"
    DISCONNECT = "disconnect"
    BAN = "ban"


class Scores:
    """Points and bans by node id."""

    def __init__(self) -> None:
        self._points: dict[bytes, tuple[int, int]] = {}
        self._bans: dict[bytes, int] = {}

    def add_fault(self, node: bytes, fault: str, now_ms: int) -> Sentence:
        """Count a fault against a node and tell what follows."""
        points, at_ms = self._points.pop(node, (0, now_ms))
        points = max(0, points - (now_ms - at_ms) * FADE_POINTS_PER_S // 1_000)
        points += FAULTS.get(fault, _OTHER_POINTS)
        if points >= BAN_POINTS:
            self._bans.pop(node, None)
            self._bans[node] = now_ms + BAN_MS
            _trim(self._bans)
            return Sentence.BAN
        self._points[node] = (points, now_ms)
        _trim(self._points)
        return Sentence.DISCONNECT if points >= DISCONNECT_POINTS else Sentence.NOTED

    def find_ban_ms(self, node: bytes, now_ms: int) -> int:
        """Return how long a node's ban still lasts; 0: it has none."""
        end_ms = self._bans.get(node)
        if end_ms is None:
            return 0
        if end_ms <= now_ms:
            del self._bans[node]
            return 0
        return end_ms - now_ms


def _trim(table: dict[bytes, tuple[int, int]] | dict[bytes, int]) -> None:
    if len(table) > PEERS_MAX:
        del table[next(iter(table))]
