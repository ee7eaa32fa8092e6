"""An escrow: a buyer's payment waits here until the goods have come, or an arbiter has spoken.

The buyer deploys it with the price. After that:

- the buyer releases the payment to the seller, or the seller refunds it, at any time;
- until the deadline the buyer may open a dispute; then only the arbiter decides, and divides the
  payment as it sees fit;
- if the buyer stays silent until the deadline, the seller takes the payment;
- if the arbiter stays silent for `RULING_MS` after a dispute was opened, the buyer takes it back.

So nobody's silence locks the payment for ever.
"""

from quorate.lang import (
    NO_ADDRESS,
    Address,
    Contract,
    Event,
    emit,
    payable,
    public,
    transfer,
    u8,
    u64,
    view,
)

RULING_MS = 30 * 24 * 3_600_000

OPEN = 0
DISPUTED = 1
CLOSED = 2


class Disputed(Event):
    """The buyer is not content; the arbiter has until `ruling_until_ms`."""

    reason: str
    ruling_until_ms: u64


class Closed(Event):
    """The payment has gone to one of them, or to both in parts."""

    to_seller: u64
    to_buyer: u64


class Escrow(Contract):
    """One sale, between three who are named when it is deployed."""

    buyer: Address
    seller: Address
    arbiter: Address
    amount: u64
    deadline_ms: u64
    ruling_until_ms: u64
    stage: u8

    @payable
    def __init__(self, seller: Address, arbiter: Address, deadline_ms: u64) -> None:
        assert self.value > 0, "the payment must come with it"
        assert deadline_ms > self.time_ms, "the deadline has passed already"
        assert seller != NO_ADDRESS and arbiter != NO_ADDRESS, "seller and arbiter must be somebody"
        assert seller != self.caller, "buyer and seller are the same"
        assert arbiter != self.caller and arbiter != seller, "the arbiter must be a third"
        self.buyer = self.caller
        self.seller = seller
        self.arbiter = arbiter
        self.amount = self.value
        self.deadline_ms = deadline_ms

    @public
    def release(self) -> None:
        """The buyer is content: the seller gets everything, also in a dispute."""
        assert self.caller == self.buyer, "only the buyer may"
        self.close(self.amount)

    @public
    def refund(self) -> None:
        """The seller gives way: the buyer gets everything back, also in a dispute."""
        assert self.caller == self.seller, "only the seller may"
        self.close(0)

    @public
    def dispute(self, reason: str) -> None:
        """The buyer calls the arbiter, before the deadline."""
        assert self.caller == self.buyer, "only the buyer may"
        assert self.stage == OPEN, "disputed already, or closed"
        assert self.time_ms < self.deadline_ms, "the deadline has passed"
        assert len(reason) <= 200, "at most 200 bytes of reason"
        self.stage = DISPUTED
        self.ruling_until_ms = self.time_ms + RULING_MS
        emit(Disputed(reason, self.ruling_until_ms))

    @public
    def rule(self, to_seller: u64) -> None:
        """The arbiter decides how much the seller gets; the rest is the buyer's."""
        assert self.caller == self.arbiter, "only the arbiter may"
        assert self.stage == DISPUTED, "there is no dispute"
        assert self.time_ms < self.ruling_until_ms, "too late to decide"
        assert to_seller <= self.amount, "more than the payment"
        self.close(to_seller)

    @public
    def claim(self) -> None:
        """Take the payment after somebody else's silence: the seller's way, or the buyer's."""
        if self.stage == OPEN:
            assert self.caller == self.seller, "only the seller may"
            assert self.time_ms >= self.deadline_ms, "the buyer still has time to dispute"
            self.close(self.amount)
        else:
            assert self.stage == DISPUTED, "closed already"
            assert self.caller == self.buyer, "only the buyer may"
            assert self.time_ms >= self.ruling_until_ms, "the arbiter still has time to decide"
            self.close(0)

    @view
    def get_stage(self) -> u8:
        """Return 0 when open, 1 when disputed, 2 when closed."""
        return self.stage

    def close(self, to_seller: u64) -> None:
        assert self.stage != CLOSED, "closed already"
        to_buyer = self.amount - to_seller
        self.stage = CLOSED
        self.amount = 0
        if to_seller > 0:
            transfer(self.seller, to_seller)
        if to_buyer > 0:
            transfer(self.buyer, to_buyer)
        emit(Closed(to_seller, to_buyer))
