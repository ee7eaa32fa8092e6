"""Blocks in which the seats of a forged chain decide something."""

from typing import Any

from quorate.core.blocks import Block
from quorate.core.governance.payloads import ProposeChange, VoteChange
from quorate.core.governance.records import compute_proposal_id
from tests.unit.quorate.storage.forge import Forge


def decide(
    forge: Forge, parent: Block, *change: Any, votes: int = 2
) -> tuple[list[tuple[Block, list[Any]]], bytes]:
    """Return two blocks on a parent that propose and vote, and the proposal's id."""
    proposal = forge.act(ProposeChange(forge.owner(0), *change), cosigners=[0])
    identity = compute_proposal_id(forge.identify(proposal), 0)
    ballots = [
        forge.act(VoteChange(forge.owner(seat), identity, True), cosigners=[seat])
        for seat in range(1, votes + 1)
    ]
    blocks = []
    for raws in ([proposal], ballots):
        epoch = forge.starts[parent.digest].epoch
        batches = [forge.batch(raws, epoch=epoch)] if raws else []
        parent = forge.block(parent, batches)
        blocks.append((parent, batches))
    return blocks, identity
