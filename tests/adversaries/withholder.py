"""An author that names what nobody else can hold: made by it, reported held, and never given.

It also reports every batch held that others report, and gives none of them away
(docs/protocol.md#B3).
"""

from quorate.core.bft import effects as do
from quorate.core.bft import events as on
from quorate.core.bft.messages import Proposal
from tests.adversaries.base import Adversary


class Withholder(Adversary):
    """Keeps what it makes to itself, and names it whenever it leads."""

    def choose_receivers(self, name: bytes, nodes: list[int]) -> list[int]:
        """Return nobody."""
        return []

    def gives(self, name: bytes) -> bool:
        """Refuse everything."""
        return False

    def rewrite(self, event: on.Event, effects: list[do.Effect]) -> list[do.Effect]:
        """Put a withheld batch into own proposals; vote for what they have become."""
        if isinstance(event, on.BatchesReported):
            self._claim(event.names)
        out: list[do.Effect] = []
        for effect in effects:
            match effect:
                case do.Broadcast(Proposal() as proposal):
                    withheld = self._list_withheld(proposal)
                    names = (*proposal.block.batches, *withheld[-1:])
                    out += self.propose(self.rename(proposal, names)) if withheld else [effect]
                case _:
                    out.append(effect)
        return out

    def _claim(self, names: tuple[bytes, ...]) -> None:
        lacking = tuple(name for name in names if name not in self.node.storage.batches)
        for node in self.node.world.nodes:
            if lacking and node is not self.node and node.is_running():
                node.hear(self.node.index, lacking)

    def _list_withheld(self, proposal: Proposal) -> list[bytes]:
        headers, storage = self.node.world.payload.headers, self.node.storage
        return [
            name
            for name in storage.batches
            if headers[name].author == self.setup.seat
            and name not in storage.named
            and name not in proposal.block.batches
        ]
