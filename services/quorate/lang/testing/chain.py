"""The chain that a test gets as `chain`."""

from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from quorate.core.contracts.details import CallDone
from quorate.core.contracts.payloads import FUEL_MAX, PROFILE_PLAIN, CallContract, DeployContract
from quorate.core.contracts.records import compute_code_hash
from quorate.core.params import Params
from quorate.lang import Address, load_contract
from quorate.lang.build import build
from quorate.lang.program import Program
from quorate.lang.testing.deployed import Deployed, Told, decode_events, encode_arguments, get_bound
from quorate.lang.testing.machines import SHIM, ShimMachine, make_machine
from quorate.lang.testing.world import World
from quorate.lang.values import Makers

RICHES: Final = 1_000_000_000_000_000


class Chain:
    """Accounts, a clock, contracts and their events.

    Paths of contracts are looked up in `folders`. Deposits for stored bytes are `deposit_per_byte`,
    nothing by default so that balances are easy to foretell.
    """

    def __init__(self, *folders: Path, backend: str = SHIM, deposit_per_byte: int = 0) -> None:
        self.events: list[Told] = []
        self.fuel_used = 0
        self._folders = folders or (Path(),)
        self._machine = make_machine(backend)
        self._world = World(self._machine, Params(deposit_per_byte=deposit_per_byte))
        self._accounts: set[bytes] = set()
        self._programs: dict[bytes, tuple[Program, Makers]] = {}

    @property
    def height(self) -> int:
        """The height of the block that the next call will be in."""
        return self._world.height

    @property
    def time_ms(self) -> int:
        """The time of that block."""
        return self._world.time_ms

    def advance(self, ms: int) -> None:
        """Let time pass, in one block."""
        self._world.height += 1
        self._world.time_ms += ms

    def account(self, name: str, balance: int = RICHES) -> Address:
        """Return the address of somebody new, or of who has the name already."""
        address = Address(sha256(b"quorate/account " + name.encode()).digest())
        if address not in self._accounts:
            self._accounts.add(address)
            self._world.fund(address, balance)
        return address

    def balance(self, address: bytes) -> int:
        """Return somebody's native balance."""
        return self._world.get_balance(address)

    def token_balance(self, token: bytes, address: bytes) -> int:
        """Return what somebody holds of a native token."""
        return self._world.get_token_balance(token, address)

    def records(self, contract: Deployed) -> dict[bytes, bytes]:
        """Return everything a contract stores, as it is stored."""
        return self._world.list_variables(contract.address)

    def deploy(
        self, path: str, *arguments: Any, caller: bytes, value: int = 0, reentrant: bool = False
    ) -> Deployed:
        """Build a contract and deploy it from an account; raises InvalidContract, CallFailed."""
        file = self._find(path)
        return self.deploy_source(
            (file.read_text(), str(file)),
            *arguments,
            caller=caller,
            value=value,
            reentrant=reentrant,
        )

    def deploy_source(
        self,
        source: tuple[str, str],
        *arguments: Any,
        caller: bytes,
        value: int = 0,
        reentrant: bool = False,
    ) -> Deployed:
        """Like `deploy`, of a source text with the path that it is said to have."""
        built, contract = build(*source), load_contract(*source)
        if isinstance(self._machine, ShimMachine):
            self._machine.learn(compute_code_hash(built.code), contract)
        program, makers = get_bound(contract)
        constructor = program.methods.get("__init__")
        encoded = encode_arguments(constructor.parameters if constructor else [], arguments)
        payload = DeployContract(
            caller, built.code, built.interface, PROFILE_PLAIN, reentrant, encoded, value, FUEL_MAX
        )
        address, done = self._world.deploy(payload)
        self._programs[address] = program, makers
        self.note(done)
        return Deployed(Address(address), program, makers, self._world, self)

    def call(
        self, address: bytes, method: str, data: bytes, *, caller: bytes, value: int = 0
    ) -> bytes:
        """Call any address with arguments as bytes, right or wrong; return the result's bytes."""
        done = self._world.call(CallContract(caller, address, method, data, value, FUEL_MAX, ()))
        self.note(done)
        return done.result

    def note(self, done: CallDone) -> None:
        """Take what a call did."""
        self.fuel_used = done.fuel
        self.events += decode_events(done, self._programs)

    def _find(self, path: str) -> Path:
        for folder in self._folders:
            if (folder / path).is_file():
                return folder / path
        places = ", ".join(str(folder) for folder in self._folders)
        raise FileNotFoundError(f"no {path} in {places}")
