"""CPU per validator of one token transfer by contract, beyond its signature.

    .venv/bin/python bench/token_call.py

A real contract-runner with its enclosed processes executes slices of calls of
examples/contracts/token.py, as storage has them executed: sent, records served, decoded, applied,
results taken over, digest and writes made. CPU is the kernel's, of this process and all below it;
beside it, in the same run, a plain transfer applied in storage. The best of the rounds.
"""

import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

_HERE: Final = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(_HERE))

from quorate.api.contracts.v1 import contracts_pb2 as pb  # noqa: E402
from quorate.contracts import wiring  # noqa: E402
from quorate.core.context import Context  # noqa: E402
from quorate.core.contracts.payloads import CallContract  # noqa: E402
from quorate.core.contracts.records import (  # noqa: E402
    ContractRecord,
    compute_code_hash,
    compute_code_key,
    compute_contract_key,
    compute_variable_key,
)
from quorate.core.params import Params  # noqa: E402
from quorate.core.receipts import pack_receipts  # noqa: E402
from quorate.core.records import MemoryRecords  # noqa: E402
from quorate.core.results import compute_write_digest  # noqa: E402
from quorate.core.state import Account, compute_account_key  # noqa: E402
from quorate.core.transactions import Payload, Transfer  # noqa: E402
from quorate.core.transition import Execution  # noqa: E402
from quorate.devnet.system import list_tree, read_usage  # noqa: E402
from quorate.kit.config import NodeConfig  # noqa: E402
from quorate.kit.contract_frames import build_begin  # noqa: E402
from quorate.kit.convert import decode_ordered, encode_body, encode_envelope  # noqa: E402
from quorate.kit.rpc import open_channel  # noqa: E402
from quorate.lang.build import build  # noqa: E402
from quorate.storage.contract_link import EXECUTE, ContractLink, Talk, read_applied  # noqa: E402
from tests.unit.quorate.core.chains import build_header, build_state, close_block  # noqa: E402

SOURCE: Final = _HERE / "examples" / "contracts" / "token.py"
ALICE: Final = b"A" * 32
TOKEN: Final = b"T" * 32
DOMAIN: Final = b"d" * 32
CALLS: Final = 256
SLICES: Final = 8
ROUNDS: Final = 12


class Town:
    """A state in memory with a token, whose transactions take new holders in turn."""

    def __init__(self) -> None:
        built = build(SOURCE.read_text(), str(SOURCE))
        name = compute_code_hash(built.code)
        self.state: MemoryRecords = build_state()
        self.state[compute_account_key(ALICE)] = Account(10**18, {}).encode()
        self.state[compute_code_key(name)] = built.code
        record = ContractRecord(0, False, name, bytes(32), ALICE, 0)
        self.state[compute_contract_key(TOKEN)] = record.encode()
        self.state[compute_variable_key(TOKEN, _name(ALICE))] = (10**15).to_bytes(8, "little")
        self.sequence = 0

    def sign(self, payload: Payload) -> bytes:
        """Return an encoded transaction; nobody checks signatures any more."""
        fields = {"valid_until_height": 10, "fee_limit": 10**15}
        body = encode_body(ALICE, 0, self.sequence, [payload], **fields)
        self.sequence += 1
        return encode_envelope(body, [])

    def build_call(self) -> bytes:
        """Return a transfer of 1 by the contract, its records named."""
        to = (self.sequence % 1_000).to_bytes(32, "big")
        arguments, access = to + (1).to_bytes(8, "little"), (_name(ALICE), _name(to))
        return self.sign(CallContract(ALICE, TOKEN, "transfer", arguments, 0, 700_000, access))

    def open(self) -> Execution:
        """Return a block's execution, begun."""
        execution = Execution(Context(build_header(1, base_fee=0), Params(), DOMAIN), self.state)
        execution.begin()
        return execution


async def measure_calls(town: Town, talk: Talk) -> float:
    """Return the CPU per call of a block of SLICES slices, microseconds."""
    slices = [[town.build_call() for _ in range(CALLS)] for _ in range(SLICES)]
    started_s, execution = _read_cpu(), town.open()
    receipts = []
    for items in slices:
        ask = _build_slice(items)
        applied = read_applied(await talk.ask(ask, execution.read), len(items))
        execution.absorb(applied)
        receipts += applied.receipts
    writes = close_block(execution)
    compute_write_digest(bytes(32), writes)
    pack_receipts(receipts)
    took_s = _read_cpu() - started_s
    town.state.take(writes)
    assert all(receipt.detail_hash for receipt in receipts), "every call succeeds"
    return took_s / (CALLS * SLICES) * 1e6


def measure_transfers(town: Town) -> float:
    """Return the CPU per plain transfer of such a block, microseconds."""
    items = [town.sign(Transfer(ALICE, b"B" * 32, 1)) for _ in range(CALLS * SLICES)]
    started_s, execution = time.process_time(), town.open()
    receipts = execution.apply([decode_ordered(item, DOMAIN) for item in items])
    writes = close_block(execution)
    compute_write_digest(bytes(32), writes)
    pack_receipts(receipts)
    took_s = time.process_time() - started_s
    town.state.take(writes)
    return took_s / len(items) * 1e6


async def main() -> None:
    """Measure in turns, and print the best of each."""
    with tempfile.TemporaryDirectory(prefix="q-") as directory:
        home = Path(directory)
        config = NodeConfig(home=home, name="bench", sockets_dir=home)
        service = await wiring.start(config)
        town = Town()
        try:
            async with (
                open_channel(config.socket("contracts")) as channel,
                ContractLink(channel).open(EXECUTE, build_begin(town.open().context)) as talk,
            ):
                calls, transfers = [], []
                for _ in range(ROUNDS):
                    calls.append(await measure_calls(town, talk))
                    transfers.append(measure_transfers(town))
        finally:
            await service.stop()
    sys.stdout.write(
        f"token transfer by contract: {min(calls):.1f} µs of CPU beyond its signature (≤ 75)\n"
        f"plain transfer, the same way: {min(transfers):.1f} µs\n"
    )


def _build_slice(items: list[bytes]) -> pb.Ask:
    return pb.Ask(slice=pb.Slice(transactions=items))


def _name(holder: bytes) -> bytes:
    return b"\x08balances" + holder


def _read_cpu() -> float:
    """Return the CPU seconds of this process, finer than a tick, and of all below it."""
    below = [read_usage(pid).cpu_s for pid in list_tree(os.getpid())[1:]]
    return time.process_time() + sum(below)


if __name__ == "__main__":
    asyncio.run(main())
