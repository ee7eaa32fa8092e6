"""Whether the contract-runner's memory stays flat: its processes' own, over calls and deployments.

    .venv/bin/python bench/runner_memory.py --calls 100000 --deployments 1000

A real service with its processes; slices of 128 calls go through it, and between them contracts
are deployed that nobody has compiled before. Memory is counted once where processes share it.
"""

import argparse
import asyncio
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

_HERE: Final = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(_HERE))

from quorate.api.contracts.v1 import contracts_pb2 as pb  # noqa: E402
from quorate.core.contracts.payloads import DeployContract  # noqa: E402
from quorate.core.outcomes import CALLED, OUTCOMES  # noqa: E402
from quorate.kit.contract_frames import build_begin  # noqa: E402
from quorate.storage.contract_link import EXECUTE, VIEW  # noqa: E402
from tests.unit.quorate.contracts.conftest import ALICE, Chain, Runner, open_runner  # noqa: E402
from tests.unit.quorate.contracts.test_servicer import COUNTER  # noqa: E402
from tests.unit.quorate.contracts.worlds import build_code  # noqa: E402

SLICE: Final = 128
REPORTS: Final = 10


def read_memory_kib(pid: int) -> int:
    """Return a process's memory, what it shares counted in parts."""
    found = re.search(r"^Pss:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.M)
    assert found
    return int(found[1])


class Run:
    """Calls and deployments on one service, and what its processes take."""

    def __init__(self, runner: Runner) -> None:
        self._runner, self._chain, self._number = runner, Chain(), 0
        self._contract = self._chain.deploy(COUNTER)

    async def apply(self, transactions: list[bytes]) -> None:
        """Have a slice executed, all of it with success."""
        async with self._runner.link.open(EXECUTE, build_begin(self._chain.context)) as talk:
            applied = await self._chain.apply(talk, transactions)
        codes = {each.code for each in applied.receipts}
        assert codes == {CALLED}, [OUTCOMES[code] for code in codes]

    async def call(self) -> None:
        """Execute a slice of calls, and a view."""
        await self.apply([self._chain.call(self._contract, "add") for _ in range(SLICE)])
        view = pb.View(contract=self._contract, method="get", caller=ALICE, fuel=10_000_000)
        async with self._runner.link.open(VIEW, build_begin(self._chain.context)) as talk:
            answer = await talk.ask(pb.Ask(view=view), self._chain.read)
        assert not answer.viewed.reason

    async def deploy(self) -> None:
        """Deploy code that is new."""
        self._number += 1
        code = build_code(f'(func (export "m") (drop (i32.const {self._number})))')
        await self.apply(
            [self._chain.sign(DeployContract(ALICE, code, b"", 0, False, b"", 0, 10_000_000))]
        )

    def report(self, what: str) -> None:
        """Print what each process takes."""
        service = self._runner.service
        pids = {
            "spawner": service.spawner.pid,
            "execute": service.execution.pid,
            "view": service.views.pid,
        }
        kib = {name: read_memory_kib(pid) for name, pid in pids.items()}
        parts = ", ".join(f"{name} {value / 1024:.1f}" for name, value in kib.items())
        print(f"{what:32s} {sum(kib.values()) / 1024:6.1f} MiB  ({parts})", flush=True)


async def measure(calls: int, deployments: int) -> None:
    """Do all and report now and then."""
    slices = -(-calls // SLICE)
    with (
        tempfile.TemporaryDirectory(prefix="q") as home,
        tempfile.TemporaryDirectory(prefix="q") as sockets,
    ):
        runner = await open_runner(Path(home), Path(sockets))
        run = Run(runner)
        run.report("started")
        started = time.monotonic()
        for number in range(slices):
            await run.call()
            due = deployments * (number + 1) // slices - deployments * number // slices
            for _ in range(due):
                await run.deploy()
            if (number + 1) * REPORTS // slices != number * REPORTS // slices:
                done = f"{(number + 1) * SLICE} calls, {deployments * (number + 1) // slices} new"
                run.report(done)
        print(f"{time.monotonic() - started:.0f} s")
        await runner.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Memory of the contract-runner over time.")
    parser.add_argument("--calls", type=int, default=100_000)
    parser.add_argument("--deployments", type=int, default=1_000)
    given = parser.parse_args()
    asyncio.run(measure(given.calls, given.deployments))
