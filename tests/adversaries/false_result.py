"""A leader whose blocks claim a false result, or one of the future."""

from dataclasses import replace

from quorate.core.bft import effects as do
from quorate.core.bft import events as on
from quorate.core.bft.messages import Proposal
from tests.adversaries.base import Adversary


class FalseResult(Adversary):
    """Changes the claim of each own proposal."""

    def rewrite(self, event: on.Event, effects: list[do.Effect]) -> list[do.Effect]:
        """Replace own proposals, and vote for what they have become."""
        out: list[do.Effect] = []
        for effect in effects:
            match effect:
                case do.Broadcast(Proposal() as proposal):
                    out += self.propose(self._falsify(proposal))
                case _:
                    out.append(effect)
        return out

    def _falsify(self, proposal: Proposal) -> Proposal:
        header = proposal.block.header
        claim = header.executed
        lie = self.rng.choice(("digest", "future", "past", "receipts"))
        if lie == "digest":
            false = replace(claim, write_digest=self.rng.randbytes(32))
        elif lie == "future":
            false = replace(claim, height=header.height - self.rng.randint(0, 1))
        elif lie == "past":
            false = replace(claim, height=max(claim.height - 1, 0))
        else:
            false = replace(claim, receipts_root=self.rng.randbytes(32))
        return self.forge(proposal, executed=false)
