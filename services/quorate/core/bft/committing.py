"""How a replica's final head moves: by its own finalizations, or with storage's (#R7, #K2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quorate.core.bft import effects as do
from quorate.core.bft import events as on
from quorate.core.bft.finality import Finality
from quorate.core.bft.messages import Certificate

if TYPE_CHECKING:
    from quorate.core.bft.replica import Replica


class Committer:
    """The final side of one replica."""

    def __init__(self, replica: Replica) -> None:
        self._replica = replica
        self._unsynced: list[tuple[int, int]] = []
        self.finalization: Certificate | None = None
        self.final_ms = 0

    def is_open(self) -> bool:
        """Tell whether a finalization waits for blocks that are not here yet."""
        final = self.finalization
        return final is not None and final.view > self._replica.final_view

    def commit(self) -> bool:
        """Commit what the highest finalization covers; tell whether the head moved."""
        replica, certificate = self._replica, self.finalization
        if certificate is None or not self.is_open():
            return False
        branch = replica.chain.find_branch(certificate.digest)
        if branch is None:
            replica.helper.ask_proof(replica.final_view + 1, certificate.view)
            return False
        for block in branch:
            replica.chain.watch_claim(block)
        blocks, tail = replica.epoch.split(branch)
        finality = Finality(certificate, tail)
        replica.send(do.CommitBlocks(tuple(blocks), finality))
        replica.chain.advance(branch, finality)
        replica.suspecter.add_final(blocks)
        replica.pool.forget(name for block in blocks for name in block.batches)
        if replica.epoch.is_last(blocks[-1]):
            replica.last = blocks[-1]
        self._moved()
        if replica.last is not None:
            # Who lacks only this would otherwise wait in an epoch that nobody votes in any more.
            replica.send(do.Broadcast(certificate))
        return True

    def jump(self, event: on.CaughtUp) -> None:
        """Move the head to where storage is, when that is higher."""
        replica = self._replica
        if event.block.header.height <= replica.chain.head.header.height:
            return
        replica.chain.add_recent(event.batches)
        replica.chain.jump(event.block, event.finality)
        replica.suspecter.jump()
        replica.pool.forget(name for _, name in event.batches)
        self._moved()

    def prune(self, height: int) -> None:
        """Let the log forget views whose blocks storage has synced."""
        done = [view for at, view in self._unsynced if at <= height]
        self._unsynced = [(at, view) for at, view in self._unsynced if at > height]
        if done:
            self._replica.send(do.PruneLog(self._replica.setup.epoch, max(done)))

    def _moved(self) -> None:
        replica = self._replica
        head = replica.chain.head.header
        self.final_ms = replica.now_ms
        replica.timers.note_final()
        replica.pool.expire(head.height)
        self._unsynced.append((head.height, head.view))
        replica.moved_head(head.view)
