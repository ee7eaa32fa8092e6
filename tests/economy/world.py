"""One chain executed twice, by the real core and by the reference, block by block."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from quorate.core import applying
from quorate.core.bft.leader import compute_leader_order
from quorate.core.blocks import Header, build_root
from quorate.core.context import Context
from quorate.core.crypto import compute_hash
from quorate.core.epochs import EpochStart
from quorate.core.governance.issue import ISSUED_KEY, load_issued
from quorate.core.governance.parameters import load_params
from quorate.core.outcomes import OUTCOMES
from quorate.core.staking import election, slashing
from quorate.core.state import EPOCH_START_KEY, Write
from quorate.core.transactions import Transaction
from quorate.core.transition import Execution
from quorate.core.values import ZERO_HASH
from tests.economy.actors import DOMAIN, WEIGHT_SENT, Accusation, Item, Sent, build_transaction
from tests.economy.conservation import assert_conserved, compute_issued
from tests.economy.founding import TIME_MS, Founding, found_real, found_reference
from tests.economy.views import describe_differences, shorten, view_real, view_reference


class Differs(AssertionError):
    """The real core and the reference disagree, or money does not add up."""


@contextmanager
def paged(page: int) -> Iterator[None]:
    """Let execution go in steps of so many records."""
    places = [
        (applying, "SLICE"),
        (slashing, "_PAGE"),
        (election, "_PAGE"),
        (election, "_SEATS"),
        (slashing, "_STEP"),
    ]
    before = [(module, name, getattr(module, name)) for module, name in places]
    for module, name in places:
        setattr(module, name, page)
    try:
        yield
    finally:
        for module, name, value in before:
            setattr(module, name, value)


class World:
    """The state of both sides after the last block."""

    def __init__(self, founding: Founding) -> None:
        self.founding, self.params = founding, founding.params
        self.real, self.expected = found_real(founding), found_reference(founding)
        root = build_root(ZERO_HASH, TIME_MS, founding.params)
        executed = replace(root.header.executed, height=founding.height)
        self.head: Header = replace(root.header, height=founding.height, executed=executed)
        self.epoch, self.number = 0, 0
        self.order = self._compute_order()
        self._compare([])

    def get_leader(self, view: int) -> int:
        """Return which seat leads a view of the running epoch."""
        return self.order[view % len(self.order)]

    def make_sent(self, *payloads: tuple[Any, ...]) -> Sent:
        """Return a transaction of the first payload's signer, not refused for its own sake."""
        sender = payloads[0][1]
        sequence, until = self.expected.lanes.get((sender, 0), 0), self.head.height + 1
        return Sent(sender, 0, sequence, until, 100 * WEIGHT_SENT, 0, WEIGHT_SENT, payloads)

    def play(
        self, items: list[Item], *, views: int = 1, wait_ms: int = 1, lag: int = 1
    ) -> list[tuple[str, int]]:
        """Execute a block with these items on both sides, compare all there is, return outcomes.

        `views` after its parent's view, `wait_ms` after its time; it claims the result of the block
        `lag` below it. An outcome is the reason, "" for success, and the fee.
        """
        header = self.build_header(views=views, wait_ms=wait_ms, lag=lag)
        expected = self._play_reference(header, items)
        transactions = []
        for item in items:
            self.number += 1
            transactions.append(build_transaction(item, self.number))
        got, writes = self.execute(header, transactions)
        self.real.take(writes)
        self.head = header
        self._compare([
            f"{shorten(item)}: real {have}, reference {want}"
            for item, have, want in zip(items, got, expected, strict=True)
            if have != want
        ])  # fmt: skip
        self._follow()
        return got

    def build_header(self, *, views: int = 1, wait_ms: int = 1, lag: int = 1) -> Header:
        """Return the header of the next block."""
        head = self.head
        height, view = head.height + 1, head.view + views
        executed = replace(
            head.executed, height=max(height - lag, head.executed.height, 0),
            write_digest=compute_hash(b"digest", height.to_bytes(8, "big")),
        )  # fmt: skip
        return replace(
            head, epoch=self.epoch, view=view, height=height, parent_view=head.view,
            time_ms=head.time_ms + wait_ms, proposer=self.get_leader(view),
            base_fee=1 + height % 3, executed=executed,
        )  # fmt: skip

    def execute(
        self, header: Header, transactions: list[Transaction]
    ) -> tuple[list[tuple[str, int]], list[Write]]:
        """Return what the real core makes of a block: outcomes and writes; nothing is kept."""
        with paged(self.founding.page):
            execution = Execution(Context(header, self.params, DOMAIN), self.real)
            execution.begin()
            receipts = execution.apply(transactions)
            for _ in execution.iter_close():
                pass
            writes = [write for part in execution.iter_writes() for write in part]
        if writes != sorted(writes):
            raise Differs("writes are not sorted")
        return [(OUTCOMES[receipt.code][1], receipt.fee) for receipt in receipts], writes

    def _play_reference(self, header: Header, items: list[Item]) -> list[tuple[str, int]]:
        self.expected.open(header.height, header.base_fee, header.time_ms)
        outcomes = []
        for number, item in enumerate(items, self.number + 1):
            self.expected.id = number.to_bytes(32, "big")
            is_report = isinstance(item, Accusation)
            outcome = (self.expected.report(item), 0) if is_report else self.expected.send(item)
            outcomes.append(outcome)
        self.expected.end(header, list(self.order))
        return outcomes

    def _compare(self, differences: list[str]) -> None:
        real = view_real(self.real, self.expected.epoch, self.params)
        found = describe_differences(real, view_reference(self.expected))
        if found or differences:
            raise Differs("\n".join([f"at height {self.head.height}:", *differences, found]))
        assert_conserved(self.real, self.founding.supply + self.expected.issued)
        before = compute_issued(self.params, self.founding.height)
        params = load_params(self.real, self.params)
        issued = load_issued(self.real[ISSUED_KEY], self.head.height, params)
        assert issued - before == self.expected.issued, "what the chain says it issued"

    def _follow(self) -> None:
        start = EpochStart.decode(self.real[EPOCH_START_KEY])
        if start.epoch != self.epoch:
            self.epoch = start.epoch
            self.order = self._compute_order()

    def _compute_order(self) -> tuple[int, ...]:
        start = EpochStart.decode(self.real[EPOCH_START_KEY])
        seats = len(self.expected.sets[self.epoch])
        return compute_leader_order(DOMAIN, self.epoch, start.carried, seats)
