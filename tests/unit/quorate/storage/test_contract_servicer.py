"""Contracts through storage's public service: what they are, did, told, and what views give."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

from quorate.api.contract.v1 import contract_pb2 as pb
from quorate.api.contract.v1 import contract_pb2_grpc
from quorate.api.contracts.v1 import contracts_pb2
from quorate.api.ledger.v1 import ledger_pb2
from quorate.api.transaction.v1 import transaction_pb2 as tx
from quorate.api.transaction.v1 import transaction_pb2_grpc
from quorate.core.blocks import Block
from quorate.core.contracts.details import compute_detail_hash
from quorate.core.contracts.payloads import FUEL_MAX, CallContract, DeployContract
from quorate.core.contracts.records import compute_code_hash, compute_contract_address
from quorate.core.errors import QuorateError
from quorate.kit.faults import from_rpc_error
from quorate.storage.contract_servicer import TRACED_BYTES_MAX
from tests.unit.quorate.storage.forge import Forge
from tests.unit.quorate.storage.runner import COUNTER, INTERFACE, Runner

FUEL = 50_000_000
NOBODY = b"n" * 32
TOTAL = b"\x05total"


class Scene:
    """A node whose chain has a counter at `contract`, its runner, and the means to go on."""

    def __init__(self, node: Any, forge: Forge, runner: Runner) -> None:
        self.node, self.forge, self.runner = node, forge, runner
        self.api = contract_pb2_grpc.ContractServiceStub(node.channel)
        self.contract = b""

    async def commit(self, *raws: bytes) -> Block:
        batch = self.forge.batch(raws)
        block = self.forge.block(self.node.chain.head, [batch])
        await self.node.commit([(block, [batch])])
        return block

    async def deploy(self, user: int = 0) -> bytes:
        signer = self.forge.addresses[user]
        raw = self.forge.act(
            DeployContract(signer, COUNTER, INTERFACE, 0, False, b"", 0, FUEL),
            user=user, fee_limit=10**9,
        )  # fmt: skip
        await self.commit(raw)
        return compute_contract_address(self.forge.identify(raw), 0)

    def count(self, by: int, user: int = 0) -> bytes:
        signer = self.forge.addresses[user]
        call = CallContract(
            signer, self.contract, "count", by.to_bytes(8, "little"), 0, FUEL, ()
        )  # fmt: skip
        return self.forge.act(call, user=user, fee_limit=10**9)

    async def view(self, method: str = "total", **how: Any) -> pb.ViewResponse:
        call = pb.CallRequest(**{"contract": self.contract, "method": method, **how})
        return await self.api.View(pb.ViewRequest(call=call))


@pytest.fixture
async def scene(node: Any, forge: Forge) -> AsyncIterator[Scene]:
    runner = await Runner().start(node.config.socket("contracts"))
    scene = Scene(node, forge, runner)
    scene.contract = await scene.deploy()
    yield scene
    await runner.stop()


async def refuse(call: Any) -> QuorateError:
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await call
    return from_rpc_error(raised.value)


def number(data: bytes) -> int:
    return int.from_bytes(data, "little")


async def test_a_contract_is_read_with_its_interface_and_code(scene: Scene) -> None:
    found = await scene.api.GetContract(pb.GetContractRequest(address=scene.contract))
    contract = found.contract
    assert (found.interface, found.height, found.balance) == (INTERFACE, 1, 0)
    assert (contract.address, contract.creator) == (scene.contract, scene.forge.addresses[0])
    assert (contract.code_bytes, contract.height) == (len(COUNTER), 1)
    assert contract.code_hash == compute_code_hash(COUNTER)
    code = await scene.api.GetCode(pb.GetCodeRequest(code_hash=contract.code_hash))
    assert code.code == COUNTER


async def test_contracts_are_listed_in_pages_and_by_creator(scene: Scene) -> None:
    made = {scene.contract: 0}
    for user in (1, 0, 1):
        made[await scene.deploy(user)] = user
    found, token = list[bytes](), ""
    while True:
        request = pb.ListContractsRequest(page_size=3, page_token=token)
        page = await scene.api.ListContracts(request)
        found += [each.address for each in page.contracts]
        token = page.next_page_token
        if not token:
            break
    assert found == sorted(made)
    creator = scene.forge.addresses[1]
    page = await scene.api.ListContracts(pb.ListContractsRequest(creator=creator))
    assert [each.address for each in page.contracts] == sorted(a for a, u in made.items() if u)


async def test_state_is_read_now_and_as_it_was(scene: Scene) -> None:
    first, second = scene.forge.addresses[:2]
    heights = [scene.node.chain.height]
    for raw in (scene.count(5), scene.count(7, 1), scene.count(1)):
        await scene.commit(raw)
        heights.append(scene.node.chain.height)

    async def read(height: int = 0, **how: Any) -> dict[bytes, int]:
        request = pb.ListStateRequest(contract=scene.contract, height=height, **how)
        page = await scene.api.ListState(request)
        assert page.height == (height or heights[-1])
        return {record.key: number(record.value) for record in page.records}

    def key(address: bytes) -> bytes:
        return b"\x06counts" + address

    wanted = [
        {TOTAL: 1},
        {TOTAL: 6, key(first): 5},
        {TOTAL: 13, key(first): 5, key(second): 7},
        {TOTAL: 14, key(first): 6, key(second): 7},
    ]
    assert await read() == wanted[-1]
    for height, state in zip(heights, wanted, strict=True):
        assert await read(height) == state
        assert await read(height, prefix=TOTAL) == {TOTAL: state[TOTAL]}
        assert await read(height, prefix=b"\x06") == {k: v for k, v in state.items() if k != TOTAL}
        paged, after = dict[bytes, int](), b""
        while page := await read(height, after=after, page_size=1):
            paged |= page
            after = max(page)
        assert paged == state


async def test_changes_between_heights_are_told(scene: Scene) -> None:
    low = scene.node.chain.height
    await scene.commit(scene.count(5))
    forget = CallContract(scene.forge.addresses[0], scene.contract, "forget", b"", 0, FUEL, ())
    await scene.commit(scene.forge.act(forget, fee_limit=10**9))

    async def compare(first: int, last: int = 0) -> dict[bytes, tuple[int, int]]:
        request = pb.ListChangesRequest(contract=scene.contract, from_height=first, to_height=last)
        answer = await scene.api.ListChanges(request)
        assert not answer.cut
        return {each.key: (number(each.before), number(each.after)) for each in answer.changes}

    mine = b"\x06counts" + scene.forge.addresses[0]
    assert await compare(low, low + 1) == {TOTAL: (1, 6), mine: (0, 5)}
    assert await compare(low + 1) == {TOTAL: (6, 0)}
    assert await compare(low) == {TOTAL: (1, 0), mine: (0, 5)}
    assert await compare(0) == {mine: (0, 5)}
    assert await compare(low + 2) == {}


async def test_details_tell_what_calls_did_and_why_one_failed(scene: Scene) -> None:
    good, bad, plain = scene.count(5), scene.count(2_000, 1), scene.forge.transfer(2)
    await scene.commit(good, bad, plain)
    identity = scene.forge.identify(good)
    found = await scene.api.GetDetail(pb.GetDetailRequest(id=identity))
    (call,) = found.detail.calls
    assert (call.contract, call.method, number(call.result)) == (scene.contract, "count", 6)
    assert [(e.contract, e.name, number(e.data)) for e in call.events] == [
        (scene.contract, "Counted", 5)
    ]
    assert call.fuel == found.detail.fuel > 0
    assert (found.height, found.position) == (2, 0)
    asked = ledger_pb2.GetReceiptRequest(id=identity)
    receipt = (await scene.node.ledger.GetReceipt(asked)).receipt
    assert receipt.detail == found.detail
    stored = scene.node.chain.store.history.load_detail(2, 0)
    assert receipt.detail_hash == compute_detail_hash(stored)

    failed = await scene.api.GetDetail(pb.GetDetailRequest(id=scene.forge.identify(bad)))
    failure = failed.detail.failure
    assert (failure.reason, failure.message) == ("REVERTED", "enough is enough")
    assert (failure.contract, failure.method, failure.line) == (scene.contract, "count", 7)
    asked = pb.GetDetailRequest(id=scene.forge.identify(plain))
    assert (await refuse(scene.api.GetDetail(asked))).reason == "NO_DETAIL"
    assert (await refuse(scene.api.GetDetail(pb.GetDetailRequest(id=NOBODY)))).reason == "NOT_FOUND"


async def test_events_are_listed_in_pages(scene: Scene) -> None:
    raws = [scene.count(by, by % 3) for by in range(1, 9)]
    await scene.commit(*raws[:3])
    await scene.commit(scene.forge.transfer(5))
    await scene.commit(*raws[3:])
    found, after = list[pb.EventRecord](), None
    while True:
        request = pb.ListEventsRequest(
            contract=scene.contract, name="Counted", page_size=2, after=after
        )
        page = await scene.api.ListEvents(request)
        found += page.events
        if not page.HasField("next"):
            break
        after = page.next
    assert [number(each.event.data) for each in found] == list(range(1, 9))
    assert [each.transaction for each in found] == list(map(scene.forge.identify, raws))
    assert [(each.place.height, each.place.position) for each in found] == [
        (2, 0), (2, 1), (2, 2), (4, 0), (4, 1), (4, 2), (4, 3), (4, 4),
    ]  # fmt: skip
    other = pb.ListEventsRequest(contract=scene.contract, name="Other")
    assert not (await scene.api.ListEvents(other)).events


async def test_events_are_followed_from_any_place(scene: Scene) -> None:
    await scene.commit(scene.count(1), scene.count(2, 1))
    call = scene.api.WatchEvents(pb.WatchEventsRequest(contract=scene.contract))
    first = await call.read()
    assert (first.cursor.height, list(first.events)) == (2, [])
    await scene.commit(scene.count(3))
    told = await call.read()
    assert [number(each.event.data) for each in told.events] == [3]
    call.cancel()
    place = pb.EventCursor(height=2, position=0, index=0)
    again = scene.api.WatchEvents(pb.WatchEventsRequest(contract=scene.contract, after=place))
    await again.read()
    told = await again.read()
    assert [number(each.event.data) for each in told.events] == [2, 3]
    resumed = pb.WatchEventsRequest(contract=scene.contract, after=told.cursor)
    again.cancel()
    last = scene.api.WatchEvents(resumed)
    await last.read()
    await scene.commit(scene.forge.transfer(5))
    await scene.commit(scene.count(4))
    assert [number(each.event.data) for each in (await last.read()).events] == [4]
    last.cancel()


async def test_a_watch_without_events_tells_how_far_it_is(scene: Scene) -> None:
    call = scene.api.WatchEvents(pb.WatchEventsRequest(contract=scene.contract))
    start = (await call.read()).cursor.height
    blocks = scene.forge.extend(70, scene.node.chain.head)
    await scene.node.commit(blocks)
    assert (await call.read()).cursor.height >= start + 64
    call.cancel()


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


async def test_a_check_is_passed_on(scene: Scene) -> None:
    found = await scene.api.Check(pb.CheckRequest(code=b"x", profile=1))
    assert (found.message, found.offset, list(found.methods)) == ("no module", 3, ["a"])
    assert [(each.code, each.profile) for each in scene.runner.checks] == [(b"x", 1)]
    away = await refuse(scene.api.Check(pb.CheckRequest(code=b"away")))
    assert type(away).__name__ == "Unavailable"


def ask_all(scene: Scene, **changes: Any) -> dict[str, Any]:
    """Return calls that are wrong in form, with the reason that each gets."""
    api, here = scene.api, scene.contract
    call = {"contract": here, "method": "total"}

    def view(**how: Any) -> Any:
        return api.View(pb.ViewRequest(call=pb.CallRequest(**{**call, **how})))

    def trace(code: bytes = b"", **how: Any) -> Any:
        request = pb.TraceRequest(call=pb.CallRequest(**{**call, **how}), code=code)
        return api.Trace(request)

    def state(**how: Any) -> Any:
        return api.ListState(pb.ListStateRequest(**{"contract": here, **how}))

    def changed(**how: Any) -> Any:
        return api.ListChanges(pb.ListChangesRequest(**{"contract": here, **how}))

    def events(**how: Any) -> Any:
        return api.ListEvents(pb.ListEventsRequest(**{"contract": here, **how}))

    short = b"s" * 31
    return {
        "MALFORMED": [
            view(contract=short), view(caller=short), trace(contract=b""), state(contract=short),
            changed(contract=short), events(contract=short),
            api.GetContract(pb.GetContractRequest(address=short)),
            api.GetCode(pb.GetCodeRequest(code_hash=short)),
            api.GetDetail(pb.GetDetailRequest(id=short)),
            api.ListContracts(pb.ListContractsRequest(creator=short)),
            api.WatchEvents(pb.WatchEventsRequest(contract=short)).read(),
        ],
        "MALFORMED_BYTES": [api.ListContracts(pb.ListContractsRequest(page_token="no"))],
        "NO_CONTRACT": [
            view(contract=NOBODY), trace(contract=NOBODY), state(contract=NOBODY),
            changed(contract=NOBODY), events(contract=NOBODY),
            api.GetContract(pb.GetContractRequest(address=NOBODY)),
        ],
        "NO_CODE": [api.GetCode(pb.GetCodeRequest(code_hash=NOBODY))],
        "METHOD_NAME": [
            view(method=""), view(method="init"), view(method="a" * 65), trace(method="é"),
        ],
        "VALUE_IN_VIEW": [view(value=1)],
        "FUEL_LIMIT": [view(fuel=FUEL_MAX), trace(fuel=2**63)],
        "OVERSIZED": [
            view(arguments=bytes(40_000)), trace(code=bytes(TRACED_BYTES_MAX + 1)),
            state(prefix=bytes(300)), state(after=bytes(300)), changed(prefix=bytes(300)),
            events(name="a" * 65), api.Check(pb.CheckRequest(code=bytes(60_001))),
        ],
        "OUT_OF_RANGE": [api.Check(pb.CheckRequest(code=b"x", profile=2))],
        "HEIGHT_OUT_OF_RANGE": [
            state(height=99), changed(from_height=99), changed(from_height=1, to_height=99),
            changed(from_height=1, to_height=2**63),
            events(after=pb.EventCursor(height=2**64 - 1)),
        ],
    }  # fmt: skip


async def test_what_is_wrong_in_form_is_refused_with_its_reason(scene: Scene) -> None:
    for reason, calls in ask_all(scene).items():
        for call in calls:
            assert (await refuse(call)).reason == reason
    await scene.commit(scene.forge.transfer(1))
    backwards = pb.ListChangesRequest(contract=scene.contract, from_height=2, to_height=1)
    assert (await refuse(scene.api.ListChanges(backwards))).reason == "HEIGHT_OUT_OF_RANGE"


async def test_a_place_in_the_future_has_no_events_yet(scene: Scene) -> None:
    after = pb.EventCursor(height=10**9, position=3)
    page = await scene.api.ListEvents(pb.ListEventsRequest(contract=scene.contract, after=after))
    assert not page.events
    assert not page.HasField("next")


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
    monkeypatch.setattr("quorate.storage.contract_calls.RUN_S", 1.0)
    slow = pb.CheckRequest(code=b"slow")
    calls = [asyncio.ensure_future(scene.api.Check(slow)) for _ in range(70)]
    found = await asyncio.gather(*calls, return_exceptions=True)
    kinds = [type(from_rpc_error(each)).__name__ for each in found]
    assert (kinds.count("Overloaded"), kinds.count("Unavailable")) == (6, 64)
