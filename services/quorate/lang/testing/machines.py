"""On what a test's contracts run: under plain Python, or compiled, as validators run them."""

from collections.abc import Callable
from functools import cache
from typing import Final

from quorate.contracts.engine import Artefact, Engine
from quorate.contracts.machine import Machine as WasmMachine
from quorate.contracts.machine import run_deep
from quorate.core.contracts.host import Host
from quorate.core.contracts.instrument import instrument_module
from quorate.core.contracts.machine import Code, Environment, Machine
from quorate.core.contracts.payloads import PROFILE_PLAIN
from quorate.lang import Contract, run_method

SHIM: Final = "shim"
COMPILED: Final = "compiled"


class ShimMachine:
    """Runs the contract's class itself; fuel is not counted."""

    def __init__(self) -> None:
        self._classes: dict[bytes, type[Contract]] = {}

    def learn(self, code_hash: bytes, contract: type[Contract]) -> None:
        """Keep which class a build was made from."""
        self._classes[code_hash] = contract

    def prepare(self, code: Code, host: Environment) -> None:
        """Do nothing: there is nothing to compile."""

    def run(self, code: Code, method: str, host: Environment) -> None:
        """Run a method of the class."""
        assert isinstance(host, Host)
        run_method(self._classes[code.hash], method, host)


class FreshArtefacts:
    """Compiles modules when they are first run, and keeps nothing beyond the process."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def get(self, code: Code, read_code: Callable[[bytes], bytes]) -> Artefact:
        """Return a compiled module."""
        return self._engine.compile(instrument_module(read_code(code.hash)))


class CompiledMachine:
    """Runs builds as validators do, on a stack that holds the deepest calls."""

    def __init__(self) -> None:
        engine = Engine(PROFILE_PLAIN)
        self._machine = WasmMachine((engine,), FreshArtefacts(engine))
        self._is_running = False

    def prepare(self, code: Code, host: Environment) -> None:
        """Compile a module."""
        self._machine.prepare(code, host)

    def run(self, code: Code, method: str, host: Environment) -> None:
        """Run a method; a call within a call is on its stack already."""
        if self._is_running:
            self._machine.run(code, method, host)
            return
        self._is_running = True
        try:
            run_deep(lambda: self._machine.run(code, method, host))
        finally:
            self._is_running = False


def make_machine(backend: str) -> Machine:
    """Return a machine: SHIM, or COMPILED, of which a process has one."""
    if backend == SHIM:
        return ShimMachine()
    assert backend == COMPILED, backend
    return _make_compiled()


@cache
def _make_compiled() -> CompiledMachine:
    return CompiledMachine()
