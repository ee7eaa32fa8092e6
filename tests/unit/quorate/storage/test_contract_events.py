"""Events of contracts come in order, page by page or as blocks are executed."""

import pytest

from quorate.api.contract.v1 import contract_pb2 as pb
from tests.unit.quorate.storage.scene import NOBODY, Scene, number, refuse


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


async def test_a_place_in_the_future_has_no_events_yet(scene: Scene) -> None:
    after = pb.EventCursor(height=10**9, position=3)
    page = await scene.api.ListEvents(pb.ListEventsRequest(contract=scene.contract, after=after))
    assert not page.events
    assert not page.HasField("next")


@pytest.mark.parametrize("size", [1, 2, 3, 100])
async def test_the_newest_come_first_where_that_is_asked_for(scene: Scene, size: int) -> None:
    for by in range(1, 7, 2):
        await scene.commit(scene.count(by), scene.forge.transfer(5), scene.count(by + 1, 1))
    found, after = list[int](), None
    while True:
        request = pb.ListEventsRequest(
            contract=scene.contract, page_size=size, after=after, newest_first=True
        )
        page = await scene.api.ListEvents(request)
        found += [number(each.event.data) for each in page.events]
        if not page.HasField("next"):
            break
        after = page.next
    assert found == [6, 5, 4, 3, 2, 1]
    place = pb.EventCursor(height=3, position=2, index=0)
    older = pb.ListEventsRequest(contract=scene.contract, after=place, newest_first=True)
    page = await scene.api.ListEvents(older)
    assert [number(each.event.data) for each in page.events] == [3, 2, 1]
    none = pb.ListEventsRequest(contract=NOBODY, newest_first=True)
    assert (await refuse(scene.api.ListEvents(none))).reason == "NO_CONTRACT"
