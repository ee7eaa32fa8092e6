"""Signs consensus messages as any seat, lawful or not: for tests of evidence."""

from dataclasses import dataclass, replace

from quorate.core import crypto
from quorate.core.accusations import Evidence, build_evidence
from quorate.core.bft.evidence import Signed
from quorate.core.bft.messages import TAGS, Kind, Proposal, Vote, encode_statement
from quorate.core.blocks import Block, build_root, compute_batches_hash
from quorate.core.params import Params
from quorate.core.values import ZERO_HASH


@dataclass(frozen=True)
class Liar:
    """A seat that signs whatever a test asks for."""

    key: crypto.SigningKey
    seat: int
    domain: bytes
    epoch: int = 0

    def vote(self, kind: Kind, view: int, digest: bytes = ZERO_HASH) -> Vote:
        """Return a signed vote."""
        return Vote(kind, self.epoch, view, digest, self.seat, self._sign(kind, view, digest))

    def propose(self, view: int, height: int = 1, names: tuple[bytes, ...] = ()) -> Proposal:
        """Return a signed proposal; another height gives another block."""
        root = build_root(ZERO_HASH, 1, Params()).header
        header = replace(
            root, epoch=self.epoch, view=view, height=height, proposer=self.seat,
            batches_hash=compute_batches_hash(names),
        )  # fmt: skip
        block = Block.build(header, names)
        return Proposal(block, self._sign(Kind.PROPOSAL, view, block.digest))

    def sign_all(self, view: int) -> list[Signed]:
        """Return every kind of message that one view allows, of two blocks each."""
        proposals = [self.propose(view, height) for height in (1, 2)]
        votes = [
            self.vote(kind, view, proposal.block.digest)
            for kind in (Kind.NOTARIZE, Kind.FINALIZE)
            for proposal in proposals
        ]
        return [*proposals, *votes, self.vote(Kind.NULLIFY, view)]

    def lie(self, view: int = 5) -> Evidence:
        """Return evidence against itself."""
        one, other = (self.vote(Kind.NOTARIZE, view, bytes([n]) * 32) for n in (1, 2))
        return build_evidence(one, other)

    def _sign(self, kind: Kind, view: int, digest: bytes) -> bytes:
        statement = encode_statement(self.epoch, view, digest)
        return self.key.sign(TAGS[kind], self.domain, statement)


def make_liars(count: int, domain: bytes, epoch: int = 0) -> list[Liar]:
    """Return seats with keys of their own."""
    keys = [crypto.SigningKey(bytes([number + 1]) * 32) for number in range(count)]
    return [Liar(key, seat, domain, epoch) for seat, key in enumerate(keys)]
