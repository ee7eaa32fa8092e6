"""The head, and the one way it moves: runs of final blocks, applied in order.

A run is one or more consecutive blocks of one epoch, of which the last is certified, and a unit
here. A run of one block is one atomic synced write. A longer one is first stored whole (blocks,
finality, batches, and where the run ends), then each block is applied in an atomic write of its
own; only the last write is synced, because the log keeps their order. If a crash cuts this off,
what is left is a prefix: either the run is unknown and the head is the certified block before it,
or the run is stored and `open` applies the rest before anybody is served. So whoever holds `lock`
sees a head that has its own finality (or is block 0), which is what OpenChain and ReadBlocks rely
on.
"""

import asyncio
from dataclasses import dataclass
from typing import Final, NoReturn

from quorate.core.batches import Batch
from quorate.core.bft.finality import decode_finality
from quorate.core.blocks import Block
from quorate.core.codec import U64
from quorate.core.epochs import start_after
from quorate.core.errors import MalformedBytes, RefusedToStart, Unavailable
from quorate.core.merkle import Tree
from quorate.core.receipts import hash_receipts
from quorate.core.values import ZERO_HASH
from quorate.kit.logs import get_logger
from quorate.kit.metrics import EXECUTED_HEIGHT
from quorate.storage import database as db
from quorate.storage.batch_store import BatchStore
from quorate.storage.conduct import Conduct
from quorate.storage.database import Writes
from quorate.storage.executor import UPGRADE_REQUIRED, Before, Executed, Executor
from quorate.storage.poison import Poisons
from quorate.storage.store import RUN_END_KEY, Store, put_block

CONFLICT: Final = "CONFLICTING_FINAL_BLOCKS"
DIVERGED: Final = "STATE_DIVERGED"
log = get_logger("storage")


@dataclass(frozen=True, slots=True)
class Run:
    """Consecutive final blocks, the encoded finality of the last, and batches that came along.

    `caught_up` tells that the run came from a peer instead of the own engine.
    """

    blocks: tuple[Block, ...]
    certificate: bytes
    batches: tuple[Batch, ...] = ()
    caught_up: bool = False

    @property
    def height(self) -> int:
        """Height of the last block."""
        return self.blocks[-1].header.height


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why a run can't be applied now: a gap below it, batches that are missing, or a conflict."""

    gap: bool = False
    missing: tuple[bytes, ...] = ()
    conflict: str = ""


