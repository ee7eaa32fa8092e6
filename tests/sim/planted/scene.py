"""A calm run to plant violations in, and where they are noted.

`PLANTED` has one or more violating sequences per checker, each with the rule that it breaks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from quorate.core.bft import effects as do
from quorate.core.bft.finality import Finality
from quorate.core.bft.messages import Certificate, Kind, Vote
from quorate.core.blocks import Block
from quorate.core.params import Params
from quorate.core.values import ZERO_HASH
from tests.sim.plan import Plan
from tests.sim.world import World

PLAN = Plan(
    seed=11, params=Params(block_weight_max=1_000_000, batch_validity_blocks=200),
    delay_ms=(3, 3), batch_every_ms=10, faulty_ms=500, prune_every=10**6,
)  # fmt: skip
Sequence = Callable[[World, Any], None]
PLANTED: dict[str, list[tuple[str, Sequence]]] = {}


def planted(name: str, rule: str) -> Callable[[Sequence], Sequence]:
    """Note a sequence that breaks a rule of the checker of this name."""

    def note(sequence: Sequence) -> Sequence:
        PLANTED.setdefault(name, []).append((rule, sequence))
        return sequence

    return note


def make_world() -> World:
    world = World(PLAN)
    world.start()
    world.run_until(500)
    assert min(node.storage.height for node in world.nodes) > 5
    return world


def get_block(world: World, height: int = 3) -> Block:
    return world.nodes[0].storage.blocks[height]


def make_twin(block: Block, **changes: Any) -> Block:
    changes = changes or {"time_ms": block.header.time_ms + 1}
    return Block.build(replace(block.header, **changes), block.batches)


def make_vote(kind: Kind, view: int, digest: bytes = ZERO_HASH, seat: int = 0) -> Vote:
    return Vote(kind, 0, view, digest, seat, bytes(64))


def make_certificate(kind: Kind, view: int, digest: bytes = ZERO_HASH) -> Certificate:
    return Certificate(kind, 0, view, digest, 4, tuple((seat, bytes(64)) for seat in range(3)))


def make_commit(block: Block) -> do.CommitBlocks:
    certificate = make_certificate(Kind.FINALIZE, block.header.view, block.digest)
    return do.CommitBlocks((block,), Finality(certificate))
