"""A node's storage: applies final blocks a bit later, in order; catches up from peers by itself.

As the real one: a run of blocks is applied whole, is executed and synced in one step, and a crash
loses what was not applied. Results depend on the blocks' batches only; `lies_from` plants a false
one, from a height on, as a broken executor or disk would. The full-node world (full.py) puts real
transactions, a real state and a database that is written step by step in its place.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from quorate.core import crypto
from quorate.core.batches import BatchHeader
from quorate.core.bft import effects as do
from quorate.core.bft import events as on
from quorate.core.bft.finality import Finality
from quorate.core.bft.log import Restored
from quorate.core.bft.replica import Opening
from quorate.core.blocks import Block
from quorate.core.epochs import Epochs, compute_end, is_last_block, start_after
from quorate.core.results import Result
from quorate.core.seats import SeatSet
from quorate.core.values import ZERO_HASH
from quorate.storage.runs import Base
from tests.sim.catchup import Offer, check_offer

if TYPE_CHECKING:
    from tests.sim.node import Node
    from tests.sim.world import World

# As in services/quorate/storage/catchup.py: when it begins, and when the engine can go on alone.
STALL_MS = 1_000
NEAR = 4
LOOK_MS = 250
RUN_MAX = 64


def execute(block: Block, previous: bytes) -> Result:
    """Return the true result of a block on a state whose digest is `previous`, without a set."""
    digest = crypto.compute_hash(b"sim/writes", previous, *block.batches)
    receipts = crypto.compute_hash(b"sim/receipts", *block.batches)
    return Result(block.header.height, digest, receipts)


class PlainReference:
    """Executes the final chain of the plain world, apart from all nodes."""

    def __init__(self, world: World) -> None:
        self._world, self._start = world, world.genesis.start
        self._digest: bytes = ZERO_HASH

    def execute(self, block: Block) -> Result:
        """Return the result of the next block of the chain."""
        result = execute(block, self._digest)
        if is_last_block(block.header, compute_end(self._start, self._world.params)):
            next_set = self._world.sets.get_set(self._start.epoch + 2)
            result = replace(result, next_set=next_set)
            self._start = start_after(block.header)
        self._digest = result.write_digest
        return result


class Storage:
    """Blocks, results and batches of one node; `queue` is all that a crash loses."""

    def __init__(self, world: World, node: Node) -> None:
        self._world, self._node = world, node
        self.blocks: list[Block] = [world.root]
        self.finalities: dict[int, Finality] = {}
        self.results: list[Result] = [Result(0, ZERO_HASH, ZERO_HASH)]
        self.batches: dict[bytes, BatchHeader] = {}
        self.named: dict[bytes, int] = {}
        self.queue: deque[do.CommitBlocks] = deque()
        self.lies_from: int | None = None
        self.stalled_ms = 0
        self.is_up = True
        self.lives = 0
        # Of the epoch that the block after the head belongs to.
        self.epoch_start = world.genesis.start
        self._moved_ms = 0
        # How far the engine that runs now has sent final blocks.
        self._committed = 0
        self._applying = False

    @property
    def height(self) -> int:
        """Height of the last applied block, which always has its own certificate."""
        return len(self.blocks) - 1

    # ---- life ------------------------------------------------------------------------------

    def start(self) -> None:
        """Come up with what a crash left."""
        self.is_up = True

    def crash(self, *, power: bool) -> None:
        """Stop, and lose what was not applied."""
        self.is_up, self._applying = False, False
        self.lives += 1
        self.queue.clear()

    def attach(self, unsynced: Iterable[do.CommitBlocks]) -> None:
        """Tell an engine that went on where the head is, and take again what it kept."""
        if self.height:
            head, finality = self.blocks[self.height], self.finalities[self.height]
            first = max(self.height - self._world.params.batch_validity_blocks + 1, 1)
            names = self._list_names(first)
            self._node.put(on.CaughtUp, head, finality, names, self.get_epochs())
            self._tell(max(head.header.executed.height, 1))
        self.queue.extend(unsynced)
        self.wake()

    def get_epochs(self) -> Epochs:
        """Return the epoch that the next block belongs to, and the sets around it."""
        around = range(max(self.epoch_start.epoch - 1, 0), self.epoch_start.epoch + 2)
        return Epochs(self.epoch_start, tuple(self._load_set(epoch) for epoch in around))

    def _load_set(self, epoch: int) -> SeatSet:
        return self._world.sets.get_set(epoch)

    def open(self, restored: Restored) -> tuple[Opening, Epochs]:
        """Return what OpenChain tells a starting engine."""
        self._committed = 0
        window = self._world.params.batch_validity_blocks
        first = max(self.height - window + 1, 1)
        head = self.blocks[self.height]
        opening = Opening(
            head=head,
            finality=self.finalities.get(self.height),
            recent=self._list_names(first),
            results=tuple(self.results[head.header.executed.height : self.height + 1]),
            restored=restored,
        )
        return opening, self.get_epochs()

    def list_held(self) -> tuple[tuple[bytes, BatchHeader], ...]:
        """Return batches that no final block names."""
        return tuple((n, h) for n, h in self.batches.items() if n not in self.named)

    def hold(self, name: bytes, header: BatchHeader) -> None:
        """Make a batch durable."""
        self.batches[name] = header

    # ---- final blocks ----------------------------------------------------------------------

    def commit(self, run: do.CommitBlocks) -> None:
        """Take final blocks from the own engine."""
        self._committed = max(self._committed, run.blocks[-1].header.height)
        if self.is_up:
            self.queue.append(run)
            self.wake()

    def release(self, ticket: int) -> None:
        """Take word that a result may be kept; here none ever waits for that."""

    def wake(self) -> None:
        """Look at the queue after the time that executing takes."""
        if not self._applying and self.queue and self.is_up:
            self._applying = True
            low_ms, high_ms = self._world.plan.execute_ms
            delay_ms = low_ms if low_ms == high_ms else self._world.rng.randint(low_ms, high_ms)
            at_ms = max(self._world.scheduler.now_ms, self.stalled_ms) + delay_ms
            self._world.scheduler.at(at_ms, self._apply_next, self.lives)

    def _apply_next(self, life: int) -> None:
        if life != self.lives or self._node.is_paused(self._apply_next, life):
            return
        self._applying = False
        while self.queue and not self._applying:
            run = self.queue[0]
            rest = [block for block in run.blocks if block.header.height > self.height]
            if not rest:
                self.queue.popleft()
                self._tell_synced()
                continue
            if rest[0].header.height != self.height + 1:
                return  # a gap: `look` closes it
            names = tuple(n for block in rest for n in block.batches if n not in self.batches)
            if names:
                self._world.payload.fetch(self._node.index, names, ())
                return  # `look` comes back to it
            self.queue.popleft()
            self._start_run(do.CommitBlocks(tuple(rest), run.finality), caught_up=False)

    def _start_run(self, run: do.CommitBlocks, *, caught_up: bool) -> None:
        """Apply new blocks that follow the head; here in one step that nothing can cut off."""
        first = self.height + 1
        for block in run.blocks:
            self._world.check("applied", self._node, block)
            result = self._world.execute(block, self.results[-1].write_digest)
            self._add(block, self._falsify(self._elect(block, result)))
        self._end_run(run, first, caught_up=caught_up)

    def _elect(self, block: Block, result: Result) -> Result:
        """Return a result with the set that an epoch's last block gives."""
        if not is_last_block(block.header, compute_end(self.epoch_start, self._world.params)):
            return result
        return replace(result, next_set=self._world.sets.get_set(self.epoch_start.epoch + 2))

    def _add(self, block: Block, result: Result) -> None:
        self._world.check("executed", self._node, result)
        self.blocks.append(block)
        self.results.append(result)
        self.named.update((name, block.header.height) for name in block.batches)
        if result.next_set is not None:
            self.epoch_start = start_after(block.header)

    def _end_run(self, run: do.CommitBlocks, first: int, *, caught_up: bool) -> None:
        self.finalities[self.height] = run.finality
        self._moved_ms = self._world.scheduler.now_ms
        # What an engine before this one had sent is news to it as well.
        if caught_up or self.height > self._committed:
            names = self._list_names(max(first - self._world.params.batch_validity_blocks, 1))
            self._node.put(on.CaughtUp, run.blocks[-1], run.finality, names, self.get_epochs())
        self._tell(first)
        if caught_up:
            delay_ms = 2 * self._world.network.compute_delay_ms()
            self._world.scheduler.after(delay_ms, self._fetch_more, self.lives)

    def _falsify(self, result: Result) -> Result:
        if self.lies_from is None or result.height < self.lies_from:
            return result
        return replace(result, write_digest=crypto.compute_hash(b"sim/false", result.write_digest))

    # ---- catching up -----------------------------------------------------------------------

    def look(self) -> None:
        """Catch up when a peer is ahead and the own head has not moved for a second."""
        world, now_ms = self._world, self._world.scheduler.now_ms
        world.scheduler.after(LOOK_MS, self.look)
        if not self._node.is_running() or not self.is_up or now_ms < self.stalled_ms:
            return
        if now_ms - self._moved_ms >= STALL_MS:
            self._fetch(self.height)
        self.wake()

    def _fetch_more(self, life: int) -> None:
        if life == self.lives and not self._node.is_paused(self._fetch_more, life):
            self._fetch(self.height + NEAR)

    def _fetch(self, above: int) -> None:
        """Catch up with a peer that says it is above a height."""
        world = self._world
        ahead = [
            peer.storage
            for peer in world.nodes
            if peer.storage.claim_height() > above
            and peer.storage.is_up
            and world.network.is_up(peer.index, self._node.index)
        ]
        if ahead:
            self.catch_up(world.rng.choice(ahead))

    def claim_height(self) -> int:
        """Return the height that the node tells its peers."""
        adversary = self._node.adversary
        return self.height if adversary is None else adversary.claim_height(self.height)

    def offer(self, from_height: int) -> Offer | None:
        """Return a run within one epoch from a height on; None when there is nothing."""
        last = min(self.height, from_height + RUN_MAX - 1)
        if last < from_height:
            return None
        epoch = self.blocks[from_height].header.epoch
        while self.blocks[last].header.epoch != epoch:
            last -= 1
        while last not in self.finalities:
            last += 1
        blocks = self.blocks[from_height : last + 1]
        names = tuple(name for block in blocks for name in block.batches)
        offer = Offer(
            tuple(block.encode() for block in blocks),
            self.finalities[last].encode(),
            self._list_contents(names),
            names,
        )
        adversary = self._node.adversary
        return offer if adversary is None else adversary.serve(offer)

    def catch_up(self, source: Storage) -> None:
        """Take a run of final blocks from a peer, if it holds."""
        base = Base(self.blocks[self.height], self.get_epochs())
        offer = None if self._applying else source.offer(self.height + 1)
        run = None if offer is None else check_offer(offer, base, self._world.genesis)
        if offer is None or run is None or run.blocks[0].header.parent != self.blocks[-1].digest:
            return
        needed = [name for block in run.blocks for name in block.batches]
        self._take_batches(offer, needed)
        missing = tuple(name for name in needed if name not in self.batches)
        if missing:
            self._world.payload.fetch(self._node.index, missing, ())
        else:
            self._start_run(run, caught_up=True)

    def _list_contents(self, names: tuple[bytes, ...]) -> tuple[bytes, ...]:
        """Return encoded batches; here a batch is nothing but its header."""
        return ()

    def _take_batches(self, offer: Offer, needed: list[bytes]) -> None:
        headers = self._world.payload.headers
        for name in (name for name in offer.names if name in needed):
            self.batches.setdefault(name, headers[name])

    # ---- what the engine is told -----------------------------------------------------------

    def _tell(self, first: int) -> None:
        self._node.put(on.BlocksExecuted, tuple(self.results[first : self.height + 1]))
        self._tell_synced()

    def _tell_synced(self) -> None:
        self._node.note_synced(self.height)
        self._node.put(on.BlocksSynced, self.height)

    def _list_names(self, first: int) -> tuple[tuple[int, bytes], ...]:
        blocks = self.blocks[first : self.height + 1]
        return tuple((b.header.height, name) for b in blocks for name in b.batches)
