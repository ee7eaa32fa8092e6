"""What executed blocks tell a mempool, and which ids were executed not long ago."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

EXECUTED_MAX: Final = 65_536

# Outcomes as in the API (quorate.api.transaction.v1.Outcome).
SUCCEEDED, FAILED, SKIPPED = 1, 2, 3


class Dropped(NamedTuple):
    """An own transaction that will not be executed, and why (UPPER_SNAKE)."""

    id: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class ExecutedBlock:
    """What one executed block did: columns beside `ids`; `base_fee` is the next block's."""

    height: int
    base_fee: int
    ids: Sequence[bytes]
    senders: Sequence[bytes]
    lanes: Sequence[int]
    sequences: Sequence[int]
    outcomes: Sequence[int]
    fees: Sequence[int]
    reasons: Sequence[str]
    batches: frozenset[bytes]


class Remembered:
    """Ids that were executed not long ago, bounded."""

    def __init__(self) -> None:
        self._ids: dict[bytes, None] = {}
        self._runs: deque[list[bytes]] = deque()

    def __contains__(self, id_: bytes) -> bool:
        return id_ in self._ids

    def add(self, ids: list[bytes]) -> None:
        """Remember a run of ids, and forget the oldest when there are too many."""
        self._ids.update(dict.fromkeys(ids))
        self._runs.append(ids)
        while len(self._ids) > EXECUTED_MAX and len(self._runs) > 1:
            for id_ in self._runs.popleft():
                self._ids.pop(id_, None)
