"""A node that lies to who catches up: about its height, up and down, and in the runs that it gives.

Runs without a beginning, middle or end, runs that it made itself, and true ones under a certificate
that does not hold (docs/protocol.md#K1). A claim of a height is a hint and no more (#K2).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from quorate.core.bft.finality import decode_finality
from quorate.core.bft.messages import TAGS, Certificate, Kind, encode_statement
from quorate.core.blocks import Block
from tests.adversaries.base import Adversary

if TYPE_CHECKING:
    from tests.sim.catchup import Offer

WAYS = (
    "nothing", "headless", "gap", "cut short", "own certificate", "notarized", "junk",
    "own block", "own chain", "own chain", "own chain",
)  # fmt: skip


class CatchUpLiar(Adversary):
    """Tells another height each time; what it gives holds only now and then."""

    def claim_height(self, height: int) -> int:
        """Return a height far ahead, then a lower one than it has."""
        self.forged += 1
        return max(height + self.rng.choice((1, 5, 10**6, 2**62, 0, -1, -10)), 0)

    def serve(self, offer: Offer) -> Offer:
        """Return a spoilt run."""
        if self.rng.randrange(8) == 0:
            return offer
        self.forged += 1
        way, blocks = self.rng.choice(WAYS), offer.blocks
        match way:
            case "nothing":
                return replace(offer, blocks=())
            case "headless":
                return replace(offer, blocks=blocks[1:])
            case "gap":
                middle = len(blocks) // 2
                return replace(offer, blocks=blocks[:middle] + blocks[middle + 1 :])
            case "cut short":
                return replace(offer, blocks=blocks[:-1])
            case "own block" | "own chain":
                return self._forge_run(offer, whole=way == "own chain")
            case "own certificate":
                return replace(offer, certificate=self._certify(offer).encode())
            case "notarized":
                true = decode_finality(offer.certificate)
                made = replace(true, certificate=replace(true.certificate, kind=Kind.NOTARIZE))
                return replace(offer, certificate=made.encode())
        return replace(offer, certificate=self.rng.randbytes(len(offer.certificate)))

    def _forge_run(self, offer: Offer, *, whole: bool) -> Offer:
        # Only the last block is another one, or all of them are, each on top of the one before.
        blocks = [Block.decode(data) for data in offer.blocks]
        start = 0 if whole else len(blocks) - 1
        for place in range(start, len(blocks)):
            old = blocks[place]
            parent = blocks[place - 1].digest if place > start else old.header.parent
            header = replace(old.header, time_ms=old.header.time_ms + 1, parent=parent)
            blocks[place] = Block.build(header, old.batches, old.handover)
        forged = replace(offer, blocks=tuple(block.encode() for block in blocks))
        return replace(forged, certificate=self._certify(forged).encode())

    def _certify(self, offer: Offer) -> Certificate:
        # With its own key for every seat of the block's epoch, whether it has one there or not.
        last = Block.decode(offer.blocks[-1])
        epoch, view = last.header.epoch, last.header.view
        seats = decode_finality(offer.certificate).certificate.seats
        statement = encode_statement(epoch, view, last.digest)
        signature = self.node.key.sign(TAGS[Kind.FINALIZE], self.node.world.domain, statement)
        signatures = tuple((seat, signature) for seat in range(seats))
        return Certificate(Kind.FINALIZE, epoch, view, last.digest, seats, signatures)
