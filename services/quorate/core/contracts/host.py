"""What contracts may ask for: state, money, tokens, events, other contracts (docs/contract-abi.md).

One host serves one payload: a stack of frames, one per contract that runs, on the ledger of the
transaction. Whatever fails ends the whole transaction, so nothing is ever undone here.
"""

from dataclasses import dataclass
from typing import Final, NoReturn, Protocol

from quorate.core.context import Call, Ledger
from quorate.core.contracts.details import TEXT_BYTES_MAX, Event
from quorate.core.contracts.machine import Code, Stopped
from quorate.core.contracts.payloads import KEY_BYTES_MAX, is_method
from quorate.core.contracts.records import (
    ContractRecord,
    compute_code_key,
    compute_contract_key,
    compute_variable_key,
    decode_contract,
)
from quorate.core.contracts.tokens import TokenDesk
from quorate.core.outcomes import Failed
from quorate.core.state import Account

DEPTH_MAX: Final = 8
VALUE_BYTES_MAX: Final = 16_384
OUTPUT_BYTES_MAX: Final = 16_384
EVENTS_MAX: Final = 64
EVENTS_BYTES_MAX: Final = 32_768
EVENT_NAME_BYTES_MAX: Final = 64
REVERT_BYTES_MAX: Final = 256
# A record that neither the access list nor the transaction names may cost a round trip to storage.
COLD_FUEL: Final = 1_000_000


class Tracer(Protocol):
    """Is told what contracts do, one step after the other."""

    def note(self, host: "Host", action: str, key: bytes = b"", value: bytes = b"") -> None:
        """Take a request to the host."""
        ...

    def note_line(self, host: "Host", line: int) -> None:
        """Take a line of the source that is about to run."""
        ...


@dataclass(slots=True)
class Frame:
    """A contract that runs: who called it with what, and what it has given so far."""

    address: bytes
    record: ContractRecord
    method: str
    caller: bytes
    input: bytes
    value: int
    output: bytes = b""


class Touched:
    """A ledger that counts records which nobody named beforehand: each may cost a round trip.

    The count is of what the transaction names, never of what happens to be cached somewhere.
    """

    def __init__(self, ledger: Ledger, warm: set[bytes], host: "Host") -> None:
        self._ledger, self._warm, self._host = ledger, warm, host

    def get_account(self, address: bytes) -> Account:
        """Return an account as it stands now; its balance is changed in place."""
        self._touch(b"a" + address)
        return self._ledger.get_account(address)

    def get(self, key: bytes) -> bytes:
        """Return another record as it stands now; b"" when there is none."""
        self._touch(key)
        return self._ledger.get(key)

    def put(self, key: bytes, value: bytes) -> None:
        """Write another record; b"" deletes it."""
        self._ledger.put(key, value)

    def _touch(self, key: bytes) -> None:
        if key not in self._warm:
            self._warm.add(key)
            self._host.owed += COLD_FUEL


