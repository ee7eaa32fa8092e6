"""A market between the native token and a token contract such as token.py.

Whoever provides both in the market's proportion owns a share of it. Buyers and sellers trade
against the stock at the price that its proportion gives, and leave 0.3 % in it for the providers.
Every trade names the least that it wants to get: the price may move before its turn comes.

It calls another contract, which may be hostile. So it checks first, writes its own state next and
calls last; and the chain refuses to enter it again while it waits.
"""

from quorate.lang import (
    Address,
    Contract,
    Event,
    Interface,
    Map,
    emit,
    payable,
    public,
    transfer,
    u64,
    u128,
    view,
)

FEE = 3
FEE_BASE = 1_000


class Token(Interface):
    """What the market needs of a token."""

    def transfer(self, to: Address, amount: u64) -> None: ...

    def transfer_from(self, holder: Address, to: Address, amount: u64) -> None: ...


class Provided(Event):
    """Somebody added to the stock."""

    provider: Address
    native: u64
    tokens: u64
    shares: u64


class Withdrawn(Event):
    """Somebody took their part out of the stock."""

    provider: Address
    native: u64
    tokens: u64
    shares: u64


class Traded(Event):
    """Somebody bought or sold tokens."""

    trader: Address
    native_in: u64
    tokens_in: u64
    native_out: u64
    tokens_out: u64


class Swap(Contract):
    """The stock is what the market counts, not what it was sent without being asked."""

    token: Address
    native: u64
    tokens: u64
    total_shares: u64
    shares: Map[Address, u64]

    def __init__(self, token: Address) -> None:
        self.token = token

    @public
    @payable
    def provide(self, tokens_max: u64, shares_min: u64) -> u64:
        """Add the value that comes along, and tokens in proportion; return the shares for it."""
        assert self.value > 0, "native tokens must come with it"
        tokens = tokens_max
        shares = self.value
        if self.total_shares > 0:
            # Tokens are rounded up and shares down, in favour of those who are in already.
            tokens = scale(self.value, self.tokens, self.native) + 1
            shares = scale(self.value, self.total_shares, self.native)
        assert tokens > 0 and tokens <= tokens_max, "more tokens are needed than you allow"
        assert shares > 0 and shares >= shares_min, "it would be fewer shares than you want"
        self.native += self.value
        self.tokens += tokens
        self.total_shares += shares
        self.shares[self.caller] += shares
        emit(Provided(self.caller, self.value, tokens, shares))
        Token(self.token).transfer_from(self.caller, self.address, tokens)
        return shares

    @public
    def withdraw(self, shares: u64, native_min: u64, tokens_min: u64) -> None:
        """Give up shares for their part of the stock."""
        own = self.shares[self.caller]
        assert 0 < shares and shares <= own, "you don't have so many shares"
        native = scale(shares, self.native, self.total_shares)
        tokens = scale(shares, self.tokens, self.total_shares)
        assert native >= native_min and tokens >= tokens_min, "it would be less than you want"
        self.shares[self.caller] = own - shares
        self.total_shares -= shares
        self.native -= native
        self.tokens -= tokens
        emit(Withdrawn(self.caller, native, tokens, shares))
        transfer(self.caller, native)
        Token(self.token).transfer(self.caller, tokens)

    @public
    @payable
    def buy(self, tokens_min: u64) -> u64:
        """Buy tokens for the value that comes along; return how many."""
        tokens = self.price_of_native(self.value)
        assert tokens > 0 and tokens >= tokens_min, "it would be fewer than you want"
        self.native += self.value
        self.tokens -= tokens
        emit(Traded(self.caller, self.value, 0, 0, tokens))
        Token(self.token).transfer(self.caller, tokens)
        return tokens

    @public
    def sell(self, tokens: u64, native_min: u64) -> u64:
        """Sell tokens that the market may take (see `approve`); return what is paid for them."""
        native = self.price_of_tokens(tokens)
        assert native > 0 and native >= native_min, "it would be less than you want"
        self.native -= native
        self.tokens += tokens
        emit(Traded(self.caller, 0, tokens, native, 0))
        Token(self.token).transfer_from(self.caller, self.address, tokens)
        transfer(self.caller, native)
        return native

    @view
    def price_of_native(self, native: u64) -> u64:
        """Return the tokens that one would get for so much now."""
        return quote(native, self.native, self.tokens)

    @view
    def price_of_tokens(self, tokens: u64) -> u64:
        """Return the native amount that one would get for so many tokens now."""
        return quote(tokens, self.tokens, self.native)


def scale(amount: u64, part: u64, whole: u64) -> u64:
    """Return amount × part / whole, rounded down; the product may need 128 bits."""
    return u64(u128(amount) * u128(part) // u128(whole))


def quote(given: u64, stock_in: u64, stock_out: u64) -> u64:
    """Return what leaves the stock so that the product of both sides never falls."""
    assert stock_in > 0 and stock_out > 0, "the market has no stock"
    kept = u128(given) * (FEE_BASE - FEE)
    return u64(kept * stock_out // (u128(stock_in) * FEE_BASE + kept))
