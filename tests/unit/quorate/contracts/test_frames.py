"""Frames between the service and its children, and what becomes of a child that floods."""

import os
import random
import socket

import pytest

from quorate.contracts import frames
from quorate.contracts.children import Child, Gone
from quorate.contracts.frames import Flood, Frame, Link, Splitter
from quorate.contracts.mark import Mark


def test_frames_come_out_whole_however_they_are_cut(rng: random.Random) -> None:
    sent = [Frame(rng.randrange(256), rng.randbytes(rng.randrange(50))) for _ in range(200)]
    data, splitter, found = b"".join(frames.encode(*each) for each in sent), Splitter(), []
    while data:
        cut = rng.randrange(1, 40)
        found += splitter.feed(data[:cut])
        data = data[cut:]
    assert found == sent


def test_a_child_reads_what_the_service_writes_until_it_is_gone() -> None:
    ours, theirs = socket.socketpair()
    link = Link(theirs)
    ours.sendall(frames.encode(frames.ASK, b"what") + frames.encode(frames.RESET) + b"\0")
    ours.close()
    assert [link.receive() for _ in range(3)] == [Frame(frames.ASK, b"what"), (2, b""), None]
    theirs.close()


def test_a_frame_that_is_too_large_is_a_flood_before_it_is_read() -> None:
    with pytest.raises(Flood):
        Splitter().feed(frames.HEAD.pack(frames.BYTES_MAX + 1, frames.ANSWER))


@pytest.mark.parametrize(
    "data",
    [
        frames.encode(frames.ANSWER, b"x") * (frames.UNREAD_MAX + 1),
        frames.HEAD.pack(frames.BYTES_MAX + 1, frames.ANSWER),
    ],
)
async def test_a_child_that_floods_is_killed(data: bytes) -> None:
    mark, file = Mark.create()
    killed: list[int] = []
    child = Child("execute", mark, killed.append)
    child.name(7)
    child.data_received(data)
    assert killed == [7]
    child.connection_lost(None)
    child.bury("SIGKILL")
    for _ in child._frames.copy():
        await child.receive()
    with pytest.raises(Gone) as caught:
        await child.receive()
    assert "frame" in str(caught.value)
    child.close()
    os.close(file)


def test_a_mark_tells_the_other_side_where_work_is() -> None:
    mark, file = Mark.create()
    other = Mark(file)
    before = mark.read()
    other.note(5, at_call=True)
    other.note(5, at_call=True)
    after = mark.read()
    assert after[1:] == (5, True) and after != before
    other.note(5, at_call=True)
    assert mark.read() != after
    mark.close()
    other.close()
    os.close(file)
