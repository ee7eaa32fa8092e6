"""A leader that builds on an old parent, as if the views since had been nullified.

Who took that on trust would fork the chain (ava-labs/Simplex 281: the verifier must demand proof).
"""

from quorate.core.bft import effects as do
from quorate.core.bft import events as on
from quorate.core.bft.messages import Proposal
from quorate.core.blocks import Block, compute_base_fee, compute_batches_hash
from tests.adversaries.base import Adversary


class Skipper(Adversary):
    """Replaces its proposals by empty blocks on a block that others have built on already."""

    _old: Block | None = None

    def rewrite(self, event: on.Event, effects: list[do.Effect]) -> list[do.Effect]:
        """Move own proposals onto an older parent, and vote for what they have become."""
        out: list[do.Effect] = []
        for effect in effects:
            match effect:
                case do.Broadcast(Proposal() as proposal):
                    out += self.propose(self._skip(proposal))
                case _:
                    out.append(effect)
        assert self.node.replica is not None, "it has just handled an event"
        if self._old is None or self.rng.randrange(32) == 0:
            self._old = self.node.replica.chain.head
        return out

    def _skip(self, proposal: Proposal) -> Proposal:
        engine = self.node.replica
        assert engine is not None and self._old is not None, "there was an event before"
        parent = self._old if self.rng.randrange(2) else engine.chain.head
        above = parent.header
        empty = Block.build(proposal.block.header, (), proposal.block.handover)
        bare = Proposal(empty, proposal.signature)
        return self.forge(
            bare,
            height=above.height + 1,
            parent=parent.digest,
            parent_view=above.view,
            time_ms=max(proposal.block.header.time_ms, above.time_ms + 1),
            batches_hash=compute_batches_hash(()),
            weight=0,
            base_fee=compute_base_fee(above.base_fee, above.weight, self.setup.params),
            executed=above.executed,
        )
