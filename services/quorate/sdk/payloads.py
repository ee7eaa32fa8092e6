"""Builds payloads; a `signer` that is left out stands for the transaction's sender.

Plain ones are made by their class: `Delegate(SENDER, candidate, amount)`. What carries a seat key's
signature is made from a SeatProof or SeatReady, which the seat's own node gives
(consensus.v1.ConsensusService), so that the key never leaves it.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from quorate.core.crypto import TAG_READY, TAG_SEAT, SigningKey
from quorate.core.staking.payloads import (
    Ready,
    RegisterCandidate,
    RotateSeatKey,
    encode_ready,
)
from quorate.core.transactions import Transfer

SENDER: Final = b""


class SeatProof(NamedTuple):
    """A seat key's signature that it stands for a candidate (docs/protocol.md#D2)."""

    seat_key: bytes
    candidate: bytes
    proof: bytes


class SeatReady(NamedTuple):
    """A seat key's signature that its machine is in step in an epoch (docs/protocol.md#D4)."""

    epoch: int
    seat_key: bytes
    candidate: bytes
    signature: bytes


class Terms(NamedTuple):
    """What a candidate tells of itself and what it charges, of 10,000."""

    name: str
    description: str = ""
    commission_bp: int = 0


def build_transfers(
    transfers: Sequence[tuple[bytes, int]], signer: bytes = SENDER
) -> list[Transfer]:
    """Return one transfer per (address, amount)."""
    return [Transfer(signer, to, amount) for to, amount in transfers]


def build_register(
    proof: SeatProof, operator: bytes, terms: Terms, stake: int, *, signer: bytes = SENDER
) -> RegisterCandidate:
    """Return the registration of a candidate; the proof must be over its owner's address."""
    return RegisterCandidate(signer, operator, proof.seat_key, proof.proof, *terms, stake)


def build_rotate(proof: SeatProof, *, signer: bytes = SENDER) -> RotateSeatKey:
    """Return what names another machine's seat key for a candidate."""
    return RotateSeatKey(signer, proof.candidate, proof.seat_key, proof.proof)


def build_ready(ready: SeatReady, *, signer: bytes = SENDER) -> Ready:
    """Return the Ready that a node has signed; anyone may send it."""
    return Ready(signer, ready.candidate, ready.epoch, ready.seat_key, ready.signature)


def prove_seat(domain: bytes, key: SigningKey, candidate: bytes) -> SeatProof:
    """Return a seat key's proof for a candidate, where the key itself is at hand."""
    return SeatProof(key.public_key, candidate, key.sign(TAG_SEAT, domain, candidate))


def sign_ready(domain: bytes, key: SigningKey, candidate: bytes, epoch: int) -> SeatReady:
    """Return a seat key's Ready for an epoch, where the key itself is at hand."""
    signature = key.sign(TAG_READY, domain, encode_ready(candidate, epoch))
    return SeatReady(epoch, key.public_key, candidate, signature)
