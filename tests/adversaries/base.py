"""What an adversary may do: rewrite what its engine sends, and choose the disk it restarts from."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

from quorate.core.bft import effects as do
from quorate.core.bft import events as on
from quorate.core.bft.messages import TAGS, Kind, Proposal, Vote, encode_statement
from quorate.core.blocks import Block, Header
from quorate.core.values import ZERO_HASH

if TYPE_CHECKING:
    from tests.sim.disk import Disk
    from tests.sim.node import Node


class Adversary:
    """An honest engine in bad hands; the base does nothing wrong."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.setup = node.setup

    @property
    def rng(self) -> Random:
        """The dice of the run."""
        return self.node.world.rng

    def rewrite(self, event: on.Event, effects: list[do.Effect]) -> list[do.Effect]:
        """Return what is done instead of an engine's effects."""
        return effects

    def choose_disk(self, disk: Disk) -> Disk:
        """Return the log to restart from after a crash."""
        return disk

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
        block = Block.build(header, proposal.block.batches)
        statement = encode_statement(self.setup.epoch, header.view, block.digest)
        assert self.setup.key is not None, "a seat"
        signature = self.setup.key.sign(TAGS[Kind.PROPOSAL], self.setup.domain, statement)
        return Proposal(block, signature)

    def others(self) -> list[int]:
        """Return the other seats in a random order."""
        seats = [seat for seat in range(len(self.setup.keys)) if seat != self.setup.seat]
        self.rng.shuffle(seats)
        return seats
