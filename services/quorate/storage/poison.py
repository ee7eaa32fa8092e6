"""The calls that killed contract-runners: what final headers decide, and what the own one suspects.

All of it is on disk before anything follows from it: a restarted storage executes a block as it
would have before, and never keeps a result against which its own headers may still count
(docs/protocol.md#Z1 to Z4).
"""

import asyncio
import time
from collections.abc import Iterable
from struct import Struct
from typing import Final

from quorate.core.blocks import NO_SUSPECT, Block, Suspect
from quorate.core.epochs import Epochs, EpochStart, compute_end, is_last_block, start_after
from quorate.core.poisons import Poisoned, Suspicions
from quorate.kit.logs import get_logger
from quorate.storage import database as db
from quorate.storage.database import Writes
from quorate.storage.store import POISONED_KEY, SUSPECT_KEY, Store
from quorate.storage.writer import Writer

# Final blocks that are held because one below them is missing.
BLOCKS_MAX: Final = 16_384
# Decisions that are kept, the newest ones: those that final headers may bring up once more.
DECIDED_MAX: Final = 1_024
# How long to wait for a decision before the runner is tried once more.
TRY_S: Final = 1.0
TRY_S_MAX: Final = 30.0
NO_WAIT: Final = (0, 0)
_PAIR: Final = Struct(">QI")
log = get_logger("storage")


class Poisons:
    """What is poisoned, and what the own runner dies at; `own` is NO_SUSPECT when it does not.

    `taken_back` is the height of a block that the own runner got through after all, while it is
    not known yet whether its result may be kept, and what names this wait; NO_WAIT otherwise.
    """

    def __init__(self, store: Store, writer: Writer) -> None:
        self.own, self.taken_back = NO_SUSPECT, NO_WAIT
        self.writer = writer
        self._store, self._changed = store, writer.changed
        self._decided: dict[int, frozenset[int]] = {}
        self._blocks: dict[int, Block] = {}
        self._tip: Block | None = None
        self._start = store.genesis.start
        self._epoch = -1
        self._tally: Suspicions | None = None
        self._settled = 0
        self._try_s = TRY_S
        self._load()

    # ---- what is decided -------------------------------------------------------------------

    def find(self, height: int) -> frozenset[int]:
        """Return the positions of a block's calls that are traps for everyone."""
        return self._decided.get(height, frozenset())

    async def note(self, blocks: Iterable[Block], head: Block, start: EpochStart) -> list[Poisoned]:
        """Take final blocks above the executed head, in any order; return what they decide.

        `start` is of the epoch of the block after the head.
        """
        for block in blocks:
            if len(self._blocks) < BLOCKS_MAX:
                self._blocks[block.header.height] = block
        if self._tip is None or self._tip.header.height < head.header.height:
            self._tip, self._start = head, start
        found = list[Poisoned]()
        while (following := self._blocks.pop(self._tip.header.height + 1, None)) is not None:
            self._tip = following
            poisoned = self._tally_block(following)
            if poisoned is not None and poisoned.position not in self.find(poisoned.height):
                self._decided[poisoned.height] = self.find(poisoned.height) | {poisoned.position}
                found.append(poisoned)
        for height in [each for each in self._blocks if each <= self._tip.header.height]:
            del self._blocks[height]
        if found:
            log.warning("calls are poisoned", calls=[tuple(each) for each in found])
            await self._save_decided()
        self._changed.notify()
        return found

    def find_tip(self) -> tuple[Block, Epochs] | None:
        """Return the newest final block that is known without a gap, and the epoch after it."""
        if self._tip is None:
            return None
        around = range(max(self._start.epoch - 1, 0), self._start.epoch + 2)
        known = [self._store.load_set(epoch) for epoch in around]
        return self._tip, Epochs(self._start, tuple([each for each in known if each is not None]))

    # ---- the own runner --------------------------------------------------------------------

    async def claim(self, height: int, position: int) -> None:
        """Say to the network that the own runner dies at a call, on disk first."""
        own = Suspect(height, position)
        if own == self.own:
            return
        log.warning("the contract-runner dies at a call", height=height, position=position)
        self._try_s = TRY_S
        await self._save_own(own)

    async def wait_decided(self, height: int, position: int) -> bool:
        """Wait until a call is a trap (True), or until it is time to try it once more (False)."""
        try:
            async with asyncio.timeout(self._try_s):
                while position not in self.find(height):
                    await self._changed.wait()
        except TimeoutError:
            self._try_s = min(self._try_s * 2, TRY_S_MAX)
            return False
        return True

    async def may_keep(self, height: int, used: frozenset[int]) -> bool:
        """Tell whether a block's result, with these positions as traps, is to be kept.

        After a suspicion of the own runner, waits until it can't count any more.
        """
        is_suspected = self.own.height == height and self.own.position not in used
        if is_suspected and self._settled < height:
            self.taken_back = (height, time.time_ns())
            self._changed.notify()
            while self._is_waiting(height) and self.find(height) == used:
                await self._changed.wait()
            self.taken_back = NO_WAIT
        if self.find(height) != used:
            return False
        if NO_SUSPECT.height < self.own.height <= height:
            await self._save_own(NO_SUSPECT)
        return True

    def release(self, ticket: int) -> None:
        """Note that no own header which may still count suspects a call of this wait's block."""
        if self.taken_back[1] == ticket:
            self.taken_back = NO_WAIT
            self._changed.notify()

    # ---- small things ----------------------------------------------------------------------

    def _is_waiting(self, height: int) -> bool:
        return self.taken_back != NO_WAIT and self._settled < height

    def _tally_block(self, block: Block) -> Poisoned | None:
        header, end = block.header, compute_end(self._start, self._store.genesis.params)
        if is_last_block(header, end):
            self._start = start_after(header)
        if header.epoch != self._epoch:
            seats = self._store.load_set(header.epoch)
            if seats is None:
                return None
            self._epoch = header.epoch
            self._tally = Suspicions(len(seats.keys), self._settled)
        assert self._tally is not None, "the first header has made it"
        poisoned = self._tally.add(header)
        self._settled = self._tally.executed
        return poisoned

    async def _save_own(self, own: Suspect) -> None:
        writes = Writes()
        writes.put(db.META, SUSPECT_KEY, _PAIR.pack(*own))
        await self.writer.write_until_done(writes)
        self.own = own
        self._changed.notify()

    async def _save_decided(self) -> None:
        pairs = sorted((h, p) for h, positions in self._decided.items() for p in positions)
        writes = Writes()
        packed = b"".join([_PAIR.pack(*pair) for pair in pairs[-DECIDED_MAX:]])
        writes.put(db.META, POISONED_KEY, packed)
        await self.writer.write_until_done(writes)

    def _load(self) -> None:
        for height, position in _PAIR.iter_unpack(self._store.load_meta(POISONED_KEY)):
            self._decided[height] = self.find(height) | {position}
        for pair in _PAIR.iter_unpack(self._store.load_meta(SUSPECT_KEY)):
            self.own = Suspect(*pair)
