"""Contracts in WebAssembly text, and a host over a state in memory, for tests of the machine."""

import hashlib
from collections.abc import Callable

import wasmtime

from quorate.contracts.engine import PLAIN, PROFILES, Artefact, BadModule, Engine
from quorate.contracts.machine import Machine
from quorate.core.context import Call, Context
from quorate.core.contracts.host import Frame, Host
from quorate.core.contracts.machine import Code, Stopped
from quorate.core.contracts.records import (
    ContractRecord,
    compute_code_key,
    compute_contract_key,
)
from quorate.core.params import Params
from quorate.core.records import MemoryRecords
from quorate.core.state import Changes, Draft
from tests.unit.quorate.core.chains import build_header

ENGINES = tuple(Engine(profile) for profile in PROFILES)
FUEL = 1_000_000_000
CALLER = b"c" * 32
IMPORTS = """
 (import "quorate" "input_size" (func $input_size (result i32)))
 (import "quorate" "input" (func $input (param i32)))
 (import "quorate" "output" (func $output (param i32 i32)))
 (import "quorate" "load" (func $load (param i32 i32 i32 i32) (result i32)))
 (import "quorate" "store" (func $store (param i32 i32 i32 i32)))
 (import "quorate" "caller" (func $caller (param i32)))
 (import "quorate" "origin" (func $origin (param i32)))
 (import "quorate" "self" (func $self (param i32)))
 (import "quorate" "value" (func $value (result i64)))
 (import "quorate" "height" (func $height (result i64)))
 (import "quorate" "time_ms" (func $time_ms (result i64)))
 (import "quorate" "balance" (func $balance (param i32) (result i64)))
 (import "quorate" "transfer" (func $transfer (param i32 i64)))
 (import "quorate" "emit" (func $emit (param i32 i32 i32 i32)))
 (import "quorate" "call" (func $call (param i32 i32 i32 i32 i32 i64 i64) (result i32)))
 (import "quorate" "returned" (func $returned (param i32)))
 (import "quorate" "sha256" (func $sha256 (param i32 i32 i32)))
 (import "quorate" "ed25519_verify" (func $ed25519_verify (param i32 i32 i32 i32) (result i32)))
 (import "quorate" "revert" (func $revert (param i32 i32 i32)))
"""


def build_code(body: str, *, imports: str = IMPORTS) -> bytes:
    """Return a module of these imports, with one page of memory unless it says otherwise."""
    memory = "" if "(memory (" in body else '(memory (export "memory") 1)'
    return bytes(wasmtime.wat2wasm(f"(module {imports} {memory} {body})"))


class Compiler:
    """Compiles whenever it is asked, in this process."""

    def __init__(self) -> None:
        self.compiled = 0

    def get(self, code: Code, read_code: Callable[[bytes], bytes]) -> Artefact:
        """Return a compiled module."""
        self.compiled += 1
        try:
            return ENGINES[code.profile].compile(read_code(code.hash))
        except BadModule as error:
            raise Stopped("BAD_MODULE", "the engine refuses this module") from error


class World:
    """Contracts at addresses, and calls of them outside of any block."""

    def __init__(self, machine: Machine | None = None) -> None:
        self.machine = machine or Machine(ENGINES, Compiler())
        self.state = MemoryRecords()
        self.ledger = Draft(Changes(self.state))

    def deploy(self, code: bytes, *, profile: int = PLAIN, reentrant: bool = False) -> bytes:
        """Put a contract where calls find it; return its address."""
        name = hashlib.sha256(code).digest()
        address = hashlib.sha256(code + bytes([profile, reentrant])).digest()
        record = ContractRecord(profile, reentrant, name, bytes(32), CALLER, 0)
        self.ledger.put(compute_code_key(name), code)
        self.ledger.put(compute_contract_key(address), record.encode())
        return address

    def open_host(self, fuel: int = FUEL) -> Host:
        """Return the host of a payload."""
        context = Context(build_header(7, time_ms=9), Params(), b"d" * 32, self.machine)
        return Host(self.ledger, Call(context, b"t" * 32, 0), b"o" * 32, fuel)

    def call(self, address: bytes, method: str, given: bytes = b"", fuel: int = FUEL) -> bytes:
        """Return what a method gives; raises what a transaction would fail with."""
        return self.call_with(self.open_host(fuel), address, method, given)

    def call_with(self, host: Host, address: bytes, method: str, given: bytes = b"") -> bytes:
        """Return what a method gives under a host."""
        record = host.load_contract(address)
        host.owed = 0
        return host.run(Frame(address, record, method, CALLER, given, 0))
