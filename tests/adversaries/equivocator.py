"""A leader that shows one block to some and another to the rest, and votes for both."""

from quorate.core.bft import effects as do
from quorate.core.bft import events as on
from quorate.core.bft.messages import Kind, Proposal
from tests.adversaries.base import Adversary


class Equivocator(Adversary):
    """Splits the others anew in every view that it leads."""

    def rewrite(self, event: on.Event, effects: list[do.Effect]) -> list[do.Effect]:
        """Replace each own proposal by two."""
        out: list[do.Effect] = []
        for effect in effects:
            match effect:
                case do.Broadcast(Proposal() as proposal):
                    out += self._split(proposal)
                case _:
                    out.append(effect)
        return out

    def _split(self, proposal: Proposal) -> list[do.Effect]:
        header = proposal.block.header
        if header.proposer != self.setup.seat:
            return [do.Broadcast(proposal)]
        self.forged += 1
        twin = self.forge(proposal, time_ms=header.time_ms + 1)
        others, out = self.others(), list[do.Effect]()
        middle = self.rng.randint(0, len(others))
        for seats, each in ((others[:middle], proposal), (others[middle:], twin)):
            for seat in seats:
                out.append(do.SendToSeat(seat, each))
                for kind in (Kind.NOTARIZE, Kind.FINALIZE):
                    out.append(
                        do.SendToSeat(seat, self.sign_vote(kind, header.view, each.block.digest))
                    )
        return out
