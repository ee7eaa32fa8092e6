"""A node's storage: applies final blocks a bit later, in order; catches up from peers by itself.

As the real one: a run of blocks is applied whole, is executed and synced in one step, and a crash
loses what was not applied. Results depend on the blocks' batches only; `lies_from` plants a false
one, from a height on, as a broken executor or disk would.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from quorate.core import crypto
from quorate.core.batches import BatchHeader
from quorate.core.bft import effects as do
from quorate.core.bft import events as on
from quorate.core.bft.log import Restored
from quorate.core.bft.messages import Certificate
from quorate.core.bft.replica import Opening
from quorate.core.blocks import Block
from quorate.core.results import Result
from quorate.core.values import ZERO_HASH

if TYPE_CHECKING:
    from tests.sim.node import Node
    from tests.sim.world import World

STALL_MS = 1_000
LOOK_MS = 250
RUN_MAX = 64


def execute(block: Block, previous: bytes) -> Result:
    """Return the true result of a block on a state whose digest is `previous`."""
    digest = crypto.compute_hash(b"sim/writes", previous, *block.batches)
    receipts = crypto.compute_hash(b"sim/receipts", *block.batches)
    return Result(block.header.height, digest, receipts)


class Storage:
    """Blocks, results and batches of one node; `queue` is all that a crash loses."""

    def __init__(self, world: World, node: Node) -> None:
        self._world, self._node = world, node
        self.blocks: list[Block] = [world.root]
        self.certificates: dict[int, Certificate] = {}
        self.results: list[Result] = [Result(0, ZERO_HASH, ZERO_HASH)]
        self.batches: dict[bytes, BatchHeader] = {}
        self.named: dict[bytes, int] = {}
        self.queue: deque[do.CommitBlocks] = deque()
        self.lies_from: int | None = None
        self.stalled_ms = 0
        self._moved_ms = 0
        self._applying = False

    @property
    def height(self) -> int:
        """Height of the last applied block, which always has its own certificate."""
        return len(self.blocks) - 1

    def open(self, restored: Restored) -> Opening:
        """Return what OpenChain tells a starting engine."""
        window = self._world.params.batch_validity_blocks
        first = max(self.height - window + 1, 1)
        head = self.blocks[-1]
        return Opening(
            head=head,
            certificate=self.certificates.get(self.height),
            recent=self._list_names(first),
            results=tuple(self.results[head.header.executed.height :]),
            restored=restored,
        )

    def list_held(self) -> tuple[tuple[bytes, BatchHeader], ...]:
        """Return batches that no final block names."""
        return tuple((n, h) for n, h in self.batches.items() if n not in self.named)

    def commit(self, run: do.CommitBlocks) -> None:
        """Take final blocks from the own engine."""
        self.queue.append(run)
        self.wake()

    def wake(self) -> None:
        """Look at the queue after the time that executing takes."""
        if not self._applying and self.queue:
            self._applying = True
            delay_ms = self._world.rng.randint(*self._world.plan.execute_ms)
            at_ms = max(self._world.scheduler.now_ms, self.stalled_ms) + delay_ms
            self._world.scheduler.at(at_ms, self._apply_next, self._node.boots)

    def crash(self) -> None:
        """Lose what was not applied."""
        self.queue.clear()

    def interrupt(self) -> None:
        """Forget the step under way: its action belongs to a life that is over."""
        self._applying = False

    def look(self) -> None:
        """Catch up when a peer is ahead and the own head has not moved for a second."""
        now_ms = self._world.scheduler.now_ms
        self._world.scheduler.after(LOOK_MS, self.look)
        if not self._node.is_running() or now_ms < self.stalled_ms:
            return
        reachable = [
            peer
            for peer in self._world.nodes
            if self._world.network.is_up(peer.index, self._node.index)
            and peer.storage.height > self.height
        ]
        if reachable and now_ms - self._moved_ms >= STALL_MS:
            source = self._world.rng.choice(reachable).storage
            self._catch_up(source)
        self.wake()

    def _catch_up(self, source: Storage) -> None:
        last = min(source.height, self.height + RUN_MAX)
        while last not in source.certificates:
            last += 1
        blocks = source.blocks[self.height + 1 : last + 1]
        for block in blocks:
            for name in block.batches:
                self.batches.setdefault(name, source.batches[name])
        first, certificate = self.height + 1, source.certificates[last]
        self._apply(do.CommitBlocks(tuple(blocks), certificate))
        names = self._list_names(max(first - self._world.params.batch_validity_blocks, 1))
        self._node.put(on.CaughtUp, self.blocks[-1], certificate, names)
        self._tell(first)

    def _apply_next(self, boot: int) -> None:
        if boot != self._node.boots:
            return
        self._applying = False
        while self.queue:
            run = self.queue[0]
            rest = [block for block in run.blocks if block.header.height > self.height]
            if not rest:
                self.queue.popleft()
                self._node.put(on.BlocksSynced, self.height)
                continue
            if rest[0].header.height != self.height + 1:
                return  # a gap: `look` closes it
            names = tuple(n for block in rest for n in block.batches if n not in self.batches)
            if names:
                self._world.payload.fetch(self._node.index, names, ())
                return  # `look` comes back to it
            first = self.height + 1
            self._apply(run)
            self.queue.popleft()
            self._tell(first)

    def _apply(self, run: do.CommitBlocks) -> None:
        for block in run.blocks:
            if block.header.height <= self.height:
                continue
            self._world.check("applied", self._node, block)
            result = execute(block, self.results[-1].write_digest)
            if self.lies_from is not None and block.header.height >= self.lies_from:
                false = crypto.compute_hash(b"sim/false", result.write_digest)
                result = Result(result.height, false, result.receipts_hash)
            self.blocks.append(block)
            self.results.append(result)
            self.named.update((name, block.header.height) for name in block.batches)
        self.certificates[self.height] = run.certificate
        self._moved_ms = self._world.scheduler.now_ms

    def _tell(self, first: int) -> None:
        self._node.put(on.BlocksExecuted, tuple(self.results[first:]))
        self._node.put(on.BlocksSynced, self.height)

    def _list_names(self, first: int) -> tuple[tuple[int, bytes], ...]:
        return tuple((b.header.height, n) for b in self.blocks[first:] for n in b.batches)
