"""The records of contracts.

h ‖ contract 32                     ContractRecord
o ‖ code hash 32                    code, stored once however many contracts have it; for ever
j ‖ interface hash 32               interface, likewise
z ‖ contract 32 ‖ key 1..256        one global variable or map entry (docs/contract-abi.md)

Every variable is a record of its own, so that it can be read, compared and proved alone.
"""

from struct import Struct
from typing import Final, NamedTuple

from quorate.core import crypto
from quorate.core.codec import U16
from quorate.core.errors import MalformedBytes
from quorate.core.values import HASH_BYTES, Hash

CONTRACT_PREFIX: Final = b"h"
CODE_PREFIX: Final = b"o"
INTERFACE_PREFIX: Final = b"j"
VARIABLE_PREFIX: Final = b"z"
# Bytes of a variable's record before the contract's own key.
VARIABLE_HEAD_BYTES: Final = 1 + HASH_BYTES

_VERSION: Final = 1
_CONTRACT: Final = Struct(">BBB32s32s32sQ")


class ContractRecord(NamedTuple):
    """A contract: its code and interface, who made it at which height.

    A contract without an interface has a zero `interface_hash`.
    """

    profile: int
    reentrant: bool
    code_hash: bytes
    interface_hash: bytes
    creator: bytes
    height: int

    def encode(self) -> bytes:
        """Return the canonical record."""
        return _CONTRACT.pack(_VERSION, *self)


def decode_contract(record: bytes) -> ContractRecord:
    """Return the contract of a record; raises MalformedBytes."""
    if len(record) != _CONTRACT.size:
        raise MalformedBytes("contract", f"{len(record)} bytes")
    version, profile, reentrant, *rest = _CONTRACT.unpack(record)
    if version != _VERSION or reentrant > 1:
        raise MalformedBytes("contract", "unknown version or flags")
    return ContractRecord(profile, bool(reentrant), *rest)


def compute_contract_address(transaction_id: bytes, position: int) -> Hash:
    """Return the address of the contract that a payload at a position of a transaction makes."""
    return crypto.compute_hash(b"quorate/contract/v1", transaction_id, U16.pack(position))


def compute_code_hash(code: bytes) -> Hash:
    """Return the hash that code is stored and cached under."""
    return crypto.compute_hash(b"quorate/code/v1", code)


def compute_interface_hash(interface: bytes) -> Hash:
    """Return the hash that an interface is stored under."""
    return crypto.compute_hash(b"quorate/interface/v1", interface)


def compute_contract_key(contract: bytes) -> bytes:
    """Return the key of a contract's record."""
    return CONTRACT_PREFIX + contract


def compute_code_key(code_hash: bytes) -> bytes:
    """Return the key of code."""
    return CODE_PREFIX + code_hash


def compute_interface_key(interface_hash: bytes) -> bytes:
    """Return the key of an interface."""
    return INTERFACE_PREFIX + interface_hash


def compute_variable_key(contract: bytes, key: bytes) -> bytes:
    """Return the key of one of a contract's records."""
    return VARIABLE_PREFIX + contract + key


def compute_variables_prefix(contract: bytes) -> bytes:
    """Return the prefix of all of a contract's records."""
    return VARIABLE_PREFIX + contract
