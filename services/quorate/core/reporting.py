"""Which evidence a seat still has to bring on chain, and what to do about it next.

Every validator that saw a lie reports it, one after the other so that the first usually suffices;
each goes on until the accused seat is marked, or the evidence is too old to be accepted
(docs/protocol.md#V5).
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final, NamedTuple

from quorate.core.accusations import Evidence, is_timely

# The seat after the accused one reports at once, each further one so much later, up to a bound.
STAGGER_MS: Final = 250
STAGGERS_MAX: Final = 8
RETRY_MS: Final = 1_000
RETRY_MS_MAX: Final = 15_000
# How long a report may wait to be executed before it is signed anew.
VALID_BLOCKS: Final = 2_000
# More stay in the vote log, and are found there at the next start.
CASES_MAX: Final = 1_024


class ChainView(NamedTuple):
    """What the state says: height and epoch, the reporter's next sequence, the accused's mark."""

    height: int
    epoch: int
    sequence: int
    mark: bytes


class Verdict(Enum):
    """What becomes of a case now."""

    MARKED = "marked"
    TOO_OLD = "too old"
    NO_SEAT = "no seat"
    SUBMIT = "submit"


class Report(NamedTuple):
    """What is to be signed: everything in a report that is not the evidence itself."""

    reporter: int
    sequence: int
    valid_until_height: int


@dataclass(slots=True)
class Case:
    """Evidence that is not known to be on chain; `report` is the one that was signed last."""

    evidence: Evidence
    due_ms: int
    retry_ms: int
    report: Report | None = None


class Cases:
    """The open cases of one seat, at most one per accused seat and epoch."""

    def __init__(self, validity_max_blocks: int) -> None:
        self._valid_blocks = min(VALID_BLOCKS, validity_max_blocks)
        self._open: dict[tuple[int, int], Case] = {}
        self._closed: set[tuple[int, int]] = set()

    def __len__(self) -> int:
        """Return how many are open."""
        return len(self._open)

    def open(self, evidence: Evidence, now_ms: int, delay_ms: int) -> bool:
        """Take evidence up; False when there is some against this seat already, or no room."""
        name = evidence.epoch, evidence.seat
        if name in self._open or name in self._closed or len(self._open) >= CASES_MAX:
            return False
        self._open[name] = Case(evidence, now_ms + delay_ms, RETRY_MS)
        return True

    def find_due(self, now_ms: int) -> Case | None:
        """Return the case that has waited longest for its turn."""
        due = [case for case in self._open.values() if case.due_ms <= now_ms]
        return min(due, key=lambda case: case.due_ms, default=None)

    def compute_wait_ms(self, now_ms: int) -> int | None:
        """Return how long there is nothing to do; None: until evidence comes."""
        wait_ms = [max(0, case.due_ms - now_ms) for case in self._open.values()]
        return min(wait_ms, default=None)

    def judge(self, case: Case, view: ChainView, own_seat: int | None) -> Verdict:
        """Say what becomes of a case; closes it when nothing is left to do.

        For SUBMIT, `case.report` is what to sign: the same as before as long as that can still be
        executed, so that a report is in the mempool once.
        """
        name = case.evidence.epoch, case.evidence.seat
        if view.mark:
            return self._close(name, Verdict.MARKED)
        if not is_timely(case.evidence.epoch, max(view.epoch, case.evidence.epoch)):
            return self._close(name, Verdict.TOO_OLD)
        if own_seat is None:
            return Verdict.NO_SEAT
        old = case.report
        if old is None or old[:2] != (own_seat, view.sequence):
            old = None
        if old is None or old.valid_until_height <= view.height:
            case.report = Report(own_seat, view.sequence, view.height + self._valid_blocks)
        return Verdict.SUBMIT

    def put_off(self, case: Case, now_ms: int) -> None:
        """Look at a case again later, each time after longer."""
        case.due_ms = now_ms + case.retry_ms
        case.retry_ms = min(case.retry_ms * 2, RETRY_MS_MAX)

    def _close(self, name: tuple[int, int], verdict: Verdict) -> Verdict:
        del self._open[name]
        self._closed.add(name)
        # Evidence of old epochs can't come again: the engine of the epoch is gone.
        self._closed = {each for each in self._closed if is_timely(each[0], name[0])} | {name}
        return verdict


def compute_delay_ms(own_seat: int, accused: int, seats: int) -> int:
    """Return after how long a seat reports another one, so that not all do it at once."""
    rank = (own_seat - accused - 1) % seats
    return min(rank, STAGGERS_MAX) * STAGGER_MS
