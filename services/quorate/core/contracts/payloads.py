"""Payloads that make and call contracts, and every check of them that needs no state.

Source: docs/protocol.md#C1 and docs/contract-abi.md.
"""

import re
from typing import Final, NamedTuple

from quorate.core.errors import InvalidTransaction
from quorate.core.values import HASH_BYTES

CODE_BYTES_MAX: Final = 60_000
INTERFACE_BYTES_MAX: Final = 16_384
ARGUMENTS_BYTES_MAX: Final = 32_768
METHOD_BYTES_MAX: Final = 64
KEY_BYTES_MAX: Final = 256
ACCESS_MAX: Final = 64
FUEL_MAX: Final = 1_000_000_000
# Fuel, at about 0.5 ns each, that weighs 1, which stands for about 0.5 µs.
FUEL_PER_WEIGHT: Final = 1_000
# Checking and compiling a module takes about 6 µs per byte, once, and it stays for good.
WEIGHT_PER_CODE_BYTE: Final = 12
CALL_WEIGHT: Final = 100
DEPLOY_WEIGHT: Final = 2_000

PROFILE_PLAIN: Final = 0
PROFILE_JAVA: Final = 1
CONSTRUCTOR: Final = "init"
# The contract engine of a chain without contracts.
NO_ENGINE: Final = 0

_METHOD: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")


class DeployContract(NamedTuple):
    """Stores code at a new address and runs its constructor, with `value` from the signer.

    `profile` is PROFILE_PLAIN or PROFILE_JAVA; `fuel_limit` bounds the constructor.
    """

    signer: bytes
    code: bytes
    interface: bytes
    profile: int
    reentrant: bool
    arguments: bytes
    value: int
    fuel_limit: int


class CallContract(NamedTuple):
    """Calls a method of a contract, with `value` from the signer.

    `access` names records of the contract to be loaded beforehand, for speed only.
    """

    signer: bytes
    contract: bytes
    method: str
    arguments: bytes
    value: int
    fuel_limit: int
    access: tuple[bytes, ...]


def is_method(name: str) -> bool:
    """Tell whether a contract's method may have this name."""
    return _METHOD.fullmatch(name) is not None


def check_deploy(payload: DeployContract) -> None:
    """Raise InvalidTransaction unless a deployment is right in form; the module is not read."""
    _check_address(payload.signer)
    _check_size("code", len(payload.code), CODE_BYTES_MAX)
    _check_size("the interface", len(payload.interface), INTERFACE_BYTES_MAX)
    _check_run(payload)
    if not payload.code:
        raise InvalidTransaction("a contract without code", reason="MALFORMED")
    if payload.profile not in (PROFILE_PLAIN, PROFILE_JAVA):
        raise InvalidTransaction(f"no profile {payload.profile}", reason="OUT_OF_RANGE")


def check_call(payload: CallContract) -> None:
    """Raise InvalidTransaction unless a call is right in form."""
    _check_address(payload.signer)
    _check_address(payload.contract)
    _check_run(payload)
    if not is_method(payload.method) or payload.method == CONSTRUCTOR:
        name = payload.method[:METHOD_BYTES_MAX]
        raise InvalidTransaction(f"no method can be called '{name}'", reason="METHOD_NAME")
    _check_size("the access list", len(payload.access), ACCESS_MAX)
    for key in payload.access:
        _check_size("a key in the access list", len(key), KEY_BYTES_MAX)


def compute_fuel_weight(fuel: int) -> int:
    """Return what fuel weighs, rounded up."""
    return -(-fuel // FUEL_PER_WEIGHT)


def compute_call_weight(payload: CallContract) -> int:
    """Return what a call weighs for what is in it."""
    return compute_fuel_weight(payload.fuel_limit)


def compute_deploy_weight(payload: DeployContract) -> int:
    """Return what a deployment weighs for what is in it."""
    code = WEIGHT_PER_CODE_BYTE * len(payload.code)
    return code + compute_fuel_weight(payload.fuel_limit)


def compute_charged_fuel(fuel_limit: int, used: int) -> int:
    """Return the fuel that is paid for: what was used, at least half of the limit (#C5)."""
    return max(used, fuel_limit - fuel_limit // 2)


def _check_run(payload: DeployContract | CallContract) -> None:
    _check_size("arguments", len(payload.arguments), ARGUMENTS_BYTES_MAX)
    if payload.fuel_limit > FUEL_MAX:
        raise InvalidTransaction(
            f"a fuel limit of {payload.fuel_limit}, at most {FUEL_MAX}", reason="FUEL_LIMIT"
        )


def _check_address(address: bytes) -> None:
    if len(address) != HASH_BYTES:
        raise InvalidTransaction("a payload names something that is no address", reason="MALFORMED")


def _check_size(what: str, size: int, most: int) -> None:
    if size > most:
        raise InvalidTransaction(f"{what}: {size}, at most {most}", reason="OVERSIZED", size=size)
