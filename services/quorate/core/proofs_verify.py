"""Verifies finality receipts from a genesis hash, without a network (docs/protocol.md#Q5, #Q6).

Who trusts a genesis hash trusts the sets of the first two epochs, which it opens to. Who verified a
receipt before may go on from the set of its epoch (`Verified.trust`) instead. From there each epoch
must hand over to the next by a final header; the last one's header claims the root that the
transaction's receipt is under.
"""

from dataclasses import dataclass

from quorate.core import crypto
from quorate.core.applied import Receipt
from quorate.core.bft.messages import encode_statement
from quorate.core.blocks import Header, compute_digest
from quorate.core.errors import InvalidReceipt, Rejected
from quorate.core.merkle import compute_root
from quorate.core.origin import Origin
from quorate.core.proofs import FinalityReceipt, Inclusion, SetChain, SignedHeader
from quorate.core.receipts import compute_leaves, compute_receipts_hash
from quorate.core.seats import Seat, SeatSet


@dataclass(frozen=True, slots=True)
class TrustPoint:
    """A set that its reader trusts, and when that was known: the time of a header it signed."""

    epoch: int
    set_hash: bytes
    time_ms: int


@dataclass(frozen=True, slots=True)
class Trust:
    """What verification starts from.

    `point` is what a former verification gave; without it the genesis alone counts. At `now_ms`
    it must not be older than `period_ms` (None: than stake stays bound, by the genesis); without
    `now_ms` it may be of any age.
    """

    genesis_hash: bytes
    point: TrustPoint | None = None
    now_ms: int | None = None
    period_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Verified:
    """What a finality receipt proves, who of `seats` signed, and the point to go on from.

    It starts from the set of `start_epoch`; `links` epochs handed over until that of `header`.
    """

    receipt: Receipt
    height: int
    position: int
    chain_id: str
    header: Header
    digest: bytes
    signers: tuple[Seat, ...]
    seats: int
    start_epoch: int
    links: int
    trust: TrustPoint


def verify(data: bytes, trust: Trust) -> Verified:
    """Return what a finality receipt proves.

    Raises MalformedBytes or InvalidReceipt when it proves nothing, Rejected (TRUST_TOO_OLD) when
    what it starts from is too old to be trusted.
    """
    proof = FinalityReceipt.decode(data)
    if proof.origin.compute_genesis_hash() != trust.genesis_hash:
        raise InvalidReceipt(
            "the receipt is of another chain: its genesis hash differs", reason="WRONG_GENESIS"
        )
    start = _find_point(proof.origin, proof.chain.first, trust)
    _check_age(proof.origin, start, trust)
    domain = proof.origin.compute_domain()
    seats = _walk(proof.chain, domain)
    digest = _check_signed(proof.signed, seats, domain)
    header = proof.signed.header
    _check_inclusion(proof.inclusion, header)
    signers = tuple([seats.seats[seat] for seat, _ in proof.signed.signatures])
    point = TrustPoint(seats.epoch, seats.hash, header.time_ms)
    return Verified(
        proof.inclusion.receipt, proof.inclusion.height, proof.inclusion.position,
        proof.origin.chain_id, header, digest, signers,
        len(seats.seats), start.epoch, len(proof.chain.links), point,
    )  # fmt: skip


def _find_point(origin: Origin, first: SeatSet, trust: Trust) -> TrustPoint:
    """Return the trusted point at which a chain of sets starts; raises InvalidReceipt."""
    points = [
        TrustPoint(epoch, each, origin.time_ms)
        for epoch, each in enumerate(origin.set_hashes, origin.epoch)
    ]
    if trust.point is not None:
        points.append(trust.point)
    found = [point for point in points if point.epoch == first.epoch]
    if not found:
        known = sorted({point.epoch for point in points})
        raise InvalidReceipt(
            f"the receipt starts from the set of epoch {first.epoch}, and trusted are only those "
            f"of epochs {known}: get it from one of these", reason="UNTRUSTED_EPOCH",
        )  # fmt: skip
    if any(point.set_hash != first.hash for point in found):
        raise InvalidReceipt(
            f"its set of epoch {first.epoch} is not the trusted one", reason="UNTRUSTED_SET"
        )
    return max(found, key=lambda point: point.time_ms)


def _check_age(origin: Origin, start: TrustPoint, trust: Trust) -> None:
    """Raise Rejected when the seats of the trusted set may have their stake back.

    Who has it back has nothing to lose by signing another history from there on
    (docs/protocol.md#Q6).
    """
    period_ms = origin.trust_ms if trust.period_ms is None else trust.period_ms
    if trust.now_ms is not None and trust.now_ms - start.time_ms > period_ms:
        age_ms = trust.now_ms - start.time_ms
        raise Rejected(
            f"the trusted set of epoch {start.epoch} is {_describe_ms(age_ms)} old, and after "
            f"{_describe_ms(period_ms)} its seats may have their stake back: start from a newer "
            "one, or say that any age will do",
            reason="TRUST_TOO_OLD", age_ms=age_ms, period_ms=period_ms,
        )  # fmt: skip


def _describe_ms(time_ms: int) -> str:
    for unit_ms, unit in ((86_400_000, "days"), (3_600_000, "hours"), (60_000, "minutes")):
        if time_ms >= 3 * unit_ms:
            return f"{time_ms // unit_ms:,} {unit}"
    return f"{time_ms // 1_000:,} s"


def _walk(chain: SetChain, domain: bytes) -> SeatSet:
    """Return the last set of a chain when each hands over to the next; raises InvalidReceipt."""
    current = chain.first
    for link in chain.links:
        _check_signed(link.signed, current, domain)
        following = link.next_set
        is_next = following.epoch == current.epoch + 1
        if not is_next or link.signed.header.executed.next_set_hash != following.hash:
            raise InvalidReceipt(
                f"epoch {current.epoch} did not hand over to this set", reason="NOT_HANDED_OVER"
            )
        current = following
    return current


def _check_signed(signed: SignedHeader, seats: SeatSet, domain: bytes) -> bytes:
    """Return the digest of a header that a quorum finalized; raises InvalidReceipt."""
    header = signed.header
    if header.epoch != seats.epoch:
        raise InvalidReceipt(
            f"a header of epoch {header.epoch} where one of epoch {seats.epoch} must be",
            reason="WRONG_EPOCH",
        )
    digest = compute_digest(header.encode())
    statement = encode_statement(header.epoch, header.view, digest)
    for seat, signature in signed.signatures:
        key = seats.keys[seat]
        if not crypto.is_signed(key, signature, crypto.TAG_FINALIZE, domain, statement):
            raise InvalidReceipt(
                f"the signature of seat {seat} in epoch {header.epoch} does not hold",
                reason="BAD_SIGNATURE", epoch=header.epoch, seat=seat,
            )  # fmt: skip
    return digest


def _check_inclusion(inclusion: Inclusion, header: Header) -> None:
    (leaf,) = compute_leaves([inclusion.receipt])
    root = compute_root(leaf, inclusion.position, inclusion.count, inclusion.block_path)
    above = compute_root(
        compute_receipts_hash(inclusion.count, root),
        inclusion.height - 1, header.executed.height, inclusion.chain_path,
    )  # fmt: skip
    if above != header.executed.receipts_root:
        raise InvalidReceipt("the header does not claim this receipt", reason="NOT_CLAIMED")