class Host:
    """Serves the contracts of one payload; `fuel` is what is left, kept by the machine.

    `frame` is the contract that runs now, the last of `frames`.
    """

    frame: Frame

    def __init__(
        self, ledger: Ledger, call: Call, origin: bytes, fuel: int, *, read_only: bool = False
    ) -> None:
        machine = call.context.machine
        self._records, self._machine, self._read_only = ledger, machine, read_only
        warm = call.log.warm if call.log else set[bytes]()
        self._ledger = Touched(ledger, warm, self)
        self.fuel, self.origin = fuel, origin
        # Fuel that is due beside what the machine counts; the machine takes it and sets it to 0.
        self.owed = 0
        self.height, self.time_ms = call.height, call.context.header.time_ms
        self.frames: list[Frame] = []
        self.events: list[Event] = []
        # Where it failed, once it has.
        self.failed: Frame | None = None
        # Of stored bytes, for the deposit.
        self.grown_bytes = 0
        self.tracer: Tracer | None = None
        self._events_bytes = 0
        self._tokens = TokenDesk(self._ledger, call)

    def run(self, frame: Frame) -> bytes:
        """Run a frame's method with all fuel there is; return its result. Raises Failed."""
        self.frames.append(frame)
        self.frame = frame
        try:
            assert self._machine is not None, "calls are executed where there is a machine"
            code = Code(frame.record.code_hash, frame.record.profile)
            self._machine.run(code, frame.method, self)
        except Failed:
            self.failed = self.failed or frame
            raise
        self.frames.pop()
        if self.frames:
            self.frame = self.frames[-1]
        return frame.output

    def prepare(self, record: ContractRecord) -> None:
        """Get code ready to run; raises Stopped (BAD_MODULE)."""
        assert self._machine is not None, "calls are executed where there is a machine"
        self._machine.prepare(Code(record.code_hash, record.profile), self)

    def read_code(self, code_hash: bytes) -> bytes:
        """Return the bytes of a module."""
        return self._records.get(compute_code_key(code_hash))

    def load_contract(self, address: bytes) -> ContractRecord:
        """Return the record of a contract; raises Stopped (NO_CONTRACT)."""
        record = self._ledger.get(compute_contract_key(address))
        if not record:
            raise Stopped("NO_CONTRACT", f"no contract at {address.hex()}")
        return decode_contract(record)

    def set_output(self, data: bytes) -> None:
        """Set the result of the contract that runs."""
        _check_size("a result", len(data), OUTPUT_BYTES_MAX)
        self.frame.output = data

    def load(self, key: bytes) -> bytes:
        """Return one of the contract's own records, b"" when there is none."""
        _check_key(key)
        value = self._ledger.get(compute_variable_key(self.frame.address, key))
        if self.tracer:
            self.tracer.note(self, "load", key, value)
        return value

    def store(self, key: bytes, value: bytes) -> None:
        """Write one of the contract's own records; b"" removes it."""
        self._check_writable()
        _check_key(key)
        _check_size("a stored value", len(value), VALUE_BYTES_MAX)
        if self.tracer:
            self.tracer.note(self, "store", key, value)
        full = compute_variable_key(self.frame.address, key)
        before = self._ledger.get(full)
        self.grown_bytes += _measure(key, value) - _measure(key, before)
        self._ledger.put(full, value)

    def balance(self, address: bytes) -> int:
        """Return an account's native balance."""
        return self._ledger.get_account(address).balance

    def transfer(self, to: bytes, amount: int) -> None:
        """Send native tokens from the contract."""
        self._check_writable()
        if self.tracer:
            self.tracer.note(self, "transfer", to, amount.to_bytes(8, "little"))
        move(self._ledger, self.frame.address, to, amount)

    def emit(self, name: bytes, data: bytes) -> None:
        """Tell an event."""
        self._check_writable()
        self._events_bytes += len(name) + len(data)
        if len(self.events) == EVENTS_MAX or self._events_bytes > EVENTS_BYTES_MAX:
            raise Stopped("LIMIT_EXCEEDED", "too many events, or too large ones")
        if not 1 <= len(name) <= EVENT_NAME_BYTES_MAX or not _is_text(name):
            raise Stopped("LIMIT_EXCEEDED", "an event's name is 1 to 64 bytes of UTF-8")
        if self.tracer:
            self.tracer.note(self, "emit", name, data)
        self.events.append(Event(self.frame.address, name, data))

    def call(
        self, contract: bytes, method: bytes, arguments: bytes, value: int, fuel: int
    ) -> bytes:
        """Call another contract with `fuel`, 0 for all there is; return its result."""
        if value:
            self._check_writable()
        if len(self.frames) == DEPTH_MAX:
            raise Stopped("CALL_TOO_DEEP", f"at most {DEPTH_MAX} contracts call each other")
        record, name = self.load_contract(contract), _read_method(method)
        if not record.reentrant and any(frame.address == contract for frame in self.frames):
            raise Stopped("REENTERED", f"{contract.hex()} runs already")
        if self.tracer:
            self.tracer.note(self, "call", contract + method, arguments)
        if value:
            move(self._ledger, self.frame.address, contract, value)
        frame = Frame(contract, record, name, self.frame.address, arguments, value)
        outer = self.fuel
        given = self.fuel = min(fuel or outer, outer)
        try:
            return self.run(frame)
        finally:
            self.fuel += outer - given

    def token_create(self, spec: bytes) -> bytes:
        """Make a token that the contract owns and holds; return its id."""
        self._check_writable()
        return self._tokens.create(self.frame.address, spec)

    def token_mint(self, token: bytes, to: bytes, amount: int) -> None:
        """Make more of a token that the contract owns."""
        self._check_writable()
        self._tokens.mint(self.frame.address, token, to, amount)

    def token_burn(self, token: bytes, amount: int) -> None:
        """Destroy what the contract holds of a token."""
        self._check_writable()
        self._tokens.burn(self.frame.address, token, amount)

    def token_transfer(self, token: bytes, to: bytes, amount: int) -> None:
        """Send tokens from the contract."""
        self._check_writable()
        self._tokens.transfer(self.frame.address, token, to, amount)

    def token_balance(self, token: bytes, address: bytes) -> int:
        """Return what an account holds of a token."""
        return self._tokens.get_balance(token, address)

    def revert(self, text: bytes, line: int) -> NoReturn:
        """End the transaction because the contract says so."""
        raise Stopped("REVERTED", text[:REVERT_BYTES_MAX].decode(errors="replace"), line)

    def trace_line(self, line: int) -> None:
        """Take a line that is about to run; only traced builds say so."""
        if self.tracer:
            self.tracer.note_line(self, line)

    def _check_writable(self) -> None:
        if self._read_only:
            raise Stopped("READ_ONLY", "a view changes nothing")


def move(ledger: Ledger, source: bytes, to: bytes, amount: int) -> None:
    """Move native tokens; raises Failed (INSUFFICIENT_BALANCE)."""
    giver = ledger.get_account(source)
    if giver.balance < amount:
        raise Failed("INSUFFICIENT_BALANCE")
    giver.balance -= amount
    ledger.get_account(to).balance += amount


def cut_text(text: str) -> str:
    """Return a text that fits a receipt's detail."""
    return text.encode()[:TEXT_BYTES_MAX].decode(errors="ignore")


def _measure(key: bytes, value: bytes) -> int:
    return len(key) + len(value) if value else 0


def _check_key(key: bytes) -> None:
    if not 1 <= len(key) <= KEY_BYTES_MAX:
        raise Stopped("LIMIT_EXCEEDED", f"a key of {len(key)} bytes, 1 to {KEY_BYTES_MAX} allowed")


def _check_size(what: str, size: int, most: int) -> None:
    if size > most:
        raise Stopped("LIMIT_EXCEEDED", f"{what} of {size} bytes, at most {most}")


def _read_method(method: bytes) -> str:
    name = method.decode("ascii", errors="replace")
    if not is_method(name) or name == "init":
        raise Stopped("NO_METHOD", f"no method can be called '{cut_text(name[:64])}'")
    return name


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
