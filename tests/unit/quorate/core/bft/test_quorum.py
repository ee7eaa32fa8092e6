"""Votes make a certificate at the quorum, not before; foreign, repeated, bad ones never count."""

from dataclasses import replace

import pytest

from quorate.core import crypto
from quorate.core.bft.messages import (
    TAGS,
    Certificate,
    Kind,
    Vote,
    decode_certificate,
    encode_statement,
)
from quorate.core.bft.quorum import build_certificate, check_certificate
from quorate.core.errors import InvalidCertificate
from quorate.core.values import ZERO_HASH, compute_quorum

DOMAIN = crypto.compute_domain("chain", bytes(32), 0)
KEYS = [crypto.SigningKey(bytes([n]) * 32) for n in range(10)]
PUBLIC = [key.public_key for key in KEYS]
DIGEST = b"\5" * 32


def vote(seat: int, kind: Kind = Kind.NOTARIZE, view: int = 7, digest: bytes = DIGEST) -> Vote:
    statement = encode_statement(0, view, digest)
    return Vote(kind, 0, view, digest, seat, KEYS[seat].sign(TAGS[kind], DOMAIN, statement))


def certify(seats: int, kind: Kind = Kind.NOTARIZE) -> Certificate:
    digest = ZERO_HASH if kind is Kind.NULLIFY else DIGEST
    votes = [vote(seat, kind, digest=digest) for seat in range(compute_quorum(seats))]
    made = build_certificate(votes, seats)
    assert made is not None
    return made


def check(certificate: Certificate, seats: int = 4) -> None:
    check_certificate(certificate, PUBLIC[:seats], DOMAIN, 0)


@pytest.mark.parametrize("seats", range(1, 11))
def test_a_certificate_takes_exactly_a_quorum(seats: int) -> None:
    quorum = compute_quorum(seats)
    votes = [vote(seat) for seat in range(seats)]
    assert build_certificate(votes[: quorum - 1], seats) is None
    made = build_certificate(votes[:quorum], seats)
    assert made is not None
    check(made, seats)
    assert decode_certificate(made.encode()) == made


@pytest.mark.parametrize("seats", range(1, 11))
def test_one_signature_below_the_quorum_does_not_hold(seats: int) -> None:
    made = certify(seats)
    with pytest.raises(InvalidCertificate, match=f"{compute_quorum(seats) - 1} of"):
        check(replace(made, signatures=made.signatures[1:]), seats)


def test_more_than_a_quorum_holds_too() -> None:
    made = build_certificate([vote(seat) for seat in range(4)], 4)
    assert made is not None
    check(made)


def test_signatures_stand_in_seat_order_whatever_the_order_of_votes() -> None:
    one = build_certificate([vote(seat) for seat in (2, 0, 3)], 4)
    two = build_certificate([vote(seat) for seat in (3, 2, 0)], 4)
    assert one == two
    assert one is not None and [seat for seat, _ in one.signatures] == [0, 2, 3]


def test_a_repeated_seat_does_not_make_up_for_a_missing_one() -> None:
    made = certify(4)
    first = made.signatures[0]
    with pytest.raises(InvalidCertificate, match="repeats a seat"):
        check(replace(made, signatures=(first, first, made.signatures[1])))


def test_a_seat_outside_the_set_does_not_count() -> None:
    made = certify(4)
    foreign = (4, vote(4).signature)
    with pytest.raises(InvalidCertificate, match="foreign"):
        check(replace(made, signatures=(*made.signatures[:2], foreign)))


def test_a_signature_under_another_seats_number_is_named() -> None:
    made = certify(4)
    wrong = (3, made.signatures[2][1])
    with pytest.raises(InvalidCertificate) as caught:
        check(replace(made, signatures=(*made.signatures[:2], wrong)))
    assert caught.value.fields() == {"seat": "3"}


@pytest.mark.parametrize(
    "change",
    [{"view": 8}, {"digest": b"\6" * 32}, {"kind": Kind.FINALIZE}, {"kind": Kind.NULLIFY}],
)
def test_votes_count_for_their_own_statement_only(change: dict[str, object]) -> None:
    with pytest.raises(InvalidCertificate, match="does not verify"):
        check(replace(certify(4), **change))  # type: ignore[arg-type]


@pytest.mark.parametrize("change", [{"epoch": 1}, {"seats": 5}, {"seats": 3}])
def test_a_certificate_of_another_epoch_or_set_is_refused(change: dict[str, int]) -> None:
    with pytest.raises(InvalidCertificate, match="another epoch or set"):
        check(replace(certify(4), **change))  # type: ignore[arg-type]


def test_a_certificate_of_another_chain_is_refused() -> None:
    with pytest.raises(InvalidCertificate):
        check_certificate(certify(4), PUBLIC[:4], bytes(32), 0)
