"""A token of its own: balances, allowances, and an owner who may make more of it.

Whoever deploys it owns it and holds the first supply. The owner may give the token away, or give
ownership up for good, after which nobody can make more.
"""

from quorate.lang import (
    NO_ADDRESS,
    Address,
    Contract,
    Event,
    Map,
    emit,
    public,
    u8,
    u64,
    view,
)


class Transferred(Event):
    """Tokens moved; minted ones come from NO_ADDRESS, burned ones go there."""

    source: Address
    to: Address
    amount: u64


class Approved(Event):
    """A holder lets somebody take up to so much."""

    holder: Address
    spender: Address
    amount: u64


class OwnerChanged(Event):
    """Somebody else may mint now; NO_ADDRESS: nobody ever again."""

    old: Address
    to: Address


class Token(Contract):
    """Name and symbol are for people; amounts are in the smallest unit."""

    name: str
    symbol: str
    decimals: u8
    owner: Address
    supply: u64
    balances: Map[Address, u64]
    allowances: Map[Address, Map[Address, u64]]

    def __init__(self, name: str, symbol: str, decimals: u8, supply: u64) -> None:
        assert len(name) > 0 and len(symbol) > 0, "a token needs a name and a symbol"
        self.name = name
        self.symbol = symbol
        self.decimals = decimals
        self.owner = self.caller
        self.create(self.caller, supply)

    @public
    def transfer(self, to: Address, amount: u64) -> None:
        """Send tokens of one's own."""
        self.move(self.caller, to, amount)

    @public
    def approve(self, spender: Address, amount: u64, expected: u64) -> None:
        """Let somebody take up to `amount`, if what they may take now is still `expected`.

        Without `expected`, a spender who sees a change coming could take the old amount first and
        the new one after it.
        """
        assert self.allowances[self.caller][spender] == expected, "the allowance is another by now"
        self.allowances[self.caller][spender] = amount
        emit(Approved(self.caller, spender, amount))

    @public
    def transfer_from(self, holder: Address, to: Address, amount: u64) -> None:
        """Send tokens of a holder who approved it."""
        allowed = self.allowances[holder][self.caller]
        assert allowed >= amount, "more than the holder approved"
        self.allowances[holder][self.caller] = allowed - amount
        self.move(holder, to, amount)

    @public
    def mint(self, to: Address, amount: u64) -> None:
        """Make more; only the owner may."""
        self.check_owner()
        self.create(to, amount)

    @public
    def burn(self, amount: u64) -> None:
        """Destroy tokens of one's own."""
        balance = self.balances[self.caller]
        assert balance >= amount, "balance too small"
        self.balances[self.caller] = balance - amount
        self.supply -= amount
        emit(Transferred(self.caller, NO_ADDRESS, amount))

    @public
    def change_owner(self, to: Address) -> None:
        """Hand over the right to mint; to NO_ADDRESS: give it up for good."""
        self.check_owner()
        emit(OwnerChanged(self.owner, to))
        self.owner = to

    @view
    def balance_of(self, holder: Address) -> u64:
        """Return what somebody holds."""
        return self.balances[holder]

    @view
    def allowance(self, holder: Address, spender: Address) -> u64:
        """Return how much of a holder's tokens somebody may take."""
        return self.allowances[holder][spender]

    def check_owner(self) -> None:
        assert self.caller == self.owner, "only the owner may"

    def create(self, to: Address, amount: u64) -> None:
        assert to != NO_ADDRESS, "nobody has that address"
        self.supply += amount
        self.balances[to] += amount
        emit(Transferred(NO_ADDRESS, to, amount))

    def move(self, source: Address, to: Address, amount: u64) -> None:
        assert to != NO_ADDRESS, "nobody has that address: burn tokens instead"
        balance = self.balances[source]
        assert balance >= amount, "balance too small"
        self.balances[source] = balance - amount
        self.balances[to] += amount
        emit(Transferred(source, to, amount))
