"""Contracts are called like objects: typed, tried first, and told why when they fail."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from quorate.core.contracts.payloads import ACCESS_MAX, CallContract
from quorate.core.errors import InvalidInput, NotFound, Rejected
from quorate.sdk import Client, Contract, ContractFailed, Sender, deploy
from quorate.sdk.contract_interface import WrongInterface, parse_interface
from quorate.sdk.contract_sending import find_detail, fit
from tests.unit.quorate.sdk.contract_world import World
from tests.unit.quorate.storage.runner import COUNTER, INTERFACE, TOTAL

LIMIT_S = 60
BUILT = SimpleNamespace(code=COUNTER, interface=INTERFACE)


class Scene:
    """A deployed counter, and its sender."""

    def __init__(self, world: World, client: Client, sender: Sender, counter: Contract) -> None:
        self.world, self.client, self.sender, self.counter = world, client, sender, counter

    async def count_sent(self) -> int:
        return sum((await self.client.account(self.sender.address)).lanes.values())


@pytest.fixture
async def scene(directory: Path) -> AsyncIterator[Scene]:
    world = World(directory)
    await world.start()
    async with (
        asyncio.timeout(LIMIT_S),
        Client(world.target) as client,
        Sender(client, world.load_key(0)) as sender,
    ):
        counter = await deploy(client, sender, BUILT)
        yield Scene(world, client, sender, counter)
    await world.stop()


async def test_a_call_returns_its_result_once_it_is_executed(scene: Scene) -> None:
    counter = scene.counter
    assert await counter.count(5) == 6
    assert await counter.count(by_whom(4)) == 10
    done = await counter.call("count", 1)
    assert (done.result, done.detail.calls[0].method) == (11, "count")
    assert await counter.forget() is None
    assert await counter.read("total") == 0
    assert await counter.read("counts", scene.sender.address) == 10
    assert await counter.read("counts", bytes(32)) == 0
    assert await counter.read("total", height=done.receipt.height) == 11


def by_whom(amount: int) -> int:
    return amount


async def test_views_are_run_and_cost_nothing(scene: Scene) -> None:
    sent = await scene.count_sent()
    found = await Contract.at(scene.client, scene.counter.address)
    assert await found.view.total() == 1
    with pytest.raises(ContractFailed) as caught:
        await found.view.count(1)
    assert (caught.value.reason, caught.value.receipt) == ("READ_ONLY", None)
    assert await scene.count_sent() == sent


async def test_what_would_fail_is_told_before_it_is_sent(scene: Scene) -> None:
    sent = await scene.count_sent()
    with pytest.raises(
        ContractFailed, match=r"count failed \(line 7\): enough is enough"
    ) as caught:
        await scene.counter.count(2_000)
    fields = caught.value.fields()
    assert (caught.value.reason, fields["text"], fields["line"], fields["method"]) == (
        "REVERTED", "enough is enough", "7", "count",
    )  # fmt: skip
    assert await scene.count_sent() == sent


async def test_what_fails_when_it_is_sent_has_its_receipt(scene: Scene) -> None:
    with pytest.raises(ContractFailed) as caught:
        await scene.counter.call("count", 2_000, fuel_limit=10_000_000)
    receipt = caught.value.receipt
    assert receipt is not None
    assert (receipt.reason, caught.value.failure.message) == ("REVERTED", "enough is enough")
    detail = await find_detail(scene.client, receipt.id)
    assert detail is not None
    assert detail.failure == caught.value.failure


async def test_wrong_values_and_names_are_refused_with_what_was_expected(scene: Scene) -> None:
    sent = await scene.count_sent()
    for wrong in ((), (1, 2), ("5",), (-1,), (2**64,), (None,)):
        with pytest.raises(InvalidInput):
            await scene.counter.count(*wrong)
        with pytest.raises(InvalidInput):
            await scene.counter.view.count(*wrong)
    with pytest.raises(AttributeError, match="count, forget, total, spin"):
        await scene.counter.add(1)
    with pytest.raises(AttributeError, match="run by deploying"):
        await scene.counter.init()
    with pytest.raises(NotFound, match="there are: total, counts"):
        await scene.counter.read("owner")
    reader = await Contract.at(scene.client, scene.counter.address)
    with pytest.raises(InvalidInput, match="a call needs a sender"):
        await reader.count(1)
    assert await scene.count_sent() == sent


async def test_a_fitting_payload_names_records_and_has_a_quarter_more_fuel(scene: Scene) -> None:
    address, here = scene.sender.address, scene.counter.address
    bare = CallContract(b"", here, "count", (5).to_bytes(8, "little"), 0, 0, ())
    fitting = await fit(scene.client, address, bare)
    assert isinstance(fitting, CallContract)
    assert fitting.access == (TOTAL, b"\x06counts" + address)
    assert len(fitting.access) <= ACCESS_MAX
    cold = await scene.counter.call("count", 5, fuel_limit=50_000_000)
    done = await scene.counter.call("count", 5)
    assert done.detail.fuel < cold.detail.fuel
    assert done.detail.fuel < fitting.fuel_limit <= done.detail.fuel * 5 // 4 + 1


async def test_events_come_with_their_fields_from_any_place(scene: Scene) -> None:
    for by in (1, 2, 3):
        await scene.counter.count(by)
    told = [each async for each in scene.counter.list_events("Counted")]
    assert [each.fields for each in told] == [{"by": 1}, {"by": 2}, {"by": 3}]
    found = []
    async for each in scene.counter.watch(after=told[0].record.place):
        found.append(each.fields)
        if len(found) == 2:
            break
    assert found == [{"by": 2}, {"by": 3}]
    assert [e async for e in scene.counter.list_events("Other")] == []


async def test_a_contract_that_is_not_there_or_has_no_interface_is_said_so(scene: Scene) -> None:
    with pytest.raises(NotFound) as caught:
        await Contract.at(scene.client, bytes(32))
    assert caught.value.reason == "NO_CONTRACT"
    with pytest.raises(WrongInterface):
        await deploy(scene.client, scene.sender, SimpleNamespace(code=COUNTER, interface=b"{}"))
    broken = SimpleNamespace(code=b"\0asm no module", interface=INTERFACE)
    with pytest.raises(ContractFailed) as failed:
        await deploy(scene.client, scene.sender, broken)
    assert failed.value.reason == "BAD_MODULE"


async def test_an_account_that_cannot_pay_is_told_so(scene: Scene) -> None:
    async with Sender(scene.client, scene.world.load_key(99)) as poor:
        contract = Contract(scene.client, scene.counter.address, parse_interface(INTERFACE), poor)
        with pytest.raises(Rejected) as caught:
            await contract.count(1)
    assert caught.value.reason == "FEE_NOT_COVERED"
