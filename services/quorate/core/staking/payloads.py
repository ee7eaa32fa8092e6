"""What a transaction may do with stake, and what is checked of it without state.

Rules: docs/protocol.md#D1 to D12.

`signer` authorises the payload. A candidate is named by its owner's address.
"""

from typing import Final, NamedTuple

from quorate.core import crypto
from quorate.core.codec import U64
from quorate.core.errors import InvalidTransaction
from quorate.core.seats import NAME_BYTES_MAX
from quorate.core.values import HASH_BYTES, SHARE_BP

DESCRIPTION_BYTES_MAX: Final = 256


class RegisterCandidate(NamedTuple):
    """Makes the signer the owner of a candidate, with `stake` of its own bonded to it.

    `proof` is the seat key's signature over the owner's address (TAG_SEAT, of this chain).
    """

    signer: bytes
    operator: bytes
    seat_key: bytes
    proof: bytes
    name: str
    description: str
    commission_bp: int
    stake: int


class UpdateCandidate(NamedTuple):
    """Replaces what a candidate tells of itself and what it charges."""

    signer: bytes
    candidate: bytes
    name: str
    description: str
    commission_bp: int


class Ready(NamedTuple):
    """Shows that a seat key's machine runs and is in step: its signature over candidate and epoch.

    Anyone may bring it. Of a key that RotateSeatKey named, it puts that key in place.
    """

    signer: bytes
    candidate: bytes
    epoch: int
    seat_key: bytes
    signature: bytes


class Resign(NamedTuple):
    """Takes a candidate out for good; its stake can be undelegated as ever."""

    signer: bytes
    candidate: bytes


class RotateSeatKey(NamedTuple):
    """Names another machine's seat key, with its proof over the candidate's address."""

    signer: bytes
    candidate: bytes
    seat_key: bytes
    proof: bytes


class Unjail(NamedTuple):
    """Lets a candidate that was jailed for missed views be elected again."""

    signer: bytes
    candidate: bytes


class Delegate(NamedTuple):
    """Bonds `amount` of the signer's balance to a candidate."""

    signer: bytes
    candidate: bytes
    amount: int


class Undelegate(NamedTuple):
    """Begins to take `amount` of the signer's stake back."""

    signer: bytes
    candidate: bytes
    amount: int


class Redelegate(NamedTuple):
    """Moves `amount` of the signer's stake from one candidate to another at once."""

    signer: bytes
    source: bytes
    target: bytes
    amount: int


class ClaimRewards(NamedTuple):
    """Pays out the signer's rewards at a candidate, and what has unbonded there."""

    signer: bytes
    candidate: bytes


class Proof(NamedTuple):
    """A signature inside a payload, checked with those of the envelope."""

    public_key: bytes
    signature: bytes
    tag: bytes
    message: bytes


def encode_ready(candidate: bytes, epoch: int) -> bytes:
    """Return what a seat key signs, under TAG_READY, to say that its machine is in step."""
    return candidate + U64.pack(epoch)


def check_register(payload: RegisterCandidate) -> None:
    """Raise InvalidTransaction unless a registration is right in form."""
    check_hashes(payload.signer, payload.operator, payload.seat_key)
    _check_proof_form(payload.proof)
    _check_terms(payload.name, payload.description, payload.commission_bp)
    check_amount(payload.stake)


def check_update(payload: UpdateCandidate) -> None:
    """Raise InvalidTransaction unless an update is right in form."""
    check_hashes(payload.signer, payload.candidate)
    _check_terms(payload.name, payload.description, payload.commission_bp)


def check_ready(payload: Ready) -> None:
    """Raise InvalidTransaction unless a Ready is right in form."""
    check_hashes(payload.signer, payload.candidate, payload.seat_key)
    _check_proof_form(payload.signature)


def check_rotate(payload: RotateSeatKey) -> None:
    """Raise InvalidTransaction unless a rotation is right in form."""
    check_hashes(payload.signer, payload.candidate, payload.seat_key)
    _check_proof_form(payload.proof)


def check_plain(payload: Resign | Unjail | ClaimRewards) -> None:
    """Raise InvalidTransaction unless a payload of two addresses is right in form."""
    check_hashes(payload.signer, payload.candidate)


def check_stake(payload: Delegate | Undelegate) -> None:
    """Raise InvalidTransaction unless a payload that moves stake is right in form."""
    check_hashes(payload.signer, payload.candidate)
    check_amount(payload.amount)


def check_redelegate(payload: Redelegate) -> None:
    """Raise InvalidTransaction unless a redelegation is right in form."""
    check_hashes(payload.signer, payload.source, payload.target)
    check_amount(payload.amount)
    if payload.source == payload.target:
        raise InvalidTransaction("source and target are the same", reason="SAME_CANDIDATE")


def list_register_proofs(payload: RegisterCandidate) -> list[Proof]:
    """Return the signatures that a registration carries."""
    return [Proof(payload.seat_key, payload.proof, crypto.TAG_SEAT, payload.signer)]


def list_rotate_proofs(payload: RotateSeatKey) -> list[Proof]:
    """Return the signatures that a rotation carries."""
    return [Proof(payload.seat_key, payload.proof, crypto.TAG_SEAT, payload.candidate)]


def list_ready_proofs(payload: Ready) -> list[Proof]:
    """Return the signatures that a Ready carries."""
    message = encode_ready(payload.candidate, payload.epoch)
    return [Proof(payload.seat_key, payload.signature, crypto.TAG_READY, message)]


def check_hashes(*values: bytes) -> None:
    """Raise InvalidTransaction (MALFORMED) unless each is 32 bytes: an address, a key, a name."""
    if any(len(value) != HASH_BYTES for value in values):
        raise InvalidTransaction(
            "a payload names something that is no address or key", reason="MALFORMED"
        )


def check_amount(amount: int) -> None:
    """Raise InvalidTransaction (AMOUNT_ZERO) unless something is moved."""
    if amount < 1:
        raise InvalidTransaction("a payload must move at least 1", reason="AMOUNT_ZERO")


def _check_proof_form(signature: bytes) -> None:
    if len(signature) != crypto.SIGNATURE_BYTES:
        raise InvalidTransaction("a proof has the wrong length", reason="MALFORMED")


def _check_terms(name: str, description: str, commission_bp: int) -> None:
    if not 1 <= len(name.encode()) <= NAME_BYTES_MAX:
        raise InvalidTransaction(
            f"a candidate's name has 1 to {NAME_BYTES_MAX} bytes", reason="NAME_LENGTH"
        )
    if len(description.encode()) > DESCRIPTION_BYTES_MAX:
        raise InvalidTransaction(
            f"a description has at most {DESCRIPTION_BYTES_MAX} bytes", reason="OVERSIZED"
        )
    if commission_bp > SHARE_BP:
        raise InvalidTransaction(
            f"a commission of {commission_bp} is above {SHARE_BP}", reason="OUT_OF_RANGE"
        )
