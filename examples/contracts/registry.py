"""A registry of names: rent one, point it somewhere, pass it on, renew it before it expires.

Rent is paid in advance, by the year, and dearer for short names. An expired name stays with its
holder for a grace period in which only they can renew it; then it is anyone's.
"""

from quorate.lang import (
    NO_ADDRESS,
    Address,
    Contract,
    Event,
    Map,
    Record,
    balance,
    emit,
    payable,
    public,
    transfer,
    u64,
    view,
)

YEAR_MS = 365 * 24 * 3_600_000
GRACE_MS = 30 * 24 * 3_600_000
YEARS_MAX = 10
NAME_MIN = 3
NAME_MAX = 63
SHORT_NAME_MAX = 5
SHORT_NAME_FACTOR = 10


class Entry(Record):
    """Who holds a name, where it points, and until when."""

    holder: Address
    target: Address
    expires_ms: u64


class Registered(Event):
    """A name has a new holder."""

    name: str
    holder: Address
    expires_ms: u64


class Renewed(Event):
    """A name is paid for until then."""

    name: str
    expires_ms: u64


class Pointed(Event):
    """A name points to another address."""

    name: str
    target: Address


class Passed(Event):
    """A holder gave a name to somebody."""

    name: str
    old: Address
    to: Address


class Registry(Contract):
    """Names of a to z, 0 to 9 and hyphens inside."""

    owner: Address
    rent: u64
    entries: Map[str, Entry]

    def __init__(self, rent: u64) -> None:
        assert rent > 0, "a year must cost something, or every name is taken at once"
        self.owner = self.caller
        self.rent = rent

    @public
    @payable
    def register(self, name: str, years: u64) -> u64:
        """Rent a free name for the value that comes along; return when it expires."""
        self.check_name(name)
        assert self.is_free(name), "the name is taken"
        self.check_paid(name, years)
        expires_ms = self.time_ms + years * YEAR_MS
        self.entries[name] = Entry(self.caller, self.caller, expires_ms)
        emit(Registered(name, self.caller, expires_ms))
        return expires_ms

    @public
    @payable
    def renew(self, name: str, years: u64) -> u64:
        """Pay for more years; anyone may do that for anyone. Return when the name expires."""
        assert not self.is_free(name), "nobody holds the name: register it"
        self.check_paid(name, years)
        entry = self.entries[name]
        entry.expires_ms += years * YEAR_MS
        assert entry.expires_ms <= self.time_ms + YEARS_MAX * YEAR_MS, "at most ten years ahead"
        self.entries[name] = entry
        emit(Renewed(name, entry.expires_ms))
        return entry.expires_ms

    @public
    def point(self, name: str, target: Address) -> None:
        """Let one's name point to another address."""
        entry = self.get_own(name)
        entry.target = target
        self.entries[name] = entry
        emit(Pointed(name, target))

    @public
    def pass_on(self, name: str, to: Address) -> None:
        """Give one's name to somebody, and point it to them."""
        assert to != NO_ADDRESS, "nobody has that address: drop the name instead"
        entry = self.get_own(name)
        self.entries[name] = Entry(to, to, entry.expires_ms)
        emit(Passed(name, self.caller, to))

    @public
    def drop(self, name: str) -> None:
        """Give a name back. The rent is spent; the deposit for its record returns."""
        self.get_own(name)
        del self.entries[name]
        emit(Passed(name, self.caller, NO_ADDRESS))

    @public
    def set_rent(self, rent: u64) -> None:
        """Ask another rent from now on."""
        assert self.caller == self.owner, "only the owner may"
        assert rent > 0, "a year must cost something"
        self.rent = rent

    @public
    def collect(self) -> u64:
        """Pay all rent so far to the owner; return how much it was."""
        assert self.caller == self.owner, "only the owner may"
        amount = balance(self.address)
        assert amount > 0, "there is nothing to collect"
        transfer(self.owner, amount)
        return amount

    @view
    def resolve(self, name: str) -> Address:
        """Return where a name points."""
        assert name in self.entries, "nobody holds the name"
        entry = self.entries[name]
        assert self.time_ms < entry.expires_ms, "the name has expired"
        return entry.target

    @view
    def price(self, name: str, years: u64) -> u64:
        """Return what so many years of a name cost."""
        assert 1 <= years <= YEARS_MAX, "one to ten years"
        if len(name) <= SHORT_NAME_MAX:
            return self.rent * years * SHORT_NAME_FACTOR
        return self.rent * years

    @view
    def is_free(self, name: str) -> bool:
        """Tell whether a name can be registered."""
        return name not in self.entries or self.time_ms >= self.entries[name].expires_ms + GRACE_MS

    def get_own(self, name: str) -> Entry:
        assert name in self.entries, "nobody holds the name"
        entry = self.entries[name]
        assert self.caller == entry.holder, "only the holder may"
        assert self.time_ms < entry.expires_ms, "the name has expired: renew it first"
        return entry

    def check_paid(self, name: str, years: u64) -> None:
        assert self.value == self.price(name, years), "pay exactly the price"

    def check_name(self, name: str) -> None:
        letters = name.encode()
        assert NAME_MIN <= len(letters) <= NAME_MAX, "3 to 63 characters"
        for letter in letters:
            assert is_letter(letter) or letter == 45, "only a to z, 0 to 9 and hyphens"
        assert is_letter(letters[0]) and is_letter(letters[len(letters) - 1]), "hyphens only inside"


def is_letter(code: u64) -> bool:
    return 97 <= code <= 122 or 48 <= code <= 57
