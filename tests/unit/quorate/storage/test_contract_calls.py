"""Calls that are not sent: views, traces, dry runs, and runners that lie, die or are away."""

import asyncio
import contextlib

import grpc
import pytest

from quorate.api.contract.v1 import contract_pb2 as pb
from quorate.api.contracts.v1 import contracts_pb2
from quorate.api.ledger.v1 import ledger_pb2
from quorate.api.transaction.v1 import transaction_pb2 as tx
from quorate.api.transaction.v1 import transaction_pb2_grpc
from quorate.core.contracts.payloads import CallContract, DeployContract
from quorate.core.contracts.records import compute_contract_address
from quorate.kit.faults import from_rpc_error
from tests.unit.quorate.storage.runner import COUNTER, INTERFACE, TOTAL, Runner
from tests.unit.quorate.storage.scene import FUEL, NOBODY, Scene, number, refuse

LIMIT_S = 60


async def test_views_give_results_on_the_latest_state(scene: Scene) -> None:
    found = await scene.view()
    assert (number(found.outcome.result), found.height) == (1, 1)
    assert 0 < found.outcome.fuel < FUEL
    await scene.commit(scene.count(41))
    assert number((await scene.view()).outcome.result) == 42
    for method, reason in (("count", "READ_ONLY"), ("nothing", "NO_METHOD"), ("spin", "OUT_OF")):
        arguments = (5).to_bytes(8, "little") if method == "count" else b""
        found = await scene.view(method, arguments=arguments, fuel=5_000_000)
        assert found.outcome.failure.reason.startswith(reason)
        assert found.outcome.failure.method == method


async def test_views_go_on_while_blocks_wait_for_their_turn(scene: Scene) -> None:
    await scene.node.chain.lock.acquire()
    try:
        found = await asyncio.gather(*[scene.view() for _ in range(20)])
    finally:
        scene.node.chain.lock.release()
    assert [number(each.outcome.result) for each in found] == [1] * 20


async def test_a_trace_tells_steps_and_changes_nothing(scene: Scene) -> None:
    call = pb.CallRequest(
        contract=scene.contract, method="count", arguments=(5).to_bytes(8, "little")
    )
    found = await scene.api.Trace(pb.TraceRequest(call=call))
    actions = [step.action for step in found.steps]
    assert actions == ["load", "store", "load", "store", "emit", "load"]
    assert (number(found.outcome.result), found.cut, found.height) == (6, False, 1)
    assert number((await scene.view()).outcome.result) == 1


async def simulate(scene: Scene, raw: bytes) -> tx.SimulateResponse:
    trials = transaction_pb2_grpc.SimulationServiceStub(scene.node.channel)
    return await trials.Simulate(tx.SimulateRequest(transaction=raw))


def forget_sequence(scene: Scene, user: int = 0) -> None:
    scene.forge.sequences[user, 0] -= 1


async def test_a_dry_run_tells_what_the_next_block_then_does(scene: Scene) -> None:
    raw, total, mine = scene.count(5), TOTAL, b"\x06counts" + scene.forge.addresses[0]
    tried = await simulate(scene, raw)
    (access,) = tried.trial.access
    assert (access.contract, list(access.keys)) == (scene.contract, [total, mine])
    changes = [(each.key, number(each.before), number(each.after)) for each in tried.trial.changes]
    assert changes == [(total, 1, 6), (mine, 0, 5)]
    await scene.commit(raw)
    found = await scene.api.GetDetail(pb.GetDetailRequest(id=scene.forge.identify(raw)))
    assert tried.trial.detail == found.detail
    asked = ledger_pb2.GetReceiptRequest(id=tried.receipt.id)
    receipt = (await scene.node.ledger.GetReceipt(asked)).receipt
    assert (tried.receipt.fee, tried.receipt.detail_hash) == (receipt.fee, receipt.detail_hash)
    assert (tried.receipt.outcome, tried.height) == (tx.OUTCOME_SUCCEEDED, receipt.height - 1)


async def test_a_dry_run_tells_why_it_would_fail(scene: Scene) -> None:
    tried = await simulate(scene, scene.count(1_001))
    failure = tried.trial.detail.failure
    assert (tried.receipt.reason, failure.reason) == ("REVERTED", "REVERTED")
    assert (failure.message, failure.line) == ("enough is enough", 7)
    assert not tried.trial.changes
    forget_sequence(scene)
    skipped = await simulate(scene, scene.forge.act(
        CallContract(scene.forge.addresses[0], NOBODY, "count", b"", 0, FUEL, ()), fee_limit=1,
    ))  # fmt: skip
    assert skipped.receipt.reason == "FEE_TOO_LOW"
    assert not skipped.trial.detail.HasField("failure")
    forget_sequence(scene)
    lost = CallContract(scene.forge.addresses[0], NOBODY, "count", b"", 0, FUEL, ())
    tried = await simulate(scene, scene.forge.act(lost, fee_limit=10**9))
    assert tried.trial.detail.failure.reason == "NO_CONTRACT"


