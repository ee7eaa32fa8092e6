"""What a transaction may do with tokens, and what is checked of it without state.

Rules: docs/protocol.md#A1 to A7. A token is named by its id of 32 bytes; symbols are not unique.
"""

import re
from typing import Final, NamedTuple

from quorate.core.errors import InvalidTransaction
from quorate.core.params import SUPPLY_MAX
from quorate.core.staking.payloads import check_amount, check_hashes
from quorate.core.values import KEYLESS

NAME_BYTES_MAX: Final = 64
SYMBOL_BYTES_MAX: Final = 12
DECIMALS_MAX: Final = 18

_SYMBOL: Final = re.compile(rf"[A-Z0-9]{{1,{SYMBOL_BYTES_MAX}}}", re.ASCII)
# C0, delete and C1: what would reach into a reader's terminal.
_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class CreateToken(NamedTuple):
    """Makes a token that the signer owns, with its whole `supply` in the signer's balance.

    `cap` bounds the supply for as long as the policy says so; 0 means none below 2^63.
    """

    signer: bytes
    symbol: str
    name: str
    decimals: int
    cap: int
    supply: int
    freezable: bool
    is_final: bool


class MintToken(NamedTuple):
    """Makes `amount` more of a token, for `to`."""

    signer: bytes
    token: bytes
    to: bytes
    amount: int


class BurnToken(NamedTuple):
    """Destroys `amount` of what the signer holds of a token."""

    signer: bytes
    token: bytes
    amount: int


class TransferToken(NamedTuple):
    """Moves `amount` of a token from the signer to `to`."""

    signer: bytes
    token: bytes
    to: bytes
    amount: int


class SetTokenPolicy(NamedTuple):
    """Replaces who owns a token, its cap, and what may still be done with it."""

    signer: bytes
    token: bytes
    owner: bytes
    cap: int
    freezable: bool
    is_frozen: bool
    is_final: bool


def check_create(payload: CreateToken) -> None:
    """Raise InvalidTransaction unless a new token is right in form (docs/protocol.md#A2)."""
    check_hashes(payload.signer)
    if not _SYMBOL.fullmatch(payload.symbol):
        raise InvalidTransaction(
            f"a symbol has 1 to {SYMBOL_BYTES_MAX} letters A to Z or digits", reason="SYMBOL_FORM"
        )
    if not 1 <= len(payload.name.encode()) <= NAME_BYTES_MAX or _CONTROLS.search(payload.name):
        raise InvalidTransaction(
            f"a token's name has 1 to {NAME_BYTES_MAX} bytes and no control characters",
            reason="NAME_LENGTH",
        )
    if payload.decimals > DECIMALS_MAX:
        raise InvalidTransaction(f"at most {DECIMALS_MAX} decimals", reason="OUT_OF_RANGE")
    _check_cap(payload.cap)
    if payload.supply > compute_cap(payload.cap):
        raise InvalidTransaction("a supply above its own cap", reason="CAP_EXCEEDED")
    _check_policy(payload.freezable, is_frozen=False, is_final=payload.is_final)


def check_grant(payload: MintToken | TransferToken) -> None:
    """Raise InvalidTransaction unless a payload that gives somebody tokens is right in form."""
    check_hashes(payload.signer, payload.token, payload.to)
    check_recipient(payload.to)
    check_amount(payload.amount)


def check_burn(payload: BurnToken) -> None:
    """Raise InvalidTransaction unless a burn is right in form."""
    check_hashes(payload.signer, payload.token)
    check_amount(payload.amount)


def check_policy(payload: SetTokenPolicy) -> None:
    """Raise InvalidTransaction unless a policy is right in form (docs/protocol.md#A6)."""
    check_hashes(payload.signer, payload.token, payload.owner)
    check_recipient(payload.owner)
    _check_cap(payload.cap)
    _check_policy(payload.freezable, is_frozen=payload.is_frozen, is_final=payload.is_final)


def check_recipient(to: bytes) -> None:
    """Raise InvalidTransaction (TO_TREASURY) for an address that nobody can ever sign for."""
    if to in KEYLESS:
        raise InvalidTransaction("nobody can spend what that address has", reason="TO_TREASURY")


def compute_cap(cap: int) -> int:
    """Return the supply that a policy's cap allows: 0 stands for the most there can be."""
    return cap or SUPPLY_MAX


def _check_cap(cap: int) -> None:
    if cap > SUPPLY_MAX:
        raise InvalidTransaction(f"a cap is at most {SUPPLY_MAX}", reason="OUT_OF_RANGE")


def _check_policy(freezable: bool, *, is_frozen: bool, is_final: bool) -> None:
    # What is final can't be thawed, and what is not freezable can't be either.
    if is_frozen and not freezable:
        raise InvalidTransaction("frozen, but not freezable", reason="POLICY_CONTRADICTS")
    if is_final and freezable:
        raise InvalidTransaction(
            "a final policy is of a token that nobody can freeze", reason="POLICY_CONTRADICTS"
        )
