"""The log gives back all that left: sent votes above the final head are restored after a crash."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quorate.core.bft.evidence import get_view
from quorate.core.bft.log import Restored
from quorate.core.bft.messages import Proposal, Vote
from tests.sim.checkers.violation import expect

if TYPE_CHECKING:
    from tests.sim.node import Node
    from tests.sim.world import World


class Replay:
    """Remembers each seat's sent messages above its storage's head."""

    def __init__(self, world: World) -> None:
        self._sent: dict[int, dict[bytes, int]] = {}

    def sent(self, node: Node, message: Vote | Proposal) -> None:
        seat = message.seat if isinstance(message, Vote) else message.block.header.proposer
        if node.obeys and seat == node.seat:
            self._sent.setdefault(node.index, {})[message.encode()] = get_view(message)

    def restarted(self, node: Node, restored: Restored) -> None:
        if not node.obeys:
            return
        final = node.storage.blocks[-1].header.view
        open_ = {m: view for m, view in self._sent.get(node.index, {}).items() if view > final}
        held = {message.encode() for message in restored.own}
        lost = [view for message, view in open_.items() if message not in held]
        expect(not lost, "the log holds what was sent", f"node {node.index}: views {lost}")
        self._sent[node.index] = open_
