"""Compile children: killed when a module takes too long, and nothing else suffers."""

import asyncio
from pathlib import Path

import pytest

from quorate.contracts import compiler as compilers
from quorate.contracts.child import COMPILE
from quorate.contracts.children import Gone
from quorate.contracts.compiling import CHECK_JOB, PLAIN_JOB
from quorate.core.errors import Overloaded, Unavailable
from quorate.storage.contract_link import RunnerDied
from tests.unit.quorate.contracts.conftest import Chain, Runner
from tests.unit.quorate.contracts.test_servicer import COUNTER
from tests.unit.quorate.contracts.worlds import build_code


def build_bomb(branches: int) -> bytes:
    """Return a function of so many branches: the engine's time grows with their square."""
    step = "(block (br_if 0 (local.get $i)) (local.set $i (i32.add (local.get $i) (i32.const 1))))"
    return build_code(f'(func (export "m") (local $i i32) {step * branches})')


async def test_a_compile_bomb_is_refused_by_the_check(runner: Runner) -> None:
    async with asyncio.timeout(30):
        response = await runner.check(build_bomb(4_000))
    assert response.message and not response.compiled_bytes


async def test_a_compile_bomb_that_got_in_is_killed_with_its_child(
    runner: Runner, chain: Chain
) -> None:
    compiler = runner.service.compiler
    compiler._limit_s = 0.4
    with pytest.raises(Gone):
        await compiler._compile(PLAIN_JOB, 0, build_bomb(20_000))
    compiler._limit_s = compilers.COMPILE_S
    contract = chain.deploy(COUNTER)
    assert len((await runner.execute(chain, chain.call(contract, "add"))).receipts) == 1


async def test_a_call_whose_module_is_not_compiled_in_time_is_named(
    runner: Runner, chain: Chain
) -> None:
    compiler = runner.service.compiler
    compiler._limit_s = 0.0
    contract = chain.deploy(COUNTER)
    slice_ = [chain.call(contract, "add")]
    with pytest.raises(RunnerDied) as caught:
        await runner.execute(chain, *slice_)
    assert caught.value.at_call and "too long" in caught.value.why
    with pytest.raises(Unavailable):
        await compiler.check(COUNTER, 0)
    compiler._limit_s = compilers.COMPILE_S
    assert len((await runner.execute(chain, *slice_)).receipts) == 1


async def test_checks_beyond_the_queue_are_told_to_come_back(
    runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compilers, "CHECKS_MAX", 0)
    with pytest.raises(Overloaded):
        await runner.service.compiler.check(COUNTER, 0)


async def test_checks_hold_no_block_back(runner: Runner, chain: Chain) -> None:
    contract = chain.deploy(COUNTER)
    async with runner.service.compiler._locks[CHECK_JOB]:
        applied = await runner.execute(chain, chain.call(contract, "add"))
    assert len(applied.receipts) == 1


async def test_a_second_call_of_a_module_does_not_compile_it_again(
    runner: Runner, chain: Chain
) -> None:
    contract = chain.deploy(COUNTER)
    for _ in range(2):
        await runner.execute(chain, chain.call(contract, "add"))
    runner.service.compiler._limit_s = 0.0
    child = runner.service.execution._child
    assert child is not None
    await child.kill("to forget what it has loaded")
    await runner.execute(chain, chain.call(contract, "add"))


async def test_compile_children_leave_nothing_behind(runner: Runner) -> None:
    await runner.check(COUNTER)
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(20):
        await runner.check(COUNTER)
    spawner = runner.service.spawner
    ended = {each.ended for each in spawner._children.values() if each.kind == COMPILE}
    await asyncio.wait({*ended, asyncio.ensure_future(asyncio.sleep(0))}, timeout=30)
    assert len(list(Path("/proc/self/fd").iterdir())) <= before
    files = list(Path(f"/proc/{spawner.pid}/fd").iterdir())
    assert len(files) < 16
