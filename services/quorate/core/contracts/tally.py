"""Checks that the records of contracts which a forked chain starts from belong together (#O6)."""

from collections.abc import Callable

from quorate.core.contracts.payloads import CODE_BYTES_MAX, INTERFACE_BYTES_MAX, KEY_BYTES_MAX
from quorate.core.contracts.records import (
    VARIABLE_HEAD_BYTES,
    compute_code_hash,
    compute_interface_hash,
    decode_contract,
)
from quorate.core.errors import InvalidGenesis, MalformedBytes
from quorate.core.values import HASH_BYTES, ZERO_HASH

_NAMED = 1 + HASH_BYTES


class ContractTally:
    """Takes contracts, their code, interfaces and variables, in any order."""

    def __init__(self) -> None:
        self._contracts: set[bytes] = set()
        self._wanted: dict[bytes, None] = {}
        self._found: set[bytes] = {b"j" + ZERO_HASH}
        self._owners: dict[bytes, None] = {}
        self.kinds: dict[bytes, Callable[[bytes, bytes], None]] = {
            b"h": self._read_contract,
            b"j": self._read_interface,
            b"o": self._read_code,
            b"z": self._read_variable,
        }

    def finish(self) -> None:
        """Raise InvalidGenesis unless each contract has its code and each variable its contract."""
        if not self._found.issuperset(self._wanted):
            raise InvalidGenesis("state", "a contract's code or interface is missing")
        if not self._contracts.issuperset(self._owners):
            raise InvalidGenesis("state", "a variable is of no contract")

    def _read_contract(self, key: bytes, value: bytes) -> None:
        contract = decode_contract(value)
        _require(len(key) == _NAMED and contract.encode() == value, "contract")
        self._contracts.add(key[1:])
        self._wanted[b"o" + contract.code_hash] = None
        self._wanted[b"j" + contract.interface_hash] = None

    def _read_code(self, key: bytes, value: bytes) -> None:
        is_named = key[1:] == compute_code_hash(value)
        _require(is_named and 0 < len(value) <= CODE_BYTES_MAX, "code of a contract")
        self._found.add(key)

    def _read_interface(self, key: bytes, value: bytes) -> None:
        is_named = key[1:] == compute_interface_hash(value)
        _require(is_named and 0 < len(value) <= INTERFACE_BYTES_MAX, "interface of a contract")
        self._found.add(key)

    def _read_variable(self, key: bytes, value: bytes) -> None:
        size = len(key) - VARIABLE_HEAD_BYTES
        _require(1 <= size <= KEY_BYTES_MAX and value != b"", "variable of a contract")
        self._owners[key[1:VARIABLE_HEAD_BYTES]] = None


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise MalformedBytes(what, "is not in its one layout")
