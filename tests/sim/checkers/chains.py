"""Chains: committed blocks connect without a gap; no batch twice, none late, none too heavy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quorate.core.bft import effects as do
from quorate.core.bft import events as on
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

    def handled(self, node: Node, event: on.Event, effects: list[do.Effect]) -> None:
        engine = node.replica
        assert engine is not None, "it has just handled an event"
        life = (node.index, node.boots)
        if isinstance(event, on.CaughtUp) and life in self._heads:
            old = self._heads[life]
            if event.block.header.height > old.header.height:
                self._heads[life] = event.block
        for effect in effects:
            if isinstance(effect, do.CommitBlocks):
                self._follow(life, effect)
        head = self._heads.setdefault(life, engine.chain.head)
        expect(head.digest == engine.chain.head.digest, "the head moves by commits only", life)

    def _follow(self, life: tuple[int, int], commit: do.CommitBlocks) -> None:
        last = commit.blocks[-1]
        expect(last.digest == commit.certificate.digest, "finalization of the last block", life)
        head = self._heads.get(life)
        for block in commit.blocks:
            if head is not None:
                connects = block.header.parent == head.digest
                expect(connects, "committed blocks connect", f"{life} at {block.header.height}")
                expect(block.header.height == head.header.height + 1, "no gap", life)
                expect(block.header.time_ms > head.header.time_ms, "time rises", life)
                expect(block.header.view > head.header.view, "views rise", life)
            head = block
        self._heads[life] = last

    def applied(self, node: Node, block: Block) -> None:
        params, height = self._world.params, block.header.height
        expect(block.header.parent == node.storage.blocks[-1].digest, "storage connects", height)
        expect(len(block.batches) <= params.block_batches_max, "batches per block", height)
        weight = 0
        for name in block.batches:
            first = self._named.setdefault(name, height)
            expect(first == height, "no batch twice", f"{name.hex()} at {first} and {height}")
            header = self._world.payload.headers[name]
            expect(header.expiry_height >= height, "no expired batch", name.hex())
            weight += header.weight
        expect(weight == block.header.weight, "the weight is the batches'", height)
        expect(weight <= params.block_weight_max, "weight limit", height)
        lag = height - block.header.executed.height
        quiet = lag <= params.execution_lag_max or not block.batches
        expect(quiet, "no batches while execution lags", height)
