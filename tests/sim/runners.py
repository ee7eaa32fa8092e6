"""Storages whose contract-runners die at calls, in the plain world (docs/protocol.md#Z1 to Z4).

Every fourth batch holds a deadly call, in its block at position 0. A node's runner dies there while
the plan says so; the faulty say what they like. What the real storage keeps on disk survives
crashes here too.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from quorate.core import crypto
from quorate.core.bft import effects as do
from quorate.core.bft import events as on
from quorate.core.blocks import NO_SUSPECT, Block, Header, Suspect
from quorate.core.poisons import Suspicions
from quorate.core.results import Result
from tests.sim.storage import PlainReference, Storage

if TYPE_CHECKING:
    from tests.sim.node import Node
    from tests.sim.world import World

TRY_MS = 300


def is_deadly(block: Block) -> bool:
    """Tell whether a block holds a call that kills runners."""
    return any(name[0] % 4 == 0 for name in block.batches)


def trap(result: Result) -> Result:
    """Return the result of a block whose deadly call is a trap."""
    digest = crypto.compute_hash(b"sim/trapped", result.write_digest)
    return replace(result, write_digest=digest)


def get_height(storage: Storage) -> int:
    """Return the height of a storage."""
    return storage.height


class Decisions:
    """Which blocks' deadly calls are traps by a chain's final headers, given in order."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._noted, self._epoch = 0, -1
        self._headers: dict[int, Header] = {}
        self._tally = Suspicions(1)
        self.trapped: set[int] = set()

    @property
    def settled(self) -> int:
        """Height up to which a final header carries the results."""
        return self._tally.executed

    def note(self, blocks: Iterable[Block]) -> None:
        """Take final blocks in any order."""
        self._headers.update((block.header.height, block.header) for block in blocks)
        while (header := self._headers.get(self._noted + 1)) is not None:
            self._noted += 1
            if header.epoch != self._epoch:
                self._epoch = header.epoch
                seats = len(self._world.sets.get_set(header.epoch).keys)
                self._tally = Suspicions(seats, self._tally.executed)
            poisoned = self._tally.add(header)
            if poisoned is not None:
                self.trapped.add(poisoned.height)


class DyingReference(PlainReference):
    """Executes the final chain with the traps that are decided when a block is applied first."""

    def execute(self, block: Block) -> Result:
        """Return the result of the next block of the chain."""
        result = super().execute(block)
        if is_deadly(block) and block.header.height in self._world.decisions.trapped:
            result = trap(result)
        self._digest = result.write_digest
        return result


class DyingStorage(Storage):
    """Waits with a run for the first of its blocks at which its runner dies."""

    def __init__(self, world: World, node: Node) -> None:
        super().__init__(world, node)
        self.index = node.index
        self.decisions = Decisions(world)
        self.own = NO_SUSPECT
        self.deaths = 0
        self._ticket = self._tickets = 0
        self._free = False

    def crash(self, *, power: bool) -> None:
        """Stop; what it waits for is asked for anew."""
        super().crash(power=power)
        self._ticket, self._free = 0, False

    def commit(self, run: do.CommitBlocks) -> None:
        """Take final blocks; their headers count at once."""
        if self.is_up:
            self._note(run.blocks)
        super().commit(run)

    def attach(self, unsynced: Iterable[do.CommitBlocks]) -> None:
        """Tell an engine that went on where the head is, and take again what it kept."""
        kept = tuple(unsynced)
        for run in kept:
            self._note(run.blocks)
        super().attach(kept)

    def release(self, ticket: int) -> None:
        """Take word that no own header can count any more."""
        self._free = self._free or (ticket == self._ticket != 0)

    def _note(self, blocks: Iterable[Block]) -> None:
        self.decisions.note(blocks)
        self._world.decisions.note(blocks)

    def look(self) -> None:
        """Catch up; while a run waits, take from a peer what its headers say."""
        super().look()
        if self._node.is_running() and self.is_up and self._applying:
            peers = [each.storage for each in self._world.nodes if each.is_honest]
            best = max([s for s in peers if isinstance(s, DyingStorage)], key=get_height)
            if self._world.network.is_up(best.index, self._node.index):
                self._note(best.blocks[self.height + 1 :])

    def _start_run(self, run: do.CommitBlocks, *, caught_up: bool) -> None:
        self._note(run.blocks)
        self._applying = True
        self._go_on(self.lives, run, caught_up)

    def _go_on(self, life: int, run: do.CommitBlocks, caught_up: bool) -> None:
        if life != self.lives or self._node.is_paused(self._go_on, life, run, caught_up):
            return
        if not all(self._may_keep(block) for block in run.blocks):
            self._world.scheduler.after(TRY_MS, self._go_on, life, run, caught_up)
            return
        first = self.height + 1
        for block in run.blocks:
            self._apply(block)
        self._applying = False
        self._end_run(run, first, caught_up=caught_up)
        self.wake()

    def _apply(self, block: Block) -> None:
        height = block.header.height
        self._world.check("applied", self._node, block)
        result = self._world.execute(block, self.results[-1].write_digest)
        if is_deadly(block) and height in self.decisions.trapped:
            result = trap(result)
        self._add(block, self._falsify(self._elect(block, result)))
        self._ticket, self._free = 0, False

    def _lie(self, height: int) -> bool:
        """Suspect and not suspect as the dice fall; execute when the others have decided."""
        said = self._world.rng.choice((Suspect(height, 0), Suspect(height, 1), NO_SUSPECT))
        self._node.put(on.RunnerDied, said)
        return self.decisions.settled >= height

    def _may_keep(self, block: Block) -> bool:
        height = block.header.height
        if not is_deadly(block) or height in self.decisions.trapped:
            return True
        if not self._node.is_honest:
            return self._lie(height)
        if self._node.index in self._world.list_dying():
            self.deaths += 1
            self._ticket, self._free = 0, False
            self.own = Suspect(height, 0)
            self._node.put(on.RunnerDied, self.own)
            return False
        if self.own.height != height or self.decisions.settled >= height or self._free:
            return True
        if not self._ticket:
            self._tickets += 1
            self._ticket = self._tickets
        self._node.put(on.RunnerSurvived, height, self._ticket)
        return False
