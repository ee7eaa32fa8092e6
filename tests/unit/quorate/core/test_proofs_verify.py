"""A finality receipt proves what a quorum made final, and nothing that anybody changed."""

import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from quorate.core import crypto
from quorate.core.bft.messages import encode_statement
from quorate.core.blocks import Header, compute_digest
from quorate.core.errors import InvalidReceipt, MalformedBytes, QuorateError, Rejected
from quorate.core.outcomes import DUPLICATE
from quorate.core.proofs import FinalityReceipt, Link, SetChain, SignedHeader
from quorate.core.proofs_verify import Trust, TrustPoint, verify
from quorate.core.seats import Seat, SeatSet
from tests.vectors.receipts_chain import DAY_MS, GENESIS_MS, Chain, build_receipt

CHAIN = Chain()
TRUST = Trust(CHAIN.genesis_hash)
LIAR = crypto.SigningKey(b"\xff" * 32)


def refuse(proof: FinalityReceipt, trust: Trust = TRUST) -> str:
    with pytest.raises(QuorateError) as caught:
        verify(proof.encode(), trust)
    assert isinstance(caught.value, InvalidReceipt | MalformedBytes)
    return caught.value.reason


def resign(header: Header, key: Callable[[int], crypto.SigningKey], tag: bytes) -> SignedHeader:
    """Return a header with signatures of seats 0 to 2 for any purpose."""
    statement = encode_statement(header.epoch, header.view, compute_digest(header.encode()))
    domain = CHAIN.origin.compute_domain()
    return SignedHeader(
        header, 4, tuple((seat, key(seat).sign(tag, domain, statement)) for seat in range(3))
    )


def sign_as(epoch: int) -> Callable[[int], crypto.SigningKey]:
    return lambda seat: CHAIN.get_key(epoch, seat)


@pytest.mark.parametrize(("first", "last"), [(0, 0), (1, 1), (0, 3), (1, 4)])
def test_a_true_receipt_proves_its_transaction_from_the_genesis_hash(first: int, last: int) -> None:
    proven = verify(CHAIN.prove(4, 5, first=first, last=last).encode(), TRUST)
    assert (proven.height, proven.position, proven.receipt) == (4, 5, build_receipt(4, 5))
    assert (proven.chain_id, proven.start_epoch, proven.links) == ("vectors", first, last - first)
    assert proven.header == CHAIN.build_header(last, 5)
    assert proven.digest == compute_digest(proven.header.encode())
    assert [seat.name for seat in proven.signers] == [f"validator-{last + n}" for n in range(3)]
    assert proven.trust == TrustPoint(last, CHAIN.get_set(last).hash, proven.header.time_ms)


@pytest.mark.parametrize("claimed", range(1, 6))
def test_every_later_header_proves_every_earlier_receipt(claimed: int) -> None:
    for height, receipts in enumerate(CHAIN.blocks[:claimed], 1):
        for position in range(min(len(receipts), 4)):
            proven = verify(CHAIN.prove(height, position, claimed=claimed).encode(), TRUST)
            assert proven.receipt == build_receipt(height, position)


def test_a_forked_chain_counts_from_its_root() -> None:
    fork = Chain((2, 5, 1), root=(1_000, 40))
    trust = Trust(fork.genesis_hash)
    for height, position in ((1_001, 1), (1_002, 4), (1_003, 0)):
        proven = verify(fork.prove(height, position, first=41, last=42).encode(), trust)
        assert (proven.height, proven.receipt) == (height, build_receipt(height, position))
    assert verify(fork.prove(1_001, 0, first=40, last=40).encode(), trust).start_epoch == 40
    assert refuse(fork.prove(1_001, 0, first=39, last=40), trust) == "UNTRUSTED_EPOCH"
    assert refuse(fork.prove(1_001, 0, first=1, last=1), trust) == "UNTRUSTED_EPOCH"
    proof = fork.prove(1_001, 0, first=41, last=41)
    for height in (1_000, 1):
        below = replace(proof.inclusion, height=height)
        assert refuse(replace(proof, inclusion=below), trust) in ("NOT_CLAIMED", "MALFORMED_BYTES")


