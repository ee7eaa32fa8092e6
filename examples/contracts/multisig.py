"""A wallet of several owners: so many of them must confirm before it pays.

Anyone may pay in. An owner proposes a payment, which counts as the first confirmation; others
confirm it or take that back; once enough have, any owner executes it, once, before it expires.
The owners are fixed for good: who wants others makes a new wallet and pays everything over.
"""

from quorate.lang import (
    Address,
    Contract,
    Event,
    List,
    Map,
    Record,
    balance,
    emit,
    payable,
    public,
    transfer,
    u8,
    u64,
    view,
)

OWNERS_MAX = 16
LIFETIME_MS = 14 * 24 * 3_600_000


class Proposal(Record):
    """A payment that waits for its confirmations."""

    to: Address
    amount: u64
    expires_ms: u64
    confirmations: u8
    executed: bool


class Received(Event):
    """Somebody paid in."""

    source: Address
    amount: u64


class Proposed(Event):
    """An owner wants to pay something."""

    number: u64
    by: Address
    to: Address
    amount: u64


class Confirmed(Event):
    """An owner agrees."""

    number: u64
    by: Address


class Revoked(Event):
    """An owner agrees no longer."""

    number: u64
    by: Address


class Executed(Event):
    """The wallet has paid."""

    number: u64
    by: Address


class Multisig(Contract):
    """Native tokens under the control of `needed` of `owners`."""

    owners: List[Address]
    needed: u8
    proposals: Map[u64, Proposal]
    proposals_count: u64
    confirmed: Map[u64, Map[Address, bool]]

    @payable
    def __init__(self, owners: List[Address], needed: u8) -> None:
        assert 0 < len(owners) and len(owners) <= OWNERS_MAX, "1 to 16 owners"
        assert 0 < needed and needed <= len(owners), "between one and all owners must be needed"
        for i in range(len(owners)):
            for j in range(i):
                assert owners[i] != owners[j], "an owner is named twice"
        self.owners = owners
        self.needed = needed

    @public
    @payable
    def pay_in(self) -> None:
        """Add to the wallet; anyone may."""
        emit(Received(self.caller, self.value))

    @public
    def propose(self, to: Address, amount: u64) -> u64:
        """Propose a payment and confirm it; return its number."""
        self.check_owner()
        assert amount > 0, "there is nothing to pay"
        number = self.proposals_count
        self.proposals_count = number + 1
        self.proposals[number] = Proposal(to, amount, self.time_ms + LIFETIME_MS, 0, False)
        emit(Proposed(number, self.caller, to, amount))
        self.confirm(number)
        return number

    @public
    def confirm(self, number: u64) -> None:
        """Agree to a payment."""
        self.check_owner()
        proposal = self.get_open(number)
        assert not self.confirmed[number][self.caller], "confirmed already"
        self.confirmed[number][self.caller] = True
        proposal.confirmations += 1
        self.proposals[number] = proposal
        emit(Confirmed(number, self.caller))

    @public
    def revoke(self, number: u64) -> None:
        """Take back one's confirmation."""
        self.check_owner()
        proposal = self.get_open(number)
        assert self.confirmed[number][self.caller], "not confirmed"
        del self.confirmed[number][self.caller]
        proposal.confirmations -= 1
        self.proposals[number] = proposal
        emit(Revoked(number, self.caller))

    @public
    def execute(self, number: u64) -> None:
        """Pay what enough owners have confirmed."""
        self.check_owner()
        proposal = self.get_open(number)
        assert proposal.confirmations >= self.needed, "not enough owners have confirmed"
        assert balance(self.address) >= proposal.amount, "the wallet holds less than that"
        proposal.executed = True
        self.proposals[number] = proposal
        transfer(proposal.to, proposal.amount)
        emit(Executed(number, self.caller))

    @view
    def get_proposal(self, number: u64) -> Proposal:
        """Return a proposal as it stands."""
        assert number in self.proposals, "there is no such proposal"
        return self.proposals[number]

    def check_owner(self) -> None:
        assert self.caller in self.owners, "only an owner may"

    def get_open(self, number: u64) -> Proposal:
        proposal = self.get_proposal(number)
        assert not proposal.executed, "paid already"
        assert self.time_ms < proposal.expires_ms, "the proposal has expired"
        return proposal
