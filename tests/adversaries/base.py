"""What an adversary may do: rewrite what is sent, lie about batches and blocks, choose a disk.

Each counts in `forged` what it did that no honest seat does, so that a test can tell that a run was
an attack at all.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

from quorate.core.bft import effects as do
from quorate.core.bft import events as on
from quorate.core.bft.messages import TAGS, Kind, Proposal, Vote, encode_statement
from quorate.core.blocks import Block, Header, compute_batches_hash
from quorate.core.values import ZERO_HASH

if TYPE_CHECKING:
    from quorate.core.bft.replica import Setup
    from tests.sim.catchup import Offer
    from tests.sim.disk import Disk
    from tests.sim.node import Node


class Adversary:
    """An honest engine in bad hands; the base does nothing wrong."""

    # Whether the batches that it makes hold a bad signature: the honest take none of them.
    seals_badly = False

    def __init__(self, node: Node) -> None:
        self.node = node
        self.forged = 0
        self._due_ms = 0

    @property
    def setup(self) -> Setup:
        """What the running epoch's engine is made from; only who has a seat there attacks."""
        return self.node.setup

    @property
    def rng(self) -> Random:
        """The dice of the run."""
        return self.node.world.rng

    def is_due(self, now_ms: int, mean_ms: int) -> bool:
        """Tell whether it is time for the next attack, `mean_ms` after the last one on average.

        What attacks with each message that it hears would call up the next attack of its like.
        """
        if now_ms < self._due_ms:
            return False
        self._due_ms = now_ms + self.rng.randint(1, 2 * mean_ms)
        return True

    def rewrite(self, event: on.Event, effects: list[do.Effect]) -> list[do.Effect]:
        """Return what is done instead of an engine's effects."""
        return effects

    def choose_disk(self, disk: Disk) -> Disk:
        """Return the log to restart from after a crash."""
        return disk

    # ---- batches and catch-up ----------------------------------------------------------------

    def choose_receivers(self, name: bytes, nodes: list[int]) -> list[int]:
        """Return which nodes an own batch is sent to."""
        return nodes

    def gives(self, name: bytes) -> bool:
        """Tell whether who asks for a batch gets it."""
        return True

    def claim_height(self, height: int) -> int:
        """Return the height that it says it has, when it has `height`."""
        return height

    def serve(self, offer: Offer) -> Offer:
        """Return what it gives to who catches up, instead of a run of final blocks."""
        return offer

    # ---- forging with the own key ----------------------------------------------------------

    def sign_vote(self, kind: Kind, view: int, digest: bytes = ZERO_HASH) -> Vote:
        """Return an own vote for anything."""
        assert self.setup.key is not None and self.setup.seat is not None, "a seat"
        statement = encode_statement(self.setup.epoch, view, digest)
        signature = self.setup.key.sign(TAGS[kind], self.setup.domain, statement)
        return Vote(kind, self.setup.epoch, view, digest, self.setup.seat, signature)

    def forge(self, proposal: Proposal, **changes: object) -> Proposal:
        """Return an own proposal with a changed header, properly signed."""
        header: Header = replace(proposal.block.header, **changes)  # type: ignore[arg-type]
        block = Block.build(header, proposal.block.batches, proposal.block.handover)
        statement = encode_statement(self.setup.epoch, header.view, block.digest)
        assert self.setup.key is not None, "a seat"
        signature = self.setup.key.sign(TAGS[Kind.PROPOSAL], self.setup.domain, statement)
        return Proposal(block, signature)

    def rename(self, proposal: Proposal, names: tuple[bytes, ...]) -> Proposal:
        """Return an own proposal that names other batches, its weight to match."""
        headers = self.node.world.payload.headers
        renamed = Block.build(proposal.block.header, names, proposal.block.handover)
        return self.forge(
            Proposal(renamed, proposal.signature),
            batches_hash=compute_batches_hash(names),
            weight=sum(headers[name].weight for name in names),
        )

    def propose(self, proposal: Proposal) -> list[do.Effect]:
        """Return the effects of proposing a forged block and voting for it."""
        header, digest = proposal.block.header, proposal.block.digest
        vote = self.sign_vote(Kind.NOTARIZE, header.view, digest)
        self.forged += 1
        return [do.Broadcast(proposal), do.Broadcast(vote)]

    def others(self) -> list[int]:
        """Return the other seats in a random order."""
        seats = [seat for seat in range(len(self.setup.keys)) if seat != self.setup.seat]
        self.rng.shuffle(seats)
        return seats
