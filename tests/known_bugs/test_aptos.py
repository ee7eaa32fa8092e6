"""Known bugs of aptos-core: a vote that was signed before it was safe to have signed it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from quorate.consensus import driver as driving
from quorate.consensus.driver import Driver
from quorate.consensus.vote_log import VoteLog
from quorate.core.bft import effects as do
from quorate.core.bft import events as on
from quorate.core.bft.log import Record, record_own
from quorate.core.bft.messages import Kind, Message, Proposal, Vote
from tests.known_bugs.net import Bench

if TYPE_CHECKING:
    from quorate.consensus.gossip_link import GossipLink
    from quorate.consensus.storage_link import StorageLink
    from quorate.core.bft.engine import Engine
    from quorate.core.bft.replica import Replica

DEADLINE_S = 15.0
SIGNED = (Vote, Proposal)


class Disk(VoteLog):
    """The real vote log, whose next writes can be made to fail; notes what was synced."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, b"g" * 32, b"k" * 32)
        self.fails = False
        self.failed, self.synced = asyncio.Event(), asyncio.Event()
        self.durable: set[bytes] = set()

    def persist(self, records: Iterable[Record], *, synced: bool) -> None:
        """Write, or fail as RocksDB does."""
        kept = list(records)
        if self.fails:
            self.failed.set()
            raise OSError("planted")
        super().persist(kept, synced=synced)
        if synced:
            self.durable |= {value for _, value in kept}
            self.synced.set()


class Wire:
    """What leaves; each own message must be durable by then."""

    def __init__(self, disk: Disk, seat: int) -> None:
        self.sent: list[Message] = []
        self.greeted = asyncio.Event()
        self._disk, self._seat = disk, seat
        self.crashed = False

    def send(self, effect: do.Broadcast | do.SendToSeat | do.SendToNode, seats: object) -> None:
        """Take a message, unless the process is gone by now."""
        message = effect.message
        if self.crashed:
            return
        if isinstance(message, SIGNED) and get_seat(message) == self._seat:
            assert message.encode() in self._disk.durable, "sent before it was synced"
        self.sent.append(message)
        if isinstance(effect, do.SendToNode):
            self.greeted.set()

    def commit(self, effect: do.CommitBlocks) -> None:
        """Take final blocks."""

    def announce(self, effect: do.AnnounceProposal) -> None:
        """Take a hint."""

    def list_notarizes(self) -> list[bytes]:
        """Return the blocks that were voted for."""
        votes = [m for m in self.sent if isinstance(m, Vote) and m.kind is Kind.NOTARIZE]
        return [vote.digest for vote in votes]


class OneEpoch:
    """What the driver asks of an engine, by the replica of its only epoch."""

    seats = None

    def __init__(self, replica: Replica) -> None:
        self.replica = replica
        self.handle = replica.handle


def get_seat(message: Vote | Proposal) -> int:
    """Return whose a message is."""
    return message.seat if isinstance(message, Vote) else message.block.header.proposer


class Life:
    """One life of a validator's process: engine, real driver, real log."""

    def __init__(self, path: Path) -> None:
        self.disk = Disk(path)
        self.bench = Bench()
        # The driver reads real clocks; the bench's must agree with them.
        self.bench.now_ms = time.monotonic_ns() // 1_000_000
        self.bench.log = dict(record_own(message) for message in self.disk.read().own)
        self.bench.start()
        self.view = self.bench.view_led_by(1, least=self.bench.replica.view)
        for number in range(self.bench.replica.view, self.view):
            self.bench.hear(1, self.bench.certify(Kind.NULLIFY, number))
        self.wire = Wire(self.disk, 0)
        self.driver = Driver(cast("Engine", OneEpoch(self.bench.replica)), self.disk)
        self.driver.connect(cast("GossipLink", self.wire), cast("StorageLink", self.wire))
        self.task = asyncio.create_task(self.driver.run())

    async def hear(self, message: Message) -> None:
        """Give the driver a message of seat 1, as its links do."""
        await self.driver.put(lambda now, clock: on.MessageReceived(now, clock, b"n", 1, message))

    async def settle(self) -> None:
        """Return when all that was heard is done: a greeting comes behind it."""
        await self.driver.put(lambda now, clock: on.PeerConnected(now, clock, b"n", 1))
        await asyncio.wait_for(self.wire.greeted.wait(), DEADLINE_S)

    async def crash(self) -> None:
        """End the process: nothing more leaves, nothing more is written."""
        self.wire.crashed = True
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
        self.disk.close()


@pytest.mark.parametrize("is_durable", [False, True])
async def test_18298_a_crash_between_signing_and_writing_gives_no_second_vote(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_durable: bool
) -> None:
    """Issue 18298: the vote was signed and then its record written, so that a crash in between let
    the restarted node vote for another block of the round.

    Here nothing leaves before the log is synced: after a crash before that the first vote was never
    seen, after a crash behind it there is no second one. Rule: `Driver.run` persists first, and
    own votes ask for the sync (docs/protocol.md#L1).
    """
    monkeypatch.setattr(driving, "DISK_RETRY_S", 0.01)
    first_life = Life(tmp_path / "log")
    bench, view = first_life.bench, first_life.view
    one = bench.build(view)
    other = bench.build(view, time_ms=one.block.header.time_ms + 1)
    first_life.disk.fails = not is_durable
    await first_life.hear(one)
    reached = first_life.disk.synced if is_durable else first_life.disk.failed
    await asyncio.wait_for(reached.wait(), DEADLINE_S)
    assert bench.replica.signing.signed[view][Kind.NOTARIZE] == one.block.digest
    await first_life.crash()
    assert is_durable or first_life.wire.sent == []

    second_life = Life(tmp_path / "log")
    assert second_life.view == view
    await second_life.hear(other)
    await second_life.settle()
    await second_life.crash()
    voted = {*first_life.wire.list_notarizes(), *second_life.wire.list_notarizes()}
    assert voted == {(one if is_durable else other).block.digest}