def test_a_tail_block_proves_what_the_block_before_it_claims() -> None:
    signed = CHAIN.sign_tail(1, 5)
    proof = replace(CHAIN.prove(5, 77), signed=signed)
    assert verify(proof.encode(), TRUST).header.last_block != bytes(32)


def test_every_altered_byte_makes_it_worthless(rng: random.Random) -> None:
    """With one link, of a receipt that points to a first one: so every part of the layout is in."""
    proof = CHAIN.prove(4, 3, last=2)
    assert proof.inclusion.receipt.code == DUPLICATE
    encoded = proof.encode()
    verify(encoded, TRUST)
    for at in range(len(encoded)):
        for change in (1 << rng.randrange(8), rng.randint(1, 255)):
            altered = bytearray(encoded)
            altered[at] ^= change
            with pytest.raises((InvalidReceipt, MalformedBytes)):
                verify(bytes(altered), TRUST)


def test_what_is_swapped_between_places_proves_nothing() -> None:
    here, there = CHAIN.prove(4, 1), CHAIN.prove(4, 2)
    fourth, fifth = here.inclusion, CHAIN.prove(5, 1).inclusion
    for inclusion in (
        replace(fourth, position=0),
        replace(fourth, position=2),
        replace(fourth, receipt=there.inclusion.receipt),
        replace(fourth, height=fifth.height),
        replace(fourth, receipt=fifth.receipt),
        replace(fifth, height=fourth.height, chain_path=fourth.chain_path),
    ):
        try:
            proof = replace(here, inclusion=inclusion)
            verify(proof.encode(), TRUST)
        except (InvalidReceipt, MalformedBytes):
            continue
        raise AssertionError(inclusion)


def test_a_path_proves_no_other_place_in_a_block_said_to_be_smaller() -> None:
    """The last of three has the same path as the second of two would have."""
    proof = CHAIN.prove(1, 2)
    lie = replace(proof.inclusion, position=1, count=2)
    assert refuse(replace(proof, inclusion=lie)) == "NOT_CLAIMED"


def test_a_node_is_no_receipt_and_a_block_is_no_node() -> None:
    """One level left out on either side: tags keep leaves, nodes and blocks apart."""
    proof = CHAIN.prove(1, 0)
    inclusion = proof.inclusion
    short = replace(inclusion, count=1, block_path=())
    assert refuse(replace(proof, inclusion=short)) == "NOT_CLAIMED"
    moved = replace(
        inclusion, count=1, block_path=(), chain_path=inclusion.block_path + inclusion.chain_path
    )
    assert refuse(replace(proof, inclusion=moved)) in ("NOT_CLAIMED", "MALFORMED_BYTES")


def test_a_header_that_claims_less_does_not_cover_the_place() -> None:
    earlier = CHAIN.sign(CHAIN.build_header(1, 3))
    assert refuse(replace(CHAIN.prove(4, 1), signed=earlier)) == "MALFORMED_BYTES"


def test_a_header_that_claims_another_root_does_not_prove_it() -> None:
    """Of a chain with one transaction less in the next block, under the same seats."""
    other = Chain((3, 0, 1, 6, 199))
    signed = other.sign(other.build_header(1, 5))
    verify(replace(other.prove(4, 1), signed=signed).encode(), TRUST)
    assert refuse(replace(CHAIN.prove(4, 1), signed=signed)) == "NOT_CLAIMED"


@pytest.mark.parametrize("tag", [crypto.TAG_NOTARIZE, crypto.TAG_PROPOSAL, crypto.TAG_NULLIFY])
def test_signatures_of_another_purpose_finalize_nothing(tag: bytes) -> None:
    header = CHAIN.build_header(1, 5)
    assert refuse(replace(CHAIN.prove(4, 1), signed=resign(header, sign_as(1), tag))) == (
        "BAD_SIGNATURE"
    )


