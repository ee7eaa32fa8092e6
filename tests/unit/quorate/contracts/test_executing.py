"""The same slices give the same bytes, whatever is cached, hashed or restarted in between."""

import asyncio
import hashlib
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from quorate.core.applied import Applied
from quorate.core.contracts.payloads import DeployContract
from quorate.core.transactions import Transfer
from quorate.kit.contract_frames import encode_applied
from tests.conftest import SEED
from tests.unit.quorate.contracts.conftest import ALICE, Chain, Runner, open_runner
from tests.unit.quorate.contracts.test_servicer import COUNTER
from tests.unit.quorate.contracts.worlds import build_code

METHODS = ("add", "get", "spin", "none")
SLICES = 6


def build_slices(seed: int) -> tuple[Chain, list[list[bytes]]]:
    """Return a chain, and slices that mix calls, transfers and deployments by a seed."""
    rng, chain = random.Random(seed), Chain()
    contracts = [chain.deploy(COUNTER), chain.deploy(build_code('(func (export "add"))'))]
    slices = []
    for _ in range(SLICES):
        slice_ = []
        for _ in range(rng.randrange(1, 12)):
            match rng.randrange(5):
                case 0:
                    transaction = chain.sign(Transfer(ALICE, rng.randbytes(32), 5))
                case 1:
                    code = build_code(f'(func (export "m") (drop (i32.const {rng.randrange(9)})))')
                    payload = DeployContract(ALICE, code, b"", 0, False, b"", 0, 1_000_000)
                    transaction = chain.sign(payload)
                case _:
                    fuel = rng.choice((100_000, 200_000, 5_000_000))
                    contract, method = rng.choice(contracts), rng.choice(METHODS)
                    transaction = chain.call(contract, method, b"", fuel)
            slice_.append(transaction)
        slices.append(slice_)
    return chain, slices


def digest(applied: Applied) -> bytes:
    """Return what stands for all that a slice did."""
    data = encode_applied(applied).SerializeToString(deterministic=True)
    return hashlib.sha256(data).digest()


async def run_all(runner: Runner, seed: int, *, restart: bool = False) -> str:
    """Return a digest over all slices; `restart`: each in a new child."""
    chain, slices = build_slices(seed)
    found = hashlib.sha256()
    for slice_ in slices:
        if restart:
            child = runner.service.execution._child
            assert child is not None
            await child.kill("for a new one")
        found.update(digest(await runner.execute(chain, *slice_)))
    return found.hexdigest()


async def test_a_cold_and_a_warm_cache_and_new_children_give_the_same(runner: Runner) -> None:
    cold = await run_all(runner, SEED)
    assert await run_all(runner, SEED) == cold
    assert await run_all(runner, SEED, restart=True) == cold


@pytest.mark.parametrize("hash_seed", ["1", "77"])
async def test_another_process_with_another_hash_seed_gives_the_same(
    runner: Runner, hash_seed: str
) -> None:
    script = Path(__file__)
    done = await asyncio.create_subprocess_exec(
        sys.executable, "-c",
        f"import sys; sys.path.insert(0, {str(script.parents[4])!r}); "
        f"from tests.unit.quorate.contracts.test_executing import main; main({SEED})",
        env={**os.environ, "PYTHONHASHSEED": hash_seed}, stdout=subprocess.PIPE,
    )  # fmt: skip
    output, _ = await done.communicate()
    assert output.decode().split()[-1] == await run_all(runner, SEED)


def main(seed: int) -> None:
    """Print the digest that this process comes to."""

    async def run() -> str:
        with (
            tempfile.TemporaryDirectory(prefix="q") as home,
            tempfile.TemporaryDirectory(prefix="q") as sockets,
        ):
            runner = await open_runner(Path(home), Path(sockets))
            try:
                return await run_all(runner, seed)
            finally:
                await runner.stop()

    print(asyncio.run(run()))
