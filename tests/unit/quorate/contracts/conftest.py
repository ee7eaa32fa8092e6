"""A real contract-runner, its processes included, and the side of storage over its socket."""

import tempfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from quorate.api.contracts.v1 import contracts_pb2 as pb
from quorate.contracts import wiring
from quorate.contracts.engine import PLAIN
from quorate.core.applied import Applied, Aside
from quorate.core.context import Context
from quorate.core.contracts.payloads import CallContract
from quorate.core.contracts.records import (
    ContractRecord,
    compute_code_hash,
    compute_code_key,
    compute_contract_key,
)
from quorate.core.params import Params
from quorate.core.records import MemoryRecords
from quorate.core.state import Account, compute_account_key
from quorate.core.transactions import Payload
from quorate.kit.config import NodeConfig
from quorate.kit.contract_frames import build_begin
from quorate.kit.convert import encode_body, encode_envelope
from quorate.kit.rpc import open_channel
from quorate.storage.contract_link import EXECUTE, ContractLink, Read, Talk, read_applied
from tests.unit.quorate.core.chains import build_header, build_state

ALICE = b"A" * 32
DOMAIN = b"d" * 32
FUEL = 10_000_000


async def apply(talk: Talk, transactions: list[bytes], aside: Aside, read: Read) -> Applied:
    """Have a slice applied, as storage does."""
    work = pb.Slice(transactions=transactions, poisoned=aside.poisoned, refuted=aside.refuted)
    return read_applied(await talk.ask(pb.Ask(slice=work), read), len(transactions))


class Chain:
    """A state in memory, of which the runner executes slices."""

    def __init__(self) -> None:
        self.state: MemoryRecords = build_state()
        self.state[compute_account_key(ALICE)] = Account(10**18, {}).encode()
        self.context = Context(build_header(1, base_fee=0), Params(), DOMAIN)
        self.sequence = 0

    def deploy(self, code: bytes, *, profile: int = PLAIN, reentrant: bool = False) -> bytes:
        """Put a contract into the state; return its address."""
        name = compute_code_hash(code)
        address = bytes([profile, reentrant]) + name[2:]
        record = ContractRecord(profile, reentrant, name, bytes(32), ALICE, 0)
        self.state[compute_code_key(name)] = code
        self.state[compute_contract_key(address)] = record.encode()
        return address

    def call(self, contract: bytes, method: str, given: bytes = b"", fuel: int = FUEL) -> bytes:
        """Return an encoded transaction that calls a contract."""
        return self.sign(CallContract(ALICE, contract, method, given, 0, fuel, ()))

    def sign(self, *payloads: Payload) -> bytes:
        """Return an encoded transaction; nobody checks signatures any more."""
        body = encode_body(
            ALICE, 0, self.sequence, payloads, valid_until_height=10, fee_limit=10**15
        )
        self.sequence += 1
        return encode_envelope(body, [])

    def read(self, key: bytes) -> bytes:
        """Return a record."""
        return self.state[key]

    async def apply(
        self, talk: Talk, transactions: Sequence[bytes], aside: Aside | None = None
    ) -> Applied:
        """Have transactions executed, and keep what they wrote."""
        applied = await apply(talk, list(transactions), aside or Aside(), self.read)
        self.state.take(applied.writes)
        return applied


class Runner:
    """A contract-runner that serves."""

    def __init__(self, service: wiring.Contracts, config: NodeConfig) -> None:
        self.service, self.config = service, config
        self.channel = open_channel(config.socket("contracts"))
        self.link = ContractLink(self.channel)

    async def execute(self, chain: Chain, *transactions: bytes) -> Applied:
        """Have a block's only slice executed."""
        async with self.link.open(EXECUTE, build_begin(chain.context)) as talk:
            return await chain.apply(talk, transactions)

    async def check(self, code: bytes, profile: int = PLAIN) -> pb.CheckResponse:
        """Have a module checked."""
        response: pb.CheckResponse = await self.link.stub.Check(
            pb.CheckRequest(code=code, profile=profile)
        )
        return response

    async def stop(self) -> None:
        """Stop it."""
        await self.channel.close()
        await self.service.stop()


async def open_runner(home: Path, sockets: Path, **settings: object) -> Runner:
    """Start a contract-runner."""
    config = NodeConfig(home=home, name="n", sockets_dir=sockets, **settings)
    return Runner(await wiring.start(config), config)


@pytest.fixture
async def runner(tmp_path: Path) -> AsyncIterator[Runner]:
    with tempfile.TemporaryDirectory(prefix="q") as sockets:
        found = await open_runner(tmp_path, Path(sockets))
        yield found
        await found.stop()


@pytest.fixture
def chain() -> Chain:
    return Chain()
