"""The functions that a contract may import: docs/contract-abi.md, section 4.

Bound once for the process. They find the call that runs on a stack, since a contract may call
another one from within; no closure refers to a store. What they raise is kept for the machine,
and the engine is told to stop.
"""

import hashlib
from collections.abc import Callable
from ctypes import c_uint32, c_uint64
from struct import Struct
from typing import Any, Final, NamedTuple

from quorate.contracts import native
from quorate.contracts.native import copy_bytes
from quorate.contracts.running import Running
from quorate.core import crypto
from quorate.core.contracts.prices import HOST_PRICES

MODULE: Final = "quorate"
RUNNING: Final[list[Running]] = []
"""Calls that run, the innermost last."""

_ADDRESS_BYTES: Final = 32
_NOTHING: Final = 0xFFFF_FFFF  # −1
_STOP: Final = b"stopped by the host"
_PER_BYTE: Final = {name: per_byte for name, (_, per_byte) in HOST_PRICES.items()}
# An argument or result takes 16 bytes, whatever its type.
_RAW_BYTES: Final = 16
_LAYOUTS: Final = {"i": "I12x", "I": "Q8x"}


class Offer(NamedTuple):
    """A host function: types as letters (i: i32, I: i64), and what it does."""

    params: str
    result: str
    work: Callable[..., int | None]


def _input_size(call: Running) -> int:
    return len(call.host.frame.input)


def _input(call: Running, at: int) -> None:
    data = call.host.frame.input
    call.charge(len(data) * _PER_BYTE["input"])
    call.write(at, data)


def _output(call: Running, at: int, size: int) -> None:
    call.host.set_output(call.read(at, size, _PER_BYTE["output"]))


def _load(call: Running, key_at: int, key_size: int, at: int, room: int) -> int:
    per_byte = _PER_BYTE["load"]
    value = call.host.load(call.read(key_at, key_size, per_byte))
    if not value:
        return _NOTHING
    size = len(value)
    call.charge(size * per_byte)
    if size <= room:
        call.write(at, value)
    return size


def _store(call: Running, key_at: int, key_size: int, at: int, size: int) -> None:
    per_byte = _PER_BYTE["store"]
    key = call.read(key_at, key_size, per_byte)
    call.host.store(key, call.read(at, size, per_byte))


def _caller(call: Running, at: int) -> None:
    call.write(at, call.host.frame.caller)


def _origin(call: Running, at: int) -> None:
    call.write(at, call.host.origin)


def _self(call: Running, at: int) -> None:
    call.write(at, call.host.frame.address)


def _value(call: Running) -> int:
    return call.host.frame.value


def _height(call: Running) -> int:
    return call.host.height


def _time_ms(call: Running) -> int:
    return call.host.time_ms


def _balance(call: Running, at: int) -> int:
    return call.host.balance(call.read(at, _ADDRESS_BYTES))


def _transfer(call: Running, to_at: int, amount: int) -> None:
    call.host.transfer(call.read(to_at, _ADDRESS_BYTES), amount)


def _token_create(call: Running, at: int, size: int, out: int) -> None:
    call.write(out, call.host.token_create(call.read(at, size, _PER_BYTE["token_create"])))


def _token_mint(call: Running, token_at: int, to_at: int, amount: int) -> None:
    token = call.read(token_at, _ADDRESS_BYTES)
    call.host.token_mint(token, call.read(to_at, _ADDRESS_BYTES), amount)


def _token_burn(call: Running, token_at: int, amount: int) -> None:
    call.host.token_burn(call.read(token_at, _ADDRESS_BYTES), amount)


def _token_transfer(call: Running, token_at: int, to_at: int, amount: int) -> None:
    token = call.read(token_at, _ADDRESS_BYTES)
    call.host.token_transfer(token, call.read(to_at, _ADDRESS_BYTES), amount)


def _token_balance(call: Running, token_at: int, at: int) -> int:
    token = call.read(token_at, _ADDRESS_BYTES)
    return call.host.token_balance(token, call.read(at, _ADDRESS_BYTES))


