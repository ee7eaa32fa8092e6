"""What a contract's file imports: types, decorators and what a contract can ask the chain for.

Under plain CPython these names do the work themselves, against the host that runs (hosts.py); in
a build they only mean something to the compiler.
"""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256 as hash_sha256
from typing import Any, Generic, NoReturn, Self, TypeVar, dataclass_transform

from quorate.core.crypto import is_message_signed
from quorate.core.values import format_address
from quorate.lang.hosts import Reverted, get_host

u8 = int
u32 = int
u64 = int
u128 = int
i64 = int
List = list

K = TypeVar("K")
V = TypeVar("V")
F = TypeVar("F", bound=Callable[..., Any])

ADDRESS_BYTES = 32

# Attributes that a loaded file's classes get: names that no file can write.
BOUND = "<bound>"
ENCODE = "<encode>"
CALL = "<call>"


class Address(bytes):
    """Who somebody is: 32 bytes; without an argument nobody's."""

    def __new__(cls, data: bytes = bytes(ADDRESS_BYTES)) -> Self:
        """Take 32 bytes as an address; raises Reverted for another size."""
        if len(data) != ADDRESS_BYTES:
            raise Reverted(f"an address is {ADDRESS_BYTES} bytes", 0)
        return super().__new__(cls, data)

    def __repr__(self) -> str:
        return f"Address({format_address(self)})"


NO_ADDRESS = Address()


class Map(Generic[K, V]):
    """A mapping in storage: what is absent reads as the type's zero."""

    def __getitem__(self, key: K) -> V:
        """Return an entry's value."""
        raise NotImplementedError

    def __setitem__(self, key: K, value: V) -> None:
        """Set an entry; the type's zero removes it."""
        raise NotImplementedError

    def __delitem__(self, key: K) -> None:
        """Remove an entry; there may be none."""
        raise NotImplementedError

    def __contains__(self, key: K) -> bool:
        """Say whether an entry holds something."""
        raise NotImplementedError


@dataclass_transform()
class Record:
    """Named fields as one value: `class Offer(Record): price: u64`."""

    def __init_subclass__(cls) -> None:
        dataclass(cls)


@dataclass_transform()
class Event:
    """What a contract tells the world: `class Sold(Event): price: u64`, then emit(Sold(5))."""

    def __init_subclass__(cls) -> None:
        dataclass(cls)


class Interface:
    """Another contract, by the methods that this one calls: `Token(address).transfer(to, 5)`.

    `value` is the native amount that goes with a call, `fuel` its limit; 0 is all that is left.
    """

    def __init__(self, address: Address, value: u64 = 0, fuel: u64 = 0) -> None:
        self.__dict__[CALL] = address, value, fuel


class Contract:
    """A contract: annotated attributes are its variables, public methods what can be called."""

    def __init__(self) -> None:
        """Do nothing."""

    @property
    def caller(self) -> Address:
        """Who called: an account, or a contract."""
        return Address(get_host().frame.caller)

    @property
    def origin(self) -> Address:
        """Who signed the transaction."""
        return Address(get_host().origin)

    @property
    def address(self) -> Address:
        """This contract."""
        return Address(get_host().frame.address)

    @property
    def value(self) -> u64:
        """The native amount that came with the call."""
        return int(get_host().frame.value)

    @property
    def height(self) -> u64:
        """The height of the block."""
        return get_host().height

    @property
    def time_ms(self) -> u64:
        """The block's time, milliseconds since 1970."""
        return get_host().time_ms

    def __getattr__(self, name: str) -> Any:
        return getattr(type(self), BOUND).load_variable(name)

    def __setattr__(self, name: str, value: Any) -> None:
        getattr(type(self), BOUND).store_variable(name, value)


def public(method: F) -> F:
    """Let everybody call a method."""
    return method


def view(method: F) -> F:
    """Let everybody call a method that only reads."""
    return method


def payable(method: F) -> F:
    """Let native tokens come with a call."""
    return method


def emit(event: Event) -> None:
    """Tell the world."""
    get_host().emit(type(event).__name__.encode(), getattr(event, ENCODE)())


def revert(text: str) -> NoReturn:
    """Give up: nothing of the transaction takes effect."""
    raise Reverted(text, 0)


def transfer(to: Address, amount: u64) -> None:
    """Send native tokens from the contract."""
    get_host().transfer(to, amount)


def balance(address: Address) -> u64:
    """Return somebody's native balance."""
    return get_host().balance(address)


def sha256(data: bytes) -> bytes:
    """Return the SHA-256 of some bytes."""
    return hash_sha256(data).digest()


def ed25519_verify(key: bytes, signature: bytes, message: bytes) -> bool:
    """Say whether a signature of 64 bytes is the key's over the message."""
    return is_message_signed(key, signature, message)


def encode(*values: Any) -> bytes:
    """Return values as the bytes they are on chain, one after the other: to hash or to sign."""
    raise Reverted("encode knows its types only in a loaded contract", 0)


class TokenSpec(Record):
    """A token to be made; `cap` is the most there may ever be, 0 for no bound."""

    symbol: str
    name: str
    decimals: u8
    cap: u64
    supply: u64
    freezable: bool
    final: bool


def create_token(token: TokenSpec) -> Address:
    """Make a native token that the contract owns and holds; return its id."""
    name, symbol = token.name.encode(), token.symbol.encode()
    text = b"".join(len(t).to_bytes(4, "little") + t for t in (symbol, name))
    numbers = bytes((token.decimals,)) + b"".join(
        n.to_bytes(8, "little") for n in (token.cap, token.supply)
    )
    spec = text + numbers + bytes((token.freezable, token.final))
    return Address(get_host().token_create(spec))


def mint_token(token: Address, to: Address, amount: u64) -> None:
    """Make more of a token that the contract owns."""
    get_host().token_mint(token, to, amount)


def burn_token(token: Address, amount: u64) -> None:
    """Destroy what the contract holds of a token."""
    get_host().token_burn(token, amount)


def transfer_token(token: Address, to: Address, amount: u64) -> None:
    """Send tokens from the contract."""
    get_host().token_transfer(token, to, amount)


def token_balance(token: Address, address: Address) -> u64:
    """Return what somebody holds of a token."""
    return get_host().token_balance(token, address)
