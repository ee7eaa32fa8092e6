"""What the host's functions cost, beside what contracts pay for them (docs/contracts.md#fuel).

    .venv/bin/python bench/host_prices.py

Each is called in a loop by a contract in the real machine, on a state in memory. Times are scaled
to a quiet machine by a signature check done in the same run, since that takes 45 µs there: so a
busy machine gives the same ratios. A weight of 1, and so 1,000 fuel, stands for 0.5 µs, of which a
plain transfer takes about 400. The last column is time over price: above 2.0, somebody could make
validators work for less than half of what transfers pay.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from rich.console import Console
from rich.table import Table

_HERE: Final = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(_HERE))

from quorate.contracts.machine import run_deep  # noqa: E402
from quorate.core.contracts.payloads import FUEL_PER_WEIGHT  # noqa: E402
from quorate.core.contracts.prices import HOST_PRICES, INSTANCE_PRICE, PAGE_PRICE  # noqa: E402
from quorate.core.crypto import SigningKey, is_message_signed  # noqa: E402
from tests.unit.quorate.contracts.worlds import IMPORTS, World, build_code  # noqa: E402

FUEL: Final = 10**12
ROUNDS: Final = 7
CHECK_US: Final = 45.0
WEIGHT_US: Final = 0.5
OVER_MAX: Final = 2.0
_TOKENS: Final = """
 (import "quorate" "token_create" (func $token_create (param i32 i32 i32)))
 (import "quorate" "token_mint" (func $token_mint (param i32 i32 i64)))
 (import "quorate" "token_burn" (func $token_burn (param i32 i64)))
 (import "quorate" "token_transfer" (func $token_transfer (param i32 i32 i64)))
 (import "quorate" "token_balance" (func $token_balance (param i32 i32) (result i64)))
 (import "quorate" "trace_line" (func $trace_line (param i32)))