def test_seats_of_another_epoch_finalize_nothing() -> None:
    header = CHAIN.build_header(1, 5)
    signed = resign(header, sign_as(3), crypto.TAG_FINALIZE)
    assert refuse(replace(CHAIN.prove(4, 1), signed=signed)) == "BAD_SIGNATURE"


def test_less_than_a_quorum_and_a_stranger_finalize_nothing() -> None:
    for missing in range(3):
        signed = resign(
            CHAIN.build_header(1, 5),
            lambda seat, missing=missing: LIAR if seat == missing else CHAIN.get_key(1, seat),
            crypto.TAG_FINALIZE,
        )  # fmt: skip
        assert refuse(replace(CHAIN.prove(4, 1), signed=signed)) == "BAD_SIGNATURE"


def test_one_seats_signature_does_not_count_for_another() -> None:
    proof = CHAIN.prove(4, 1)
    (_, first), *_ = proof.signed.signatures
    signed = replace(proof.signed, signatures=tuple((seat, first) for seat in range(3)))
    assert refuse(replace(proof, signed=signed)) == "BAD_SIGNATURE"


def test_a_header_of_another_epoch_than_the_last_set_is_refused() -> None:
    proof = CHAIN.prove(4, 1, last=2)
    for epoch in (1, 3):
        signed = CHAIN.sign(CHAIN.build_header(epoch, 5))
        assert refuse(replace(proof, signed=signed)) == "WRONG_EPOCH"
    # Also where the seats, being of the last set, could have signed it.
    relabelled = replace(CHAIN.build_header(2, 5), epoch=3)
    signed = resign(relabelled, sign_as(2), crypto.TAG_FINALIZE)
    assert refuse(replace(proof, signed=signed)) == "WRONG_EPOCH"


def test_a_set_of_the_liars_own_is_not_handed_over_to() -> None:
    own = SeatSet(2, (Seat(0, "liar", LIAR.public_key),))
    statement_of = CHAIN.build_header(2, 5)
    digest = compute_digest(statement_of.encode())
    statement = encode_statement(2, statement_of.view, digest)
    signature = LIAR.sign(crypto.TAG_FINALIZE, CHAIN.origin.compute_domain(), statement)
    signed = SignedHeader(statement_of, 1, ((0, signature),))
    true = CHAIN.build_chain(1, 2).links[0]
    chain = SetChain(CHAIN.get_set(1), (Link(true.signed, own),))
    proof = replace(CHAIN.prove(4, 1), chain=chain, signed=signed)
    assert refuse(proof) == "NOT_HANDED_OVER"
    # Nor when it hands over by itself: then it is not the set that is trusted.
    assert refuse(replace(proof, chain=SetChain(replace(own, epoch=1)))) == "UNTRUSTED_SET"


def test_no_epoch_is_left_out() -> None:
    two = CHAIN.build_chain(1, 3).links
    header = replace(
        two[0].signed.header,
        executed=replace(two[0].signed.header.executed, next_set_hash=CHAIN.get_set(3).hash),
    )
    signed = resign(header, sign_as(1), crypto.TAG_FINALIZE)
    for chain in (
        SetChain(CHAIN.get_set(1), (two[1],)),
        SetChain(CHAIN.get_set(1), (Link(two[0].signed, CHAIN.get_set(3)),)),
        SetChain(CHAIN.get_set(1), (Link(signed, CHAIN.get_set(3)),)),
    ):
        proof = replace(CHAIN.prove(4, 1, last=3), chain=chain)
        assert refuse(proof) in ("NOT_HANDED_OVER", "WRONG_EPOCH")


