"""Children that die, hang or are given up: what storage is told, and that the next call runs."""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from quorate.api.contracts.v1 import contracts_pb2 as pb
from quorate.contracts import planted, streams
from quorate.core.applied import Aside
from quorate.core.contracts.details import decode_detail
from quorate.core.errors import Overloaded
from quorate.core.outcomes import OUTCOMES
from quorate.core.transactions import Transfer
from quorate.kit.contract_frames import build_begin
from quorate.storage.contract_link import EXECUTE, VIEW, RunnerDied
from tests.unit.quorate.contracts.conftest import ALICE, Chain, Runner, apply, open_runner
from tests.unit.quorate.contracts.test_servicer import COUNTER
from tests.unit.quorate.contracts.worlds import build_code

PLANTED = build_code("""(func (export "fine")) (func (export "planted"))""")


@asynccontextmanager
async def open_planted(
    how: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Runner]:
    for name, value in planted.build_environment(how, "planted").items():
        monkeypatch.setenv(name, value)
    with tempfile.TemporaryDirectory(prefix="q") as sockets:
        runner = await open_runner(home, Path(sockets))
        yield runner
        await runner.stop()


async def test_a_planted_abort_names_the_call_and_the_next_slice_runs(
    tmp_path: Path, chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    contract = chain.deploy(PLANTED)
    async with open_planted(planted.ABORT, tmp_path, monkeypatch) as runner:
        before = runner.service.execution.pid
        slice_ = [
            chain.call(contract, "fine"),
            chain.sign(Transfer(ALICE, b"B" * 32, 5)),
            chain.call(contract, "planted"),
            chain.call(contract, "fine"),
        ]
        with pytest.raises(RunnerDied) as caught:
            await runner.execute(chain, *slice_)
        died = caught.value
        assert (died.position, died.at_call, died.why) == (2, True, "SIGABRT")
        async with runner.link.open(EXECUTE, build_begin(chain.context)) as talk:
            applied = await chain.apply(talk, slice_, Aside(poisoned=(2,)))
        reasons = [OUTCOMES[each.code][1] for each in applied.receipts]
        assert reasons == ["", "", "POISONED", ""]
        assert runner.service.execution.pid not in (0, before)


async def test_a_call_that_hangs_is_killed_and_named(
    tmp_path: Path, chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    contract = chain.deploy(PLANTED)
    async with open_planted(planted.HANG, tmp_path, monkeypatch) as runner:
        runner.service.execution._hang_s = 0.3
        with pytest.raises(RunnerDied) as caught:
            await runner.execute(
                chain, chain.call(contract, "fine"), chain.call(contract, "planted")
            )
        assert (caught.value.position, caught.value.why) == (1, streams.HUNG)
        chain.sequence = 0
        applied = await runner.execute(chain, chain.call(contract, "fine"))
        assert OUTCOMES[applied.receipts[0].code][1] == ""


async def test_a_child_that_is_killed_while_it_waits_says_so(runner: Runner, chain: Chain) -> None:
    contract = chain.deploy(COUNTER)
    slice_ = [chain.call(contract, "add")]
    victims = [runner.service.execution.pid]

    def read(key: bytes) -> bytes:
        if victims:
            os.kill(victims.pop(), signal.SIGKILL)
        return chain.read(key)

    async with runner.link.open(EXECUTE, build_begin(chain.context)) as talk:
        with pytest.raises(RunnerDied) as caught:
            await apply(talk, slice_, Aside(), read)
    assert (caught.value.why, caught.value.at_call) == ("SIGKILL", False)
    await runner.execute(chain, *slice_)


async def test_a_child_that_dies_idle_is_replaced_without_a_word(
    runner: Runner, chain: Chain
) -> None:
    contract = chain.deploy(COUNTER)
    await runner.execute(chain, chain.call(contract, "add"))
    child = runner.service.execution._child
    assert child is not None
    os.kill(child.pid, signal.SIGKILL)
    await asyncio.wait({child.ended})
    applied = await runner.execute(chain, chain.call(contract, "add"))
    assert decode_detail(applied.details[0][1]).calls[0].result[0] == 2


async def test_work_that_storage_gives_up_does_not_reach_the_next_stream(
    runner: Runner, chain: Chain
) -> None:
    contract = chain.deploy(COUNTER)
    child = runner.service.execution.pid
    asked = asyncio.Event()

    async def give_up() -> None:
        async with runner.link.open(EXECUTE, build_begin(chain.context)) as talk:
            call = talk._call
            work = pb.Slice(transactions=[chain.call(contract, "add")])
            await call.write(pb.ExecuteRequest(ask=pb.Ask(slice=work)))
            await call.read()  # it needs records, and never gets them
            asked.set()

    await give_up()
    assert asked.is_set()
    chain.sequence = 0
    applied = await runner.execute(chain, chain.call(contract, "add"))
    assert decode_detail(applied.details[0][1]).calls[0].result[0] == 1
    assert runner.service.execution.pid == child


async def test_a_view_that_never_ends_holds_no_block_back(runner: Runner, chain: Chain) -> None:
    contract = chain.deploy(COUNTER)
    async with runner.link.open(VIEW, build_begin(chain.context)) as talk:
        view = pb.View(contract=contract, method="get", caller=ALICE)
        await talk._call.write(pb.ViewRequest(ask=pb.Ask(view=view)))
        await talk._call.read()
        applied = await runner.execute(chain, chain.call(contract, "add"))
        assert len(applied.receipts) == 1


async def test_views_beyond_the_queue_are_told_to_come_back(
    runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "WAITING_MAX", 0)

    async def ask() -> AsyncIterator[pb.ViewRequest]:
        yield pb.ViewRequest()

    with pytest.raises(Overloaded):
        async for _ in runner.service.views.relay(ask()):
            pass


async def test_the_service_outlives_its_spawner_and_its_health_says_so(
    runner: Runner, chain: Chain
) -> None:
    contract = chain.deploy(COUNTER)
    spawner, states = runner.service.spawner, health_pb2.HealthCheckResponse
    child, before = runner.service.execution._child, spawner.pid
    assert child is not None
    seen = []
    stub = health_pb2_grpc.HealthStub(runner.channel)
    async with asyncio.timeout(30):
        async for health in stub.Watch(health_pb2.HealthCheckRequest(service="")):
            if health.status == states.SERVING and not seen:
                os.kill(before, signal.SIGKILL)
            seen.append(health.status)
            if states.NOT_SERVING in seen and seen[-1] == states.SERVING:
                break
    assert await child.ended == "the spawner died"
    assert spawner.pid not in (0, before)
    applied = await runner.execute(chain, chain.call(contract, "add"))
    assert len(applied.receipts) == 1


def test_the_spawner_never_sees_grpc() -> None:
    script = "import sys, quorate.contracts.spawner; print([m for m in sys.modules if 'grpc' in m])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


async def test_no_process_outlives_the_service(tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="q") as sockets:
        runner = await open_runner(tmp_path, Path(sockets))
        service = runner.service
        pids = [service.spawner.pid, service.execution.pid, service.views.pid]
        assert all(Path(f"/proc/{pid}").exists() for pid in pids)
        await runner.stop()
    assert not any(_runs(pid) for pid in pids)


def _runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
