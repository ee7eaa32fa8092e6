"""Contracts as storage tells them: what they are, their state and its past, what calls did."""

from typing import Any

from quorate.api.contract.v1 import contract_pb2 as pb
from quorate.api.ledger.v1 import ledger_pb2
from quorate.core.contracts.details import compute_detail_hash
from quorate.core.contracts.payloads import CallContract
from quorate.core.contracts.records import compute_code_hash
from tests.unit.quorate.storage.runner import COUNTER, INTERFACE, TOTAL
from tests.unit.quorate.storage.scene import FUEL, NOBODY, Scene, number, refuse


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