class Chain:
    """The executed chain of this validator."""

    def __init__(
        self, store: Store, batches: BatchStore, poisons: Poisons, executor: Executor
    ) -> None:
        self.store, self.batches, self.writer = store, batches, poisons.writer
        self.poisons = poisons
        self.reader, self._executor = executor.reader, executor
        self.conduct = Conduct(executor.reader, store.genesis.params)
        self.lock = asyncio.Lock()
        self.changed = self.writer.changed
        self.head = store.root
        # Of the epoch that the block after the head, or after the certified one, belongs to.
        self.start = self.certified_start = store.genesis.start
        self.certified_height = self.caught_up_height = self.head.header.height
        self.write_digest: bytes = ZERO_HASH
        self.tree = Tree()
        self.fault = ""
        self.closing = False

    @property
    def height(self) -> int:
        """Height of the last executed block."""
        return self.head.header.height

    def find_obstacle(self, run: Run) -> Obstacle | None:
        """Return what stands in a run's way; None when it can be applied or already is."""
        rest = [block for block in run.blocks if block.header.height > self.height]
        if not rest:
            return None
        if rest[0].header.height != self.height + 1:
            return Obstacle(gap=True)
        if rest[0].header.parent != self.head.digest:
            return Obstacle(
                conflict=f"{CONFLICT}: block {self.height + 1} does not continue the final block "
                f"{self.head.digest.hex()} at {self.height}"
            )
        if rest[0].header.epoch != self.start.epoch:
            return Obstacle(
                conflict=f"{CONFLICT}: block {self.height + 1} is of epoch "
                f"{rest[0].header.epoch}, but epoch {self.start.epoch} goes on there"
            )
        brought = {batch.name for batch in run.batches}
        names = tuple(name for block in rest for name in block.batches if name not in brought)
        missing = self.batches.find_missing(names)
        return Obstacle(missing=tuple(missing)) if missing else None

    async def apply(self, run: Run) -> Obstacle | None:
        """Apply what of a run is new; return the obstacle when that can't be done."""
        async with self.lock:
            obstacle = self.find_obstacle(run)
            rest = tuple(block for block in run.blocks if block.header.height > self.height)
            if obstacle is not None or not rest:
                return obstacle
            await self.note_final(rest)
            if len(rest) > 1 or run.batches:
                await self._store_run(run, rest)
            await self._apply_blocks(rest, run.certificate)
            if run.caught_up:
                self.caught_up_height = self.height
            self._announce()
            return None

    async def open(self) -> None:
        """Finish the run that a crash cut off; what is certified below may be served meanwhile."""
        async with self.lock:
            self._stand()
            end = self.store.load_run_end()
            if end > self.height:
                log.info("finishing a run that was cut off", height=self.height, end=end)
                try:
                    await self._finish_run(end)
                except Unavailable as error:
                    if error.reason != UPGRADE_REQUIRED:
                        raise
                    self._stand()
                    EXECUTED_HEIGHT.set(self.height)
                    self.set_fault(f"{error.reason}: {error.message}")
                    return
            self.conduct.tell()
            self._announce()

    async def note_final(self, blocks: tuple[Block, ...]) -> None:
        """Take what final headers say of calls that kill runners (docs/protocol.md#Z2)."""
        for poisoned in await self.poisons.note(blocks, self.head, self.start):
            if poisoned.height <= self.height:
                self.set_fault(
                    f"{DIVERGED}: block {poisoned.height} was executed here before its call at "
                    f"position {poisoned.position} became a trap: empty this node's storage and "
                    "let it catch up"
                )

    def close_streams(self) -> None:
        """End what follows the chain, so that the servers can stop."""
        self.closing = True
        self.changed.notify()

    def get_fault(self) -> str:
        """Return why storage can't go on; "" when it can."""
        return self.fault or self.writer.fault

    def set_fault(self, fault: str) -> None:
        """Say why the chain can't go on for good; the engine stops voting."""
        if fault != self.fault:
            log.error("storage can't go on", fault=fault)
            self.fault = fault
            self.changed.notify()

    def needs_upgrade(self) -> bool:
        """Tell whether this software has no rules for the next block (docs/protocol.md#G6)."""
        return self.fault.startswith(UPGRADE_REQUIRED)

    def _stand(self) -> None:
        """Serve the certified chain below a run that is not finished."""
        certified = self.height
        while certified > self.store.genesis.height and not self.store.load_certificate(certified):
            certified -= 1
        # A run lies in one epoch, which goes on within it.
        self.certified_height, self.certified_start = certified, self.start

    async def _finish_run(self, end: int) -> None:
        blocks = tuple(self.store.get_block(each) for each in range(self.height + 1, end + 1))
        await self.note_final(blocks)
        await self._apply_blocks(blocks, self.store.load_certificate(end) or b"")

    async def _store_run(self, run: Run, blocks: tuple[Block, ...]) -> None:
        writes = Writes()
        added = self.batches.add_to(writes, [batch.encode() for batch in run.batches])
        for block in blocks:
            put_block(writes, block, None)
        writes.put(db.CERTIFICATES, U64.pack(run.height), run.certificate)
        writes.put(db.META, RUN_END_KEY, U64.pack(run.height))
        await self.writer.write_until_done(writes, synced=False)
        self.batches.note(added)

    async def _apply_blocks(self, blocks: tuple[Block, ...], certificate: bytes) -> None:
        for block in blocks:
            last = block is blocks[-1]
            executed = await self._execute(block)
            put_block(executed.writes, block, certificate if last else None)
            self.batches.add_named(executed.writes, block.batches, block.header.height)
            expired = self.batches.add_expired(executed.writes, block.batches, block.header.height)
            await self.writer.write_until_done(executed.writes, synced=last)
            self.batches.forget([*block.batches, *expired])
            await self.reader.advance(block.header.height, executed.state)
            self.conduct.note(executed.state)
            self.store.keep_receipts(block.header.height, executed.packed)
            self.head, self.tree = block, executed.tree
            self.write_digest = executed.result.write_digest
            if executed.result.next_set is not None:
                self.start = start_after(block.header)
            self.changed.notify()

    async def _execute(self, block: Block) -> Executed:
        """Execute a block until its result may be kept (docs/protocol.md#Z3)."""
        while True:
            poisoned = self.poisons.find(block.header.height)
            before = Before(self.write_digest, self.tree)
            executed = await self._executor.execute(block, before)
            if await self.poisons.may_keep(block.header.height, poisoned):
                return executed

    def _announce(self) -> None:
        self.certified_height, self.certified_start = self.height, self.start
        EXECUTED_HEIGHT.set(self.height)
        try:
            self._executor.check_version(self.height + 1)
        except Unavailable as error:
            self.set_fault(f"{error.reason}: {error.message}")
        self.changed.notify()


def load_head(chain: Chain, height: int) -> None:
    """Set the head to what is on disk; raises RefusedToStart when its parts contradict."""
    store = chain.store
    try:
        head, results = store.get_block(height), store.load_results(height, height)
        end = store.load_run_end()
        closing = store.load_certificate(max(height, end))
        end_block = store.get_block(max(height, end))
        certified = decode_finality(closing) if closing else None
        start = store.load_epoch_start()
        store.load_epochs(start)
        own = hash_receipts(store.load_packed_receipts(height))
        is_root = height == store.root.header.height
        leaves = store.load_subtrees([] if is_root else [(0, height - 1)])
        chain.tree = tree = store.load_tree(height)
    except (MalformedBytes, Unavailable) as error:
        _refuse(str(error))
    if is_root and end <= height:
        return
    if certified is None or certified.digest != end_block.digest:
        _refuse(f"block {end_block.header.height} has no finality of its own")
    if head.header.height != height or store.find_height(head.digest) != height:
        _refuse(f"block {height} is not the block of that height")
    roots = [each.receipts_root for each in results]
    if not is_root and (leaves != [own] or roots != [tree.compute_root()]):
        _refuse(f"the receipts of block {height} do not match its result")
    epoch = head.header.epoch + (start.height == height)
    if not is_root and (start.height > height or start.epoch != epoch):
        _refuse(f"block {height} of epoch {head.header.epoch} is not where epoch {start.epoch} is")
    chain.head, chain.start = head, start
    chain.write_digest = results[0].write_digest if results else ZERO_HASH


def _refuse(why: str) -> NoReturn:
    raise RefusedToStart(f"the database is damaged: {why}; {db.NEXT_STEP}", reason=db.DAMAGED)