def test_a_header_that_still_carries_its_own_epochs_set_hands_nothing_over() -> None:
    """Early in an epoch a claim carries the hash of the running set."""
    header = CHAIN.build_header(1, 1)
    early = replace(header, executed=replace(header.executed, next_set_hash=CHAIN.get_set(1).hash))
    link = Link(CHAIN.sign(early), CHAIN.get_set(2))
    proof = replace(CHAIN.prove(4, 1, last=2), chain=SetChain(CHAIN.get_set(1), (link,)))
    assert refuse(proof) == "NOT_HANDED_OVER"


def test_another_chain_is_told_from_a_false_receipt() -> None:
    proof = CHAIN.prove(4, 1)
    assert refuse(proof, Trust(bytes(32))) == "WRONG_GENESIS"
    other = replace(proof, origin=replace(proof.origin, fork_epoch=1))
    assert refuse(other) == "WRONG_GENESIS"
    assert refuse(other, Trust(other.origin.compute_genesis_hash())) == "BAD_SIGNATURE"


def test_the_genesis_gives_trust_in_its_two_sets_only() -> None:
    assert refuse(CHAIN.prove(4, 1, first=2, last=2)) == "UNTRUSTED_EPOCH"
    wrong = SetChain(replace(CHAIN.get_set(3), epoch=1))
    assert refuse(replace(CHAIN.prove(4, 1), chain=wrong)) == "UNTRUSTED_SET"


def test_a_verification_gives_the_point_that_the_next_goes_on_from() -> None:
    point = verify(CHAIN.prove(1, 1, last=3).encode(), TRUST).trust
    trust = Trust(CHAIN.genesis_hash, point)
    later = CHAIN.prove(5, 9, first=3, last=5)
    assert refuse(later) == "UNTRUSTED_EPOCH"
    assert verify(later.encode(), trust).trust.epoch == 5
    assert verify(CHAIN.prove(1, 1).encode(), trust).start_epoch == 1
    assert refuse(later, Trust(CHAIN.genesis_hash, replace(point, epoch=4))) == "UNTRUSTED_EPOCH"
    false = replace(point, set_hash=CHAIN.get_set(4).hash)
    assert refuse(later, Trust(CHAIN.genesis_hash, false)) == "UNTRUSTED_SET"
    # A point that contradicts the genesis is no reason to believe either.
    against = TrustPoint(1, CHAIN.get_set(4).hash, point.time_ms)
    assert refuse(CHAIN.prove(1, 1), Trust(CHAIN.genesis_hash, against)) == "UNTRUSTED_SET"


def test_trust_that_is_older_than_stake_stays_bound_is_refused_unless_told() -> None:
    encoded, hash_ = CHAIN.prove(4, 1, last=2).encode(), CHAIN.genesis_hash
    verify(encoded, Trust(hash_, None, GENESIS_MS + DAY_MS))
    verify(encoded, Trust(hash_, None, GENESIS_MS - DAY_MS))
    verify(encoded, Trust(hash_, None, GENESIS_MS + 9 * DAY_MS, 9 * DAY_MS))
    verify(encoded, Trust(hash_))
    for trust in (
        Trust(hash_, None, GENESIS_MS + DAY_MS + 1),
        Trust(hash_, None, GENESIS_MS + 1, 0),
    ):
        with pytest.raises(Rejected) as caught:
            verify(encoded, trust)
        assert caught.value.reason == "TRUST_TOO_OLD"
    # A newer point is as good as a younger genesis.
    point = TrustPoint(1, CHAIN.get_set(1).hash, GENESIS_MS + DAY_MS)
    verify(encoded, Trust(hash_, point, GENESIS_MS + 2 * DAY_MS))


def test_an_outcome_of_a_later_version_is_proven_too() -> None:
    chain = Chain((2,))
    chain.blocks[0][1] = chain.blocks[0][1]._replace(code=250)
    assert verify(chain.prove(1, 1).encode(), Trust(chain.genesis_hash)).receipt.code == 250
