"""A chain in memory on which built modules run as on validators: checked, priced, compiled."""

from collections.abc import Callable
from functools import cache
from typing import Any

from quorate.contracts.engine import PROFILES, Artefact, Engine
from quorate.contracts.machine import Machine, run_deep
from quorate.core.contracts.details import CallDone
from quorate.core.contracts.instrument import instrument_module
from quorate.core.contracts.machine import Code, Environment
from quorate.core.contracts.payloads import (
    FUEL_MAX,
    PROFILE_JAVA,
    PROFILE_PLAIN,
    CallContract,
    DeployContract,
    check_call,
    check_deploy,
)
from quorate.core.params import Params
from quorate.lang.testing.world import World
from quorate.sdk.contract_values import (
    compute_key,
    decode_event,
    decode_value,
    encode_fields,
    parse_interface,
)

ALICE, BOB = b"A" * 32, b"B" * 32
RICHES = 10**15


class Artefacts:
    """Compiles modules when they are first run."""

    def __init__(self, engines: tuple[Engine, ...]) -> None:
        self._engines = engines

    def get(self, code: Code, read_code: Callable[[bytes], bytes]) -> Artefact:
        """Return a compiled module."""
        return self._engines[code.profile].compile(instrument_module(read_code(code.hash)))


class DeepMachine:
    """Runs calls on a stack that holds the deepest ones."""

    def __init__(self) -> None:
        engines = tuple(Engine(profile) for profile in PROFILES)
        self._machine = Machine(engines, Artefacts(engines))
        self._is_running = False

    def prepare(self, code: Code, host: Environment) -> None:
        """Compile a module."""
        self._machine.prepare(code, host)

    def run(self, code: Code, method: str, host: Environment) -> None:
        """Run a method; a call within a call is on the stack already."""
        if self._is_running:
            self._machine.run(code, method, host)
            return
        self._is_running = True
        try:
            run_deep(lambda: self._machine.run(code, method, host))
        finally:
            self._is_running = False


@cache
def make_machine() -> DeepMachine:
    """Return the machine; a process has one."""
    return DeepMachine()


class Chain:
    """Accounts with native tokens, and contracts."""

    def __init__(self) -> None:
        self.world = World(make_machine(), Params(deposit_per_byte=0))
        for account in (ALICE, BOB):
            self.world.fund(account, RICHES)

    def deploy(self, code: bytes, interface: bytes, *arguments: Any) -> "Deployed":
        """Deploy a module from Alice's account; arguments are encoded as its interface says."""
        parsed = parse_interface(interface)
        profile = PROFILE_JAVA if parsed.language == "java" else PROFILE_PLAIN
        data = encode_fields(parsed.constructor.parameters, arguments, parsed.records)
        payload = DeployContract(ALICE, code, interface, profile, False, data, 0, FUEL_MAX)
        check_deploy(payload)
        address, done = self.world.deploy(payload)
        return Deployed(self, address, interface, done)


class Deployed:
    """A contract at an address; `done` is what its last call did."""

    def __init__(self, chain: Chain, address: bytes, interface: bytes, done: CallDone) -> None:
        self.address, self.done = address, done
        self._chain, self._interface = chain, parse_interface(interface)

    def call(self, name: str, *arguments: Any, caller: bytes = ALICE, value: int = 0) -> Any:
        """Call a method; a view is only asked. Returns its result; raises CallFailed."""
        method = self._interface.find_method(name)
        data = encode_fields(method.parameters, arguments, self._interface.records)
        result = self.call_raw(name, data, caller=caller, value=value, view=method.view)
        if not method.returns:
            assert result == b""
            return None
        return decode_value(method.returns, result, self._interface.records)

    def call_raw(
        self,
        name: str,
        data: bytes,
        *,
        caller: bytes = ALICE,
        value: int = 0,
        view: bool = False,
    ) -> bytes:
        """Call a method with arguments as bytes, right or wrong."""
        payload = CallContract(caller, self.address, name, data, value, FUEL_MAX, ())
        check_call(payload)
        if view:
            return self._chain.world.view(payload)
        self.done = self._chain.world.call(payload)
        return self.done.result

    def read(self, variable: str, *keys: Any) -> Any:
        """Return what is stored in a variable or a map's entry; None if nothing is."""
        key = compute_key(self._interface, variable, *keys)
        data = self._chain.world.list_variables(self.address).get(key)
        if data is None:
            return None
        type_ = self._interface.find_variable(variable)
        for _ in keys:
            type_ = type_[len("Map[") : -1].split(", ", 1)[1]
        return decode_value(type_, data, self._interface.records)

    def list_keys(self) -> list[bytes]:
        """Return the keys of all records."""
        return list(self._chain.world.list_variables(self.address))

    def list_events(self) -> list[tuple[str, dict[str, Any] | None]]:
        """Return the events of the last call, by their names."""
        return [
            (name.decode(), decode_event(self._interface, name.decode(), data))
            for _, name, data in self.done.events
        ]