async def test_a_deployment_is_tried_without_being_made(scene: Scene) -> None:
    signer = scene.forge.addresses[1]
    raw = scene.forge.act(
        DeployContract(signer, COUNTER, INTERFACE, 0, False, b"", 0, FUEL),
        user=1, fee_limit=10**9,
    )  # fmt: skip
    tried = await simulate(scene, raw)
    (call,) = tried.trial.detail.calls
    assert call.contract == compute_contract_address(scene.forge.identify(raw), 0)
    assert await refuse(scene.api.GetContract(pb.GetContractRequest(address=call.contract)))


async def test_a_runner_that_answers_wrongly_is_no_answer(scene: Scene) -> None:
    answer, big = contracts_pb2.Answer, contracts_pb2.Viewed(result=bytes(20_000))
    for spoilt in (answer(), answer(viewed=big), answer(done=contracts_pb2.Done())):
        scene.runner.spoil = lambda _, spoilt=spoilt: spoilt
        assert (await refuse(scene.view())).reason == "RUNNER_WRONG"
    died = contracts_pb2.Died(why="SIGSEGV", at_call=True)
    scene.runner.spoil = lambda _: answer(died=died)
    assert type(await refuse(scene.view())).__name__ == "Rejected"
    died.at_call = False
    assert (await refuse(scene.view())).reason == "RUNNER_DIED"
    scene.runner.spoil = lambda answer: answer
    assert number((await scene.view()).outcome.result) == 1


async def test_a_call_that_asks_for_records_without_end_is_ended(scene: Scene) -> None:
    need = contracts_pb2.Need(keys=[bytes([65, *i.to_bytes(4, "big")]) for i in range(20_000)])
    scene.runner.spoil = lambda _: contracts_pb2.Answer(need=need)
    assert (await refuse(scene.view())).reason == "TOO_MANY_READS"


async def test_without_a_runner_reads_go_on_and_calls_are_unavailable(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("quorate.storage.contract_calls.RUN_S", 0.3)
    await scene.runner.stop()
    assert type(await refuse(scene.view())).__name__ == "Unavailable"
    found = await scene.api.GetContract(pb.GetContractRequest(address=scene.contract))
    assert found.interface == INTERFACE


async def test_more_calls_than_may_wait_are_refused_at_once(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Those that wait do so for longer than it takes to send all of them, on any machine.
    monkeypatch.setattr("quorate.storage.contract_calls.RUN_S", 600.0)
    slow = pb.CheckRequest(code=b"slow")
    calls = [asyncio.ensure_future(scene.api.Check(slow)) for _ in range(70)]
    waiting, found = set(calls), set[asyncio.Future[pb.CheckResponse]]()
    while len(found) < 6:
        done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        found |= done
    for each in waiting:
        each.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    errors = [each.exception() for each in found]
    assert [type(from_rpc_error(each)).__name__ for each in errors] == ["Overloaded"] * 6


async def test_views_share_a_stream_and_a_new_one_when_the_runner_is_another(scene: Scene) -> None:
    for _ in range(3):
        await scene.view()
    assert scene.runner.talks == 2, "one of blocks, one of views"
    await scene.runner.stop()
    other = await Runner().start(scene.node.config.socket("contracts"))
    try:
        async with asyncio.timeout(LIMIT_S):
            while not other.talks:
                with contextlib.suppress(grpc.aio.AioRpcError):
                    found = await scene.view()
        assert number(found.outcome.result) == 1
        assert number((await scene.view()).outcome.result) == 1
        assert other.talks == 1
    finally:
        await other.stop()


async def test_a_view_that_nobody_waits_for_leaves_nothing_to_the_next(scene: Scene) -> None:
    call = pb.CallRequest(contract=scene.contract, method="count", arguments=bytes(8))
    for turns in range(0, 60, 4):
        given_up = scene.api.View(pb.ViewRequest(call=call))
        for _ in range(turns):
            await asyncio.sleep(0)
        given_up.cancel()
        assert number((await scene.view()).outcome.result) == 1


async def test_records_that_a_view_read_are_brought_the_next_time_as_they_are_now(
    scene: Scene,
) -> None:
    assert number((await scene.view()).outcome.result) == 1
    needed = scene.runner.needs
    assert number((await scene.view()).outcome.result) == 1
    assert scene.runner.needs == needed
    await scene.commit(scene.count(41))
    needed = scene.runner.needs
    assert number((await scene.view()).outcome.result) == 42
    assert scene.runner.needs == needed
