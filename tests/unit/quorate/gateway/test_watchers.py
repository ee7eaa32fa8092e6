"""The buffer of a watch: hints gather in order, what is executed is never left out."""

import asyncio

import pytest

from quorate.api.transaction.v1 import transaction_pb2 as pb
from quorate.core.errors import Overloaded
from quorate.gateway.watchers import FRAMES_MAX, Hint, Watcher, WatcherIndex

A, B = b"a" * 32, b"b" * 32


def build_watcher(*ids: bytes, senders: tuple[bytes, ...] = ()) -> Watcher:
    """Return a watcher of these."""
    return Watcher(frozenset(ids), frozenset(senders))


async def test_hints_gather_into_one_frame_per_stage_in_order() -> None:
    watcher = build_watcher(A, B)
    watcher.push_hint(Hint(pb.STAGE_BATCHED, holders=2), [A])
    watcher.push_hint(Hint(pb.STAGE_RECEIVED), [B])
    watcher.push_hint(Hint(pb.STAGE_BATCHED, holders=2), [B])
    frames = await asyncio.wait_for(watcher.take(), 1)
    found = [(frame.stage.stage, frame.stage.ids) for frame in frames]
    assert found == [(pb.STAGE_RECEIVED, B), (pb.STAGE_BATCHED, A + B)]


async def test_hints_go_before_what_is_executed() -> None:
    watcher = build_watcher(A)
    watcher.push_hint(Hint(pb.STAGE_FINAL, 1), [A])
    watcher.push(pb.WatchResponse(executed=pb.ExecutedFrame(height=1)), 32)
    kinds = [frame.WhichOneof("frame") for frame in await watcher.take()]
    assert kinds == ["stage", "executed"]


async def test_hints_are_left_out_before_executed_frames_are() -> None:
    watcher = build_watcher(A)
    for height in range(FRAMES_MAX):
        watcher.push_hint(Hint(pb.STAGE_FINAL, height), [A])
        watcher.push(pb.WatchResponse(executed=pb.ExecutedFrame(height=height)), 32)
    frames = await watcher.take()
    executed = [f.executed.height for f in frames if f.HasField("executed")]
    assert executed == list(range(len(executed)))
    assert len(frames) <= FRAMES_MAX


async def test_a_full_buffer_is_read_out_before_it_ends() -> None:
    watcher = build_watcher(A)
    for _ in range(FRAMES_MAX + 1):
        watcher.push(pb.WatchResponse(), 0)
    assert len(await watcher.take()) == FRAMES_MAX
    with pytest.raises(Overloaded):
        await watcher.take()


def test_a_match_by_id_and_sender_counts_once() -> None:
    index, watcher = WatcherIndex(), build_watcher(A, senders=(B,))
    other = build_watcher(senders=(A,))
    index.add(watcher)
    index.add(other)
    assert index.match([A, B, A], [B, B, A]) == {watcher: [0, 1, 2], other: [2]}
    index.remove(watcher)
    index.remove(watcher)
    assert index.match([A], [A]) == {other: [0]}
