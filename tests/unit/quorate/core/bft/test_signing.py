"""When a seat may sign: one table per kind of message, before and after a restart."""

import pytest

from quorate.core import crypto
from quorate.core.bft.messages import TAGS, Kind, encode_statement
from quorate.core.bft.signing import DIVERGED, STALE_LOG, STORAGE, WAITING, Signing
from quorate.core.values import ZERO_HASH, compute_quorum

KEY = crypto.SigningKey(b"\1" * 32)
DOMAIN = crypto.compute_domain("chain", bytes(32), 0)
A, B = b"a" * 32, b"b" * 32
P, N, Z, F = Kind.PROPOSAL, Kind.NOTARIZE, Kind.NULLIFY, Kind.FINALIZE


def make(seats: int = 4, seat: int | None = 0) -> Signing:
    signing = Signing(seat, KEY if seat is not None else None, seats)
    for other in range(1, seats):
        signing.note_answer(other)
    return signing


def sign(signing: Signing, kind: Kind, view: int = 5, digest: bytes = A) -> None:
    if kind is P:
        signing.sign_proposal(0, view, digest, DOMAIN)
    else:
        signing.sign_vote(kind, 0, view, ZERO_HASH if kind is Z else digest, DOMAIN)


def list_allowed(signing: Signing, view: int = 5, digest: bytes = A) -> set[Kind]:
    may = {
        P: signing.may_propose(view),
        N: signing.may_notarize(view),
        Z: signing.may_nullify(view),
        F: signing.may_finalize(view, digest),
    }
    return {kind for kind, allowed in may.items() if allowed}


@pytest.mark.parametrize(
    ("signed", "allowed"),
    [
        ((), {P, N, Z, F}),
        ((P,), {N, Z, F}),
        ((N,), {P, Z, F}),
        ((P, N), {Z, F}),
        ((Z,), set()),
        ((N, Z), set()),
        ((F,), {P}),
        ((N, F), {P}),
        ((P, N, F), set()),
    ],
)
def test_what_may_still_be_signed_in_a_view(signed: tuple[Kind, ...], allowed: set[Kind]) -> None:
    signing = make()
    for kind in signed:
        sign(signing, kind)
    assert list_allowed(signing) == allowed
    assert list_allowed(signing, view=6) == {P, N, Z, F}


@pytest.mark.parametrize(
    ("logged", "allowed"),
    [((P,), {Z, F}), ((N,), {Z, F}), ((Z,), set()), ((F,), set()), ((N, F), set())],
)
def test_after_a_restart_the_log_counts(logged: tuple[Kind, ...], allowed: set[Kind]) -> None:
    signing = make()
    for kind in logged:
        signing.restore(5, kind, ZERO_HASH if kind is Z else A)
    assert list_allowed(signing) == allowed


def test_up_to_the_highest_logged_view_nothing_is_proposed_or_notarized() -> None:
    signing = make()
    signing.restore(9, Z, ZERO_HASH)
    for view in range(1, 9):
        assert list_allowed(signing, view) == {Z, F}
    assert list_allowed(signing, 10) == {P, N, Z, F}


def test_who_notarized_one_block_does_not_finalize_another() -> None:
    signing = make()
    sign(signing, N, digest=A)
    assert signing.may_finalize(5, A) and not signing.may_finalize(5, B)
    restarted = make()
    restarted.restore(5, N, A)
    assert restarted.may_finalize(5, A) and not restarted.may_finalize(5, B)


def test_the_same_kind_is_never_signed_twice_in_a_view() -> None:
    signing = make()
    sign(signing, N)
    with pytest.raises(AssertionError, match="once in a view"):
        sign(signing, N, digest=B)


@pytest.mark.parametrize("seats", range(1, 11))
def test_a_starting_seat_waits_for_a_quorum_of_answers_less_itself(seats: int) -> None:
    signing = Signing(0, KEY, seats)
    for other in range(1, compute_quorum(seats)):
        assert not signing.may_sign() and signing.is_waiting()
        assert signing.get_state()[0] == "catching_up"
        signing.note_answer(0)  # its own answer is none
        signing.note_answer(other)
        signing.note_answer(other)  # nor does one seat count twice
    assert signing.may_sign() and signing.get_state() == ("voting", "")


@pytest.mark.parametrize("why", [STALE_LOG, DIVERGED, STORAGE])
def test_a_block_forbids_everything_and_says_why(why: str) -> None:
    signing = make()
    signing.blocks[why] = "text"
    assert list_allowed(signing) == set()
    assert signing.get_state() == ("halted", f"{why}: text")


def test_answers_do_not_lift_other_blocks() -> None:
    signing = Signing(0, KEY, 4)
    signing.blocks[STALE_LOG] = "old"
    for other in (1, 2, 3):
        signing.note_answer(other)
    assert WAITING not in signing.blocks and not signing.may_sign()


def test_an_observer_signs_nothing() -> None:
    signing = make(seat=None)
    assert list_allowed(signing) == set() and signing.get_state() == ("observing", "")


def test_votes_carry_the_seats_signature_over_purpose_and_view() -> None:
    vote = make().sign_vote(N, 0, 5, A, DOMAIN)
    statement = encode_statement(0, 5, A)
    assert crypto.is_signed(KEY.public_key, vote.signature, TAGS[N], DOMAIN, statement)
    assert not crypto.is_signed(KEY.public_key, vote.signature, TAGS[F], DOMAIN, statement)


def test_final_views_are_forgotten_and_the_log_floor_is_not() -> None:
    signing = make()
    for view in (3, 4, 5):
        signing.restore(view, N, A)
    signing.forget(4)
    assert list(signing.signed) == [5] and signing.logged_view_max == 5
