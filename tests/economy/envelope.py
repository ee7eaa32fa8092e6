"""The chain around the reference economy: sequences, expiry, fees, evidence (rules E1, E2, E7, F1).

These rules are older than stake and have tests of their own; here they decide what reaches it.
"""

from hashlib import sha256
from typing import Any

from tests.economy.assets import Assets
from tests.economy.reference import NO_KEY


class Chain(Assets):
    """A chain; per block: `open`, then `send` and `report` per transaction, then `end`."""

    def __init__(self, params: Any, time_ms: int) -> None:
        super().__init__(params, time_ms)
        self.lanes: dict[tuple[bytes, int], int] = {}
        self.refuted: set[bytes] = set()
        self.base_fee, self.start = 0, (0, time_ms)

    def open(self, height: int, base_fee: int, time_ms: int) -> None:
        self.height, self.base_fee, self.time_ms, self.fees = height, base_fee, time_ms, 0
        self.refuted, self.params = set(), self.get_params(self.epoch)

    def send(self, sent: Any) -> tuple[str, int]:
        """Execute a transaction, whose id is in `id`; return its reason and fee."""
        fee = sent.weight * self.base_fee
        if reason := self._find_skip(sent):
            return reason, 0
        if fee > sent.fee_limit:
            return "FEE_TOO_LOW", 0
        fee += sent.tip
        if self.tables.balances.get(sent.sender, 0) < fee:
            return "FEE_NOT_COVERED", 0
        self.lanes[sent.sender, sent.lane] = sent.sequence + 1
        return self.execute(sent.sender, fee, sent.payloads), fee

    def report(self, sent: Any) -> str:
        """Execute evidence against sent.accused = (epoch, seat); return the reason."""
        if reason := self._find_skip(sent):
            return reason
        keys = [seat.key for seat in self.sets[self.epoch]]
        own = keys[sent.reporter] if sent.reporter < len(keys) else NO_KEY
        if sha256(b"\1" + own).digest() != sent.sender:
            return "NOT_A_REPORTER"
        epoch, seat = sent.accused
        if epoch not in (self.epoch - 1, self.epoch):
            return "EVIDENCE_UNTIMELY"
        if seat >= len(self.sets[epoch]):
            return "EVIDENCE_INVALID"
        if self.sets[epoch][seat].key == own:
            return "NOT_A_REPORTER"
        if sent.accused in self.marks:
            return "EVIDENCE_KNOWN"
        if sent.sender in self.refuted:
            return "EVIDENCE_LIMIT"
        if not sent.is_true:
            self.refuted.add(sent.sender)
            return "EVIDENCE_INVALID"
        self.marks[sent.accused] = self.epoch
        self.lanes[sent.sender, sent.lane] = sent.sequence + 1
        return ""

    def end(self, header: Any, leaders: list[int]) -> None:
        """End the block; `leaders` is the running epoch's order (rules R3, J3, N1)."""
        is_first = self.height == self.start[0] + 1
        views = range(header.parent_view + 1, header.view)
        missed = [] if is_first else [leaders[view % len(leaders)] for view in views]
        is_past = self.height >= self.start[0] + self.params.epoch_blocks
        is_past = is_past or self.time_ms >= self.start[1] + self.params.epoch_ms
        is_last = is_past and header.executed.height >= self.start[0]
        self.close(header.proposer, missed, is_last)
        if is_last:
            self.start = self.height, self.time_ms

    def _find_skip(self, sent: Any) -> str:
        following = self.lanes.get((sent.sender, sent.lane), 0)
        if sent.valid_until_height > self.height + self.params.validity_max_blocks:
            return "INVALID"
        if sent.valid_until_height < self.height:
            return "EXPIRED"
        if sent.sequence == following:
            return ""
        return "SEQUENCE_PAST" if sent.sequence < following else "SEQUENCE_GAP"
