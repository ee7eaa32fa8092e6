"""A leader that names a batch twice: in one block, or again in a descendant of the block it is in.

Who let that pass would execute every transaction of the batch twice (docs/protocol.md#B4).
"""

from quorate.core.bft import effects as do
from quorate.core.bft import events as on
from quorate.core.bft.messages import Proposal
from tests.adversaries.base import Adversary


class TwiceNamer(Adversary):
    """Adds to each own proposal a batch that is named already."""

    def rewrite(self, event: on.Event, effects: list[do.Effect]) -> list[do.Effect]:
        """Replace own proposals, and vote for what they have become."""
        out: list[do.Effect] = []
        for effect in effects:
            match effect:
                case do.Broadcast(Proposal() as proposal):
                    again = self._pick(proposal)
                    out += [effect] if again is None else self.propose(again)
                case _:
                    out.append(effect)
        return out

    def _pick(self, proposal: Proposal) -> Proposal | None:
        engine = self.node.replica
        assert engine is not None, "it has just handled an event"
        names = proposal.block.batches
        branch = engine.chain.find_branch(proposal.block.header.parent) or []
        above = [name for block in branch for name in block.batches]
        # What was final last, too: a descendant need not be near.
        final = [name for name in self.node.storage.named if engine.chain.is_recent(name)][-4:]
        choices = [named for named in (names, above, above, final) if named]
        if not choices:
            return None
        return self.rename(proposal, (*names, self.rng.choice(self.rng.choice(choices))))