def _emit(call: Running, name_at: int, name_size: int, at: int, size: int) -> None:
    per_byte = _PER_BYTE["emit"]
    name = call.read(name_at, name_size, per_byte)
    call.host.emit(name, call.read(at, size, per_byte))


def _call(call: Running, *given: int) -> int:
    contract_at, method_at, method_size, at, size, value, fuel = given
    per_byte = _PER_BYTE["call"]
    contract = call.read(contract_at, _ADDRESS_BYTES)
    method = call.read(method_at, method_size, per_byte)
    arguments = call.read(at, size, per_byte)
    call.settle()
    try:
        call.returned = call.host.call(contract, method, arguments, value, fuel)
    finally:
        call.resume()
    return len(call.returned)


def _returned(call: Running, at: int) -> None:
    call.charge(len(call.returned) * _PER_BYTE["returned"])
    call.write(at, call.returned)


def _sha256(call: Running, at: int, size: int, out: int) -> None:
    call.write(out, hashlib.sha256(call.read(at, size, _PER_BYTE["sha256"])).digest())


def _ed25519_verify(call: Running, *given: int) -> int:
    key_at, signature_at, at, size = given
    key = call.read(key_at, crypto.PUBLIC_KEY_BYTES)
    signature = call.read(signature_at, crypto.SIGNATURE_BYTES)
    message = call.read(at, size, _PER_BYTE["ed25519_verify"])
    return int(crypto.is_message_signed(key, signature, message))


def _revert(call: Running, at: int, size: int, line: int) -> None:
    call.host.revert(call.read(at, size, _PER_BYTE["revert"]), line)


def _trace_line(call: Running, line: int) -> None:
    call.host.trace_line(line)


OFFERS: Final[dict[str, Offer]] = {
    "input_size": Offer("", "i", _input_size),
    "input": Offer("i", "", _input),
    "output": Offer("ii", "", _output),
    "load": Offer("iiii", "i", _load),
    "store": Offer("iiii", "", _store),
    "caller": Offer("i", "", _caller),
    "origin": Offer("i", "", _origin),
    "self": Offer("i", "", _self),
    "value": Offer("", "I", _value),
    "height": Offer("", "I", _height),
    "time_ms": Offer("", "I", _time_ms),
    "balance": Offer("i", "I", _balance),
    "transfer": Offer("iI", "", _transfer),
    "token_create": Offer("iii", "", _token_create),
    "token_mint": Offer("iiI", "", _token_mint),
    "token_burn": Offer("iI", "", _token_burn),
    "token_transfer": Offer("iiI", "", _token_transfer),
    "token_balance": Offer("ii", "I", _token_balance),
    "emit": Offer("iiii", "", _emit),
    "call": Offer("iiiiiII", "i", _call),
    "returned": Offer("i", "", _returned),
    "sha256": Offer("iii", "", _sha256),
    "ed25519_verify": Offer("iiii", "i", _ed25519_verify),
    "revert": Offer("iii", "", _revert),
    "trace_line": Offer("i", "", _trace_line),
}


def _bind(name: str, offer: Offer) -> Any:
    """Return what the engine calls for a host function."""
    price, work = HOST_PRICES[name][0], offer.work
    size = len(offer.params) * _RAW_BYTES
    unpack = Struct("<" + "".join(_LAYOUTS[each] for each in offer.params)).unpack
    result: Any = {"": None, "i": c_uint32, "I": c_uint64}[offer.result]

    def enter(_environment: int, _caller: int, args: int, _count: int) -> int:
        call = RUNNING[-1]
        try:
            call.owed += price
            if call.owed > call.lump:
                call.settle()
            given = work(call, *unpack(copy_bytes(args, size)))
            if result is not None:
                result.from_address(args).value = given
            if call.host.owed:
                call.charge_owed()
        except BaseException as error:
            # Raised again by the machine; the engine only knows traps.
            call.error = error
            return int(native.trap_new(_STOP, len(_STOP)))
        return 0

    return native.CALLBACK(enter)


CALLBACKS: Final[dict[str, Any]] = {name: _bind(name, offer) for name, offer in OFFERS.items()}
"""What the engine calls; they live as long as the process."""