"""
# At 0: what is given; 4096: the callee's address, "m" at 4128; 8192: a token's id and its spec.
_GIVEN: Final = 256
_K16: Final = "(i32.const 16384)"


class Case(NamedTuple):
    """A host function as it is called, how often in one call, and bytes that are charged for."""

    name: str
    code: str
    bytes: int = 0
    times: int = 200
    extra: int = 0


_INPUT: Final = HOST_PRICES["input"][0] + HOST_PRICES["input"][1] * _GIVEN
_NESTED: Final = INSTANCE_PRICE + PAGE_PRICE
CASES: Final = (
    Case("input_size", "(drop (call $input_size))"),
    Case("input", f"(call $input (i32.const {_GIVEN}))", 256),
    Case("output", "(call $output (i32.const 0) (i32.const 1))", 1),
    Case("output", f"(call $output (i32.const 0) {_K16})", 16_384),
    Case("load", "(drop (call $load (i32.const 0) (i32.const 4) (i32.const 9) (i32.const 8)))", 12),
    Case(
        "load",
        f"(drop (call $load (i32.const 8) (i32.const 4) (i32.const 20000) {_K16}))", 16_388,
    ),
    Case("store", "(call $store (i32.const 0) (i32.const 4) (i32.const 0) (i32.const 8))", 12),
    Case("store", f"(call $store (i32.const 8) (i32.const 4) (i32.const 0) {_K16})", 16_388),
    Case("caller", "(call $caller (i32.const 99))"),
    Case("origin", "(call $origin (i32.const 99))"),
    Case("self", "(call $self (i32.const 99))"),
    Case("value", "(drop (call $value))"),
    Case("height", "(drop (call $height))"),
    Case("time_ms", "(drop (call $time_ms))"),
    Case("balance", "(drop (call $balance (i32.const 4096)))"),
    Case("transfer", "(call $transfer (i32.const 4096) (i64.const 1))"),
    Case("emit", "(call $emit (i32.const 0) (i32.const 4) (i32.const 0) (i32.const 8))", 12, 60),
    Case("emit", f"(call $emit (i32.const 0) (i32.const 4) (i32.const 0) {_K16})", 16_388, 1),
    Case(
        "call",
        "(drop (call $call (i32.const 4096) (i32.const 4128) (i32.const 1) (i32.const 0)"
        " (i32.const 8) (i64.const 0) (i64.const 0)))", 9, 100, _NESTED,
    ),
    Case("returned", "(call $returned (i32.const 99))"),
    Case("sha256", "(call $sha256 (i32.const 0) (i32.const 32) (i32.const 99))", 32),
    Case("sha256", "(call $sha256 (i32.const 0) (i32.const 32768) (i32.const 99))", 32_768),
    Case(
        "ed25519_verify",
        "(call $input (i32.const 0)) (drop (call $ed25519_verify (i32.const 0) (i32.const 32)"
        " (i32.const 96) (i32.const 160)))", 160, 50, _INPUT,
    ),
    Case(
        "token_create",
        "(call $token_create (i32.const 8192) (i32.const 33) (i32.const 9000))", 33, 10,
    ),
    Case("token_mint", "(call $token_mint (i32.const 9000) (i32.const 4096) (i64.const 1))"),
    Case("token_burn", "(call $token_burn (i32.const 9000) (i64.const 1))"),
    Case(
        "token_transfer",
        "(call $token_transfer (i32.const 9000) (i32.const 4096) (i64.const 1))",
    ),
    Case("token_balance", "(drop (call $token_balance (i32.const 9000) (i32.const 4096)))"),
    Case("trace_line", "(call $trace_line (i32.const 1))"),
)  # fmt: skip


class Measured(NamedTuple):
    """Time and price of one call of a host function."""

    case: Case
    us: float
    price: int

    @property
    def over(self) -> float:
        """How much more time it takes than is paid for."""
        paid_us = self.price * WEIGHT_US / FUEL_PER_WEIGHT
        return self.us / paid_us if paid_us else 0.0


class Bench:
    """Contracts that call one host function each, and the clock."""

    def __init__(self) -> None:
        self._world = World()
        self._world.deploy(build_code('(func (export "m"))'))
        self._callee = self._world.deploy(build_code('(func (export "m") (nop))'))
        self._spec = (
            _text("TOKEN") + _text("T") + bytes([2]) + bytes(8) + bytes([0xFF] * 4 + [0] * 4)
        )
        self._spec += bytes([0, 0])
        self._empty = self._deploy("", 0)
        self.scale = CHECK_US / _best(_check_signature, 20)

    def measure(self, case: Case) -> Measured:
        """Return what one call takes on a quiet machine, and its price."""
        contract = self._deploy(case.code, case.times)
        with_us = _best(lambda: self._call(contract), 20)
        without_us = _best(lambda: self._call(self._empty), 20)
        per_call, per_byte = HOST_PRICES[case.name]
        price = per_call + per_byte * case.bytes + case.extra
        return Measured(case, (with_us - without_us) / case.times * self.scale, price)

    def measure_call(self) -> Measured:
        """Return what a call of a contract that does nothing takes."""
        took_us = _best(lambda: self._call(self._empty), 200) * self.scale
        return Measured(Case("a contract's instance", ""), took_us, INSTANCE_PRICE + PAGE_PRICE)

    def measure_page(self, pages: int = 200) -> Measured:
        """Return what a page of memory takes that is touched all over."""
        body = f"""(drop (memory.grow (i32.const {pages}))) (local.set $i (i32.const 65536))
          (loop $t (i32.store (local.get $i) (i32.const 1))
            (br_if $t (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 4096)))
              (i32.const {(pages + 1) * 65_536}))))"""
        contract = self._deploy(body, 1)
        took_us = _best(lambda: self._call(contract), 5) - _best(lambda: self._call(self._empty), 5)
        return Measured(Case("a page of memory", ""), took_us / pages * self.scale, PAGE_PRICE)

    def _deploy(self, body: str, times: int) -> bytes:
        loop = (
            f"""(local.set $n (i32.const {times})) (loop $l {body}
          (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))"""
            if times
            else ""
        )
        create = "(call $token_create (i32.const 8192) (i32.const 33) (i32.const 9000))"
        needs_token = "$token_" in body and "$token_create" not in body
        spec, callee = _escape(self._spec), _escape(self._callee)
        address = self._world.deploy(build_code(
            f"""(data (i32.const 0) "\\08big1") (data (i32.const 8) "\\01big")
            (data (i32.const 4096) "{callee}m") (data (i32.const 8192) "{spec}")
            (memory (export "memory") 1 256)
            (func (export "prepare") (call $store (i32.const 8) (i32.const 4) (i32.const 0) {_K16})
              (call $store (i32.const 0) (i32.const 4) (i32.const 0) (i32.const 8)))
            (func (export "m") (local $n i32) (local $i i32) {create if needs_token else ""} {loop})
            """, imports=IMPORTS + _TOKENS,
        ))  # fmt: skip
        self._world.ledger.get_account(address).balance = 10**15
        self._world.call(address, "prepare", fuel=FUEL)
        return address

    def _call(self, contract: bytes) -> None:
        host = self._world.open_host(FUEL)
        self._world.call_with(host, contract, "m", _SIGNED)


def _text(word: str) -> bytes:
    return len(word).to_bytes(4, "little") + word.encode()


def _escape(data: bytes) -> str:
    return "".join(f"\\{byte:02x}" for byte in data)


def _check_signature() -> None:
    assert is_message_signed(_SIGNED[:32], _SIGNED[32:96], _SIGNED[96:])


def _best(work: Callable[[], object], times: int) -> float:
    """Return the CPU time of `work` in microseconds: the best of several rounds."""
    found = []
    for _ in range(ROUNDS):
        started = time.thread_time_ns()
        for _ in range(times):
            work()
        found.append((time.thread_time_ns() - started) / times / 1_000)
    return min(found)


def _sign() -> bytes:
    """Return a key, its signature and a message, together as long as all arguments here."""
    key, message = SigningKey(b"k" * 32), bytes(_GIVEN - 96 - 1)
    return key.public_key + key.sign(b"", b"", message) + b"\0" + message


_SIGNED: Final = _sign()


def main() -> None:
    """Measure all and print the table; fails when a price is less than half of what it must be."""
    bench = Bench()
    found = [bench.measure_call(), bench.measure_page(), *map(bench.measure, CASES)]
    table = Table("host function", "bytes", "µs", "price, fuel", "time / price")
    for each in found:
        table.add_row(
            each.case.name, str(each.case.bytes or ""), f"{each.us:.2f}", f"{each.price:,}",
            f"{each.over:.2f}",
        )  # fmt: skip
    console = Console(width=100)
    console.print(table)
    console.print(f"scaled by {bench.scale:.2f}: a signature check takes {CHECK_US} µs")
    cheap = [each.case.name for each in found if each.over > OVER_MAX]
    if cheap:
        raise SystemExit(f"under-priced more than {OVER_MAX} times: {', '.join(cheap)}")


if __name__ == "__main__":
    run_deep(main)
