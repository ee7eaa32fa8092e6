"""A native token made by code, and sold by it at a fixed price.

The chain itself keeps who holds how much, so wallets, transfers and fees work as with any native
token, and this contract only decides who gets new ones. Compare token.py, which keeps its own
balances and can have rules that native tokens don't have.
"""

from quorate.lang import (
    Address,
    Contract,
    Event,
    TokenSpec,
    balance,
    create_token,
    emit,
    mint_token,
    payable,
    public,
    transfer,
    u64,
    view,
)


class Bought(Event):
    """Somebody paid and got new coins."""

    buyer: Address
    amount: u64
    paid: u64


class Coin(Contract):
    """At most `cap` coins for `price` native units each."""

    owner: Address
    token: Address
    price: u64
    sold: u64
    cap: u64
    closed: bool

    def __init__(self, symbol: str, name: str, cap: u64, price: u64) -> None:
        assert cap > 0 and price > 0, "cap and price must be more than nothing"
        self.owner = self.caller
        self.price = price
        self.cap = cap
        self.token = create_token(TokenSpec(symbol, name, 0, cap, 0, False, False))

    @public
    @payable
    def buy(self, amount: u64) -> None:
        """Buy coins for exactly what they cost."""
        assert not self.closed, "the sale is closed"
        assert amount > 0, "buy at least one"
        assert self.sold + amount <= self.cap, "not so many are left"
        assert self.value == amount * self.price, "pay exactly the price"
        self.sold += amount
        mint_token(self.token, self.caller, amount)
        emit(Bought(self.caller, amount, self.value))

    @public
    def close(self) -> None:
        """End the sale for good."""
        assert self.caller == self.owner, "only the owner may"
        self.closed = True

    @public
    def collect(self) -> u64:
        """Pay what came in to the owner; return how much it was."""
        assert self.caller == self.owner, "only the owner may"
        amount = balance(self.address)
        assert amount > 0, "there is nothing to collect"
        transfer(self.owner, amount)
        return amount

    @view
    def left(self) -> u64:
        """Return how many coins can still be bought."""
        if self.closed:
            return 0
        return self.cap - self.sold
