"""Vesting: native tokens that become somebody's bit by bit, nothing before a cliff.

Whoever deploys it pays the whole grant in. What has vested is the beneficiary's for ever; a
revocable grant's rest can be taken back by the granter, once. The amount grows linearly from the
start, so at the cliff all that the time until then was worth vests at once.
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
    u64,
    u128,
    view,
)


class Claimed(Event):
    """The beneficiary took what had vested."""

    beneficiary: Address
    amount: u64


class Revoked(Event):
    """The granter took back what had not vested."""

    amount: u64
    vested: u64


class BeneficiaryChanged(Event):
    """The beneficiary moved the grant to another address."""

    old: Address
    to: Address


class Vesting(Contract):
    """One grant to one beneficiary."""

    granter: Address
    beneficiary: Address
    granted: u64
    claimed: u64
    start_ms: u64
    cliff_ms: u64
    end_ms: u64
    revocable: bool
    revoked: bool

    @payable
    def __init__(
        self, beneficiary: Address, cliff_ms: u64, duration_ms: u64, revocable: bool
    ) -> None:
        assert self.value > 0, "the grant must come with it"
        assert beneficiary != NO_ADDRESS, "nobody has that address"
        assert duration_ms > 0, "it must last some time"
        assert cliff_ms <= duration_ms, "the cliff lies after the end"
        self.granter = self.caller
        self.beneficiary = beneficiary
        self.granted = self.value
        self.start_ms = self.time_ms
        self.cliff_ms = self.time_ms + cliff_ms
        self.end_ms = self.time_ms + duration_ms
        self.revocable = revocable

    @public
    def claim(self) -> u64:
        """Pay the beneficiary what has vested and was not paid yet; anyone may call it."""
        amount = self.vested() - self.claimed
        assert amount > 0, "there is nothing to claim yet"
        self.claimed += amount
        transfer(self.beneficiary, amount)
        emit(Claimed(self.beneficiary, amount))
        return amount

    @public
    def revoke(self) -> u64:
        """Take back what has not vested; what has stays the beneficiary's."""
        assert self.caller == self.granter, "only the granter may"
        assert self.revocable, "the grant is for good"
        assert not self.revoked, "revoked already"
        vested = self.vested()
        rest = self.granted - vested
        assert rest > 0, "everything has vested"
        self.revoked = True
        self.granted = vested
        transfer(self.granter, rest)
        emit(Revoked(rest, vested))
        return rest

    @public
    def change_beneficiary(self, to: Address) -> None:
        """Move the grant to another address of one's own."""
        assert self.caller == self.beneficiary, "only the beneficiary may"
        assert to != NO_ADDRESS, "nobody has that address"
        emit(BeneficiaryChanged(self.beneficiary, to))
        self.beneficiary = to

    @view
    def vested(self) -> u64:
        """Return how much of the grant has vested so far, claimed or not."""
        if self.revoked or self.time_ms >= self.end_ms:
            return self.granted
        if self.time_ms < self.cliff_ms:
            return 0
        # The product of two u64 needs 128 bits.
        passed = u128(self.time_ms - self.start_ms)
        return u64(u128(self.granted) * passed // u128(self.end_ms - self.start_ms))

    @view
    def claimable(self) -> u64:
        """Return how much `claim` would pay now."""
        return self.vested() - self.claimed
