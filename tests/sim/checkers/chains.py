"""Chains: committed blocks connect without a gap; no batch twice, none late, none too heavy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quorate.core.bft import effects as do
from quorate.core.bft.log import Restored
from quorate.core.blocks import Block
from tests.sim.checkers.violation import expect

if TYPE_CHECKING:
    from tests.sim.node import Node
    from tests.sim.world import World


class Chains:
    """Remembers each engine's head, and where each batch was named."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._heads: dict[tuple[int, int], Block] = {}
        self._named: dict[bytes, int] = {}

    def restarted(self, node: Node, restored: Restored) -> None:
        self._heads[node.index, node.boots] = node.storage.blocks[node.storage.height]

    def decided(self, node: Node, commit: do.CommitBlocks) -> None:
        self._follow((node.index, node.boots), commit)

    def caught_up(self, node: Node, block: Block) -> None:
        life = (node.index, node.boots)
        if block.header.height > self._heads[life].header.height:
            self._heads[life] = block

    def moved(self, node: Node) -> None:
        engine = node.replica
        assert engine is not None, "its head has just moved"
        head = engine.chain.head
        final = head.header.last_block if head.is_tail else head.digest
        same = self._heads[node.index, node.boots].digest == final
        expect(same, "the head moves by commits only", (node.index, node.boots))

    def _follow(self, life: tuple[int, int], commit: do.CommitBlocks) -> None:
        last = commit.blocks[-1]
        expect(last.digest == commit.finality.digest, "finality of the last block", life)
        head = self._heads[life]
        for block in commit.blocks:
            connects = block.header.parent == head.digest
            expect(connects, "committed blocks connect", (life, block.header.height))
            expect(block.header.height == head.header.height + 1, "no gap", life)
            expect(block.header.time_ms > head.header.time_ms, "time rises", life)
            expect(block.header.view > head.header.view, "views rise", life)
            head = block
        self._heads[life] = last

    def applied(self, node: Node, block: Block) -> None:
        params, height = self._world.params, block.header.height
        expect(block.header.parent == node.storage.blocks[-1].digest, "storage connects", height)
        expect(len(block.batches) <= params.block_batches_max, "batches per block", height)
        once = len(set(block.batches)) == len(block.batches)
        expect(once, "no batch twice in a block", height)
        weight = 0
        for name in block.batches:
            first = self._named.setdefault(name, height)
            expect(first == height, "no batch twice", f"{name.hex()} at {first} and {height}")
            header = self._world.payload.headers[name]
            expect(header.expiry_height >= height, "no expired batch", name.hex())
            near = block.header.epoch - 1 <= header.epoch <= block.header.epoch
            expect(near, "batches of this epoch and the one before", name.hex())
            weight += header.weight
        expect(weight == block.header.weight, "the weight is the batches'", height)
        expect(weight <= params.block_weight_max, "weight limit", height)
        lag = height - block.header.executed.height
        quiet = lag <= params.execution_lag_max or not block.batches
        expect(quiet, "no batches while execution lags", height)
