"""Plays calls on both machines, and says where they differ: result, failure, events, records."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from quorate.core.contracts.details import CallDone
from quorate.core.contracts.payloads import (
    FUEL_MAX,
    PROFILE_PLAIN,
    CallContract,
    DeployContract,
)
from quorate.core.contracts.records import compute_code_hash
from quorate.core.params import Params
from quorate.lang import load_contract
from quorate.lang.build import build
from quorate.lang.testing.failures import CallFailed
from quorate.lang.testing.machines import COMPILED, SHIM, ShimMachine, make_machine
from quorate.lang.testing.world import World
from tests.contracts.fuzzing.programs import Program, Step

CALLER = b"\1" * 32
SHIM_S_MAX = 5.0


Change = Callable[[str], str]


def keep(source: str) -> str:
    """Return a source as it is."""
    return source


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a call gave, in a form that can be compared."""

    reason: str
    text: str
    line: int
    result: bytes
    events: tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True, slots=True)
class Mismatch:
    """The first step after which the machines differ."""

    step: int
    shim: object
    compiled: object

    def __str__(self) -> str:
        return f"step {self.step}\n  shim:     {self.shim}\n  compiled: {self.compiled}"


@dataclass(slots=True)
class Tally:
    """How many calls were compared, how many of them reverted, with how many different texts."""

    calls: int = 0
    reverted: int = 0
    cut: int = 0

    def add(self, other: "Tally") -> None:
        """Count what another has."""
        self.calls += other.calls
        self.reverted += other.reverted
        self.cut += other.cut


class TooLong(Exception):
    """Plain Python, where nothing counts fuel, has no end in sight."""


@contextmanager
def limit_time(seconds: float) -> Iterator[None]:
    """Raise TooLong when the block takes so long; only in a process's first thread."""

    def give_up(signum: int, frame: object) -> None:
        raise TooLong

    before = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


class Side:
    """One machine with the program deployed, and its peer."""

    def __init__(self, program: Program, backend: str, change: Change = keep) -> None:
        self._machine = make_machine(backend)
        self._world = World(self._machine, Params(deposit_per_byte=0))
        self._world.fund(CALLER, 1_000_000)
        self._addresses: list[bytes] = []
        if program.peer is not None:
            self._deploy(program.peer.source)
        self._deploy(change(program.source))
        if program.peer is not None:
            self._call("aim", self._addresses[0], 0)

    def call(self, step: Step) -> Outcome:
        """Call a method for good."""
        try:
            done = self._call(step.method.name, step.data, step.value)
        except CallFailed as failed:
            return Outcome(failed.reason, failed.text, failed.line, b"", ())
        events = tuple((event.name, event.data) for event in done.events)
        return Outcome("", "", 0, done.result, events)

    def list_records(self) -> list[dict[bytes, bytes]]:
        """Return everything the program and its peer store."""
        return [self._world.list_variables(address) for address in self._addresses]

    def _deploy(self, source: str) -> None:
        built = build(source, "fuzz.py")
        if isinstance(self._machine, ShimMachine):
            self._machine.learn(compute_code_hash(built.code), load_contract(source, "fuzz.py"))
        payload = DeployContract(
            CALLER, built.code, built.interface, PROFILE_PLAIN, False, b"", 0, FUEL_MAX
        )
        self._addresses.append(self._world.deploy(payload)[0])
        self._world.fund(self._addresses[-1], 50)

    def _call(self, method: str, data: bytes, value: int) -> CallDone:
        address = self._addresses[-1]
        payload = CallContract(CALLER, address, method, data, value, FUEL_MAX, ())
        return self._world.call(payload)


def is_beyond(shim: Outcome, compiled: Outcome) -> bool:
    """Tell whether a call came to a bound that only one of the machines has at that point.

    Fuel and memory are only counted when compiled. A variable that is too large to be stored is
    noticed at once under plain Python, and compiled when it is written, at the end.
    """
    is_out_of_memory = compiled.reason == "REVERTED" and compiled.text == "out of memory"
    is_too_large = shim.reason == "LIMIT_EXCEEDED" and shim != compiled
    return compiled.reason == "OUT_OF_FUEL" or is_out_of_memory or is_too_large


def compare(
    program: Program, steps: list[Step], tally: Tally, change: Change = keep
) -> Mismatch | None:
    """Play a program on both machines; raises InvalidContract if it is none.

    `change` is made to what is compiled, to see whether a wrong build would be noticed.
    """
    shim, compiled = Side(program, SHIM), Side(program, COMPILED, change)
    for number, step in enumerate(steps):
        try:
            with limit_time(SHIM_S_MAX):
                wanted = shim.call(step)
        except TooLong:
            tally.cut += 1
            return None
        outcomes = wanted, compiled.call(step)
        if is_beyond(*outcomes):
            tally.cut += 1
            return None
        if outcomes[0] != outcomes[1]:
            return Mismatch(number, *outcomes)
        records = shim.list_records(), compiled.list_records()
        if records[0] != records[1]:
            return Mismatch(number, *records)
        tally.calls += 1
        tally.reverted += bool(outcomes[0].reason)
    return None
