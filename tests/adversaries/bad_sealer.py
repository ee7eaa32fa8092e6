"""An author whose batches hold one transaction with a bad signature, and a leader that names them.

Such a batch is invalid whole (docs/protocol.md#B5): the honest never hold it, so they never vote
for a block that names it.
"""

from quorate.core.bft import effects as do
from quorate.core.bft import events as on
from quorate.core.bft.messages import Proposal
from tests.adversaries.base import Adversary


class BadSealer(Adversary):
    """Names its own bad batches whenever it leads."""

    seals_badly = True

    def rewrite(self, event: on.Event, effects: list[do.Effect]) -> list[do.Effect]:
        """Put a bad batch into own proposals; vote for what they have become."""
        out: list[do.Effect] = []
        for effect in effects:
            match effect:
                case do.Broadcast(Proposal() as proposal) if self._list_bad():
                    names = (*proposal.block.batches, self.rng.choice(self._list_bad()))
                    out += self.propose(self.rename(proposal, names))
                case _:
                    out.append(effect)
        return out

    def _list_bad(self) -> list[bytes]:
        invalid = self.node.world.payload.invalid
        return [name for name in self.node.storage.batches if name in invalid]
