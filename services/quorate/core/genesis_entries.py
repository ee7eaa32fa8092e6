"""Candidates' entries in a genesis: who owns them, their seat keys, and the keys' own proofs.

The domain of a chain covers its genesis' hash, which covers the proofs. So a proof binds to the
chain's name and fork instead (docs/protocol.md#S4).
"""

from typing import Final

from quorate.core import crypto
from quorate.core.genesis_fields import INTEGER_MAX, Fields
from quorate.core.seats import NAME_BYTES_MAX
from quorate.core.staking.payloads import DESCRIPTION_BYTES_MAX
from quorate.core.staking.records import Candidate
from quorate.core.values import KEYLESS, SHARE_BP, Address

_FIELDS: Final = (
    "name", "public_key", "proof", "owner", "operator", "commission_bp", "stake", "description",
)  # fmt: skip

SeatEntry = dict[str, str | int]


def encode_claim(owner: bytes, name: str) -> bytes:
    """Return what a seat key signs for its candidate's entry in a genesis."""
    return owner + name.encode()


def compute_proof_domain(chain_id: str, fork_epoch: int) -> bytes:
    """Return the domain of entries' proofs, which can't cover the genesis they stand in."""
    return crypto.compute_domain(chain_id, bytes(32), fork_epoch)


def read_entry(fields: Fields, domain: bytes) -> tuple[Address, Candidate]:
    """Return the owner and candidate of an entry whose proof is for this domain."""
    fields.allow(*_FIELDS)
    name = fields.text("name", 1, NAME_BYTES_MAX)
    owner = fields.address("owner")
    candidate = Candidate(
        operator=fields.address("operator", default=owner),
        seat_key=fields.hex("public_key", crypto.PUBLIC_KEY_BYTES),
        name=name,
        description=fields.text("description", 0, DESCRIPTION_BYTES_MAX, default=""),
        commission_bp=fields.integer("commission_bp", 0, SHARE_BP, default=0),
    )
    candidate.stake = candidate.self_stake = fields.integer("stake", 0, INTEGER_MAX, default=0)
    proof = fields.hex("proof", crypto.SIGNATURE_BYTES)
    if owner in KEYLESS:
        fields.fail("owner", "is one whose key nobody has")
    claim = encode_claim(owner, name)
    if fields.is_sound and not crypto.is_signed(
        candidate.seat_key, proof, crypto.TAG_SEAT_GENESIS, domain, claim
    ):
        fields.fail(
            "proof", "is not the seat key's signature over owner and name for this chain and fork"
        )
    return owner, candidate


class Entries:
    """Gathers the candidates of a document's lists; the same entry may stand in several."""

    def __init__(self, domain: bytes, time_ms: int = 0) -> None:
        """`time_ms` is the chain's start, from which commissions count as changed."""
        self.candidates: dict[Address, Candidate] = {}
        self._domain, self._time_ms = domain, time_ms
        self._holders: dict[bytes, Address] = {}

    def take(self, fields: Fields) -> tuple[Address, Candidate]:
        """Return the owner and candidate of one more entry."""
        owner, candidate = read_entry(fields, self._domain)
        candidate.commission_changed_ms = self._time_ms
        if fields.is_sound:
            if self.candidates.setdefault(owner, candidate) != candidate:
                fields.fail("owner", "has another entry that differs")
            if self._holders.setdefault(candidate.seat_key, owner) != owner:
                fields.fail("public_key", "is another candidate's seat key too")
        return owner, candidate
