"""The story of a real driver on a slow disk: what leaves, and when (docs/protocol.md#L1)."""

from __future__ import annotations

import asyncio
from contextlib import redirect_stdout
from io import StringIO
from typing import Any, cast

from quorate.consensus.driver import Driver
from quorate.consensus.gossip_link import GossipLink
from quorate.consensus.storage_link import StorageLink
from quorate.consensus.vote_log import VoteLog
from quorate.core.batches import BatchHeader, compute_batch_name
from quorate.core.bft import events as on
from quorate.core.bft.log import Record, Restored
from quorate.core.bft.messages import Proposal, Vote, decode_message
from tests.mutants.stage import Stage
from tests.sim.checkers import Violation
from tests.sim.keys import cheap_signatures

WITHIN_S = 10


class _Log:
    """Remembers what was synced."""

    def __init__(self) -> None:
        self.synced: set[bytes] = set()
        self._written: list[bytes] = []

    def persist(self, records: list[Record], *, synced: bool) -> None:
        """Write records."""
        self._written += [value for _, value in records]
        if synced:
            self.synced.update(self._written)


class _Links:
    """Gossip and storage: a vote that leaves unsynced ends the story."""

    def __init__(self, log: _Log) -> None:
        self._log = log
        self.committed = asyncio.Event()
        self.broken = ""

    def send(self, effect: Any, seats: Any) -> None:
        """Take a message that leaves."""
        message = effect.message
        if isinstance(message, Vote | Proposal) and message.encode() not in self._log.synced:
            self.broken = str(decode_message(message.encode()))

    def commit(self, effect: Any) -> None:
        """Take final blocks."""
        self.committed.set()

    def start_epoch(self, effect: Any) -> None:
        """Take word of an epoch."""

    def announce(self, effect: Any) -> None:
        """Take a hint."""


def a_driver_syncs_before_it_sends() -> None:
    """One seat alone makes a block final; each of its messages must have been synced before."""
    with cheap_signatures(), redirect_stdout(StringIO()):
        asyncio.run(_drive())


async def _drive() -> None:
    engine = Stage(seats=1).node(0).make_engine(Restored())
    log = _Log()
    links = _Links(log)
    driver = Driver(engine, cast(VoteLog, log))
    driver.connect(cast(GossipLink, links), cast(StorageLink, links))
    task = asyncio.create_task(driver.run())
    header = BatchHeader(0, 0, 0, 1, 100, 10, 50, bytes(32))
    held = ((compute_batch_name(header.encode()), header),)
    await driver.put(on.Started)
    await driver.put(lambda now_ms, clock_ms: on.BatchesHeld(now_ms, clock_ms, held))
    async with asyncio.timeout(WITHIN_S):
        await links.committed.wait()
    task.cancel()
    if links.broken:
        raise Violation("persist before send", links.broken)
