"""An English auction: the highest bid wins, everybody else takes their money back.

Who is outbid is not paid at once but credited, and withdraws: were they paid inside `bid`, a
contract that refuses money could stop anyone from outbidding it. A bid in the last minutes moves
the end, so that waiting for the last second gains nothing.
"""

from quorate.lang import (
    NO_ADDRESS,
    Address,
    Contract,
    Event,
    Map,
    emit,
    payable,
    public,
    transfer,
    u64,
    view,
)

EXTENSION_MS = 5 * 60_000


class Bid(Event):
    """Somebody offers more than anyone before."""

    bidder: Address
    amount: u64
    end_ms: u64


class Withdrawn(Event):
    """Somebody took back what was outbid."""

    bidder: Address
    amount: u64


class Settled(Event):
    """The auction is over; NO_ADDRESS: nobody bid."""

    winner: Address
    amount: u64


class Auction(Contract):
    """One thing, named by `item`, sold by whoever deployed this."""

    seller: Address
    item: str
    end_ms: u64
    first_bid: u64
    step: u64
    highest_bidder: Address
    highest_bid: u64
    refunds: Map[Address, u64]
    settled: bool

    def __init__(self, item: str, first_bid: u64, step: u64, duration_ms: u64) -> None:
        assert first_bid > 0 and step > 0, "first bid and step must be more than nothing"
        assert duration_ms >= EXTENSION_MS, "an auction lasts at least five minutes"
        self.seller = self.caller
        self.item = item
        self.first_bid = first_bid
        self.step = step
        self.end_ms = self.time_ms + duration_ms

    @public
    @payable
    def bid(self) -> None:
        """Bid the value that comes with the call."""
        assert self.time_ms < self.end_ms, "the auction has ended"
        assert self.caller != self.seller, "the seller may not bid"
        assert self.value >= self.minimum(), "bid more"
        if self.highest_bidder != NO_ADDRESS:
            self.refunds[self.highest_bidder] += self.highest_bid
        self.highest_bidder = self.caller
        self.highest_bid = self.value
        if self.end_ms - self.time_ms < EXTENSION_MS:
            self.end_ms = self.time_ms + EXTENSION_MS
        emit(Bid(self.caller, self.value, self.end_ms))

    @public
    def withdraw(self) -> u64:
        """Take back everything of one's own that was outbid; return how much that is."""
        amount = self.refunds[self.caller]
        assert amount > 0, "there is nothing to withdraw"
        del self.refunds[self.caller]
        transfer(self.caller, amount)
        emit(Withdrawn(self.caller, amount))
        return amount

    @public
    def settle(self) -> None:
        """Pay the seller when the auction has ended; anyone may."""
        assert self.time_ms >= self.end_ms, "the auction still runs"
        assert not self.settled, "settled already"
        self.settled = True
        if self.highest_bidder != NO_ADDRESS:
            transfer(self.seller, self.highest_bid)
        emit(Settled(self.highest_bidder, self.highest_bid))

    @view
    def minimum(self) -> u64:
        """Return the least that may be bid now."""
        if self.highest_bidder == NO_ADDRESS:
            return self.first_bid
        return self.highest_bid + self.step

    @view
    def refund_of(self, bidder: Address) -> u64:
        """Return what somebody may withdraw."""
        return self.refunds[bidder]
