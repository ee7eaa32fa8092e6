"""Only what no honest seat signs is evidence; who brings it, and when, is judged alike by all."""

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quorate.core import applying
from quorate.core.accusations import (
    INVALID,
    NOT_A_REPORTER,
    UNTIMELY,
    Evidence,
    Reporter,
    are_signed,
    build_evidence,
    build_record,
    decode_evidence,
    decode_item,
    decode_record,
    encode_item,
    find_objection,
)
from quorate.core.bft.evidence import Signed, get_digest, get_kind
from quorate.core.bft.messages import Certificate, Kind, Proposal, Vote
from quorate.core.errors import InvalidInput, InvalidTransaction
from quorate.core.state import (
    compute_mark_key,
    decode_mark,
)
from quorate.core.transactions import (
    Signature,
    SubmitEvidence,
    Transaction,
    Transfer,
    check_transaction,
)
from quorate.core.values import ZERO_HASH, Hash
from tests.unit.quorate.core.liars import Liar
from tests.unit.quorate.core.reported import DOMAIN, LIARS, PARAMS, World, address_of


def get_seat_key(epoch: int, seat: int) -> bytes | None:
    return LIARS[seat].key.public_key if seat < len(LIARS) else None


def is_lawful(one: Signed, other: Signed) -> bool:
    """Design §5 in other words: what an honest seat may sign in one view."""
    kinds = sorted((get_kind(one), get_kind(other)))
    same_block = get_digest(one) == get_digest(other)
    if kinds == [Kind.NULLIFY, Kind.FINALIZE]:
        return False
    if kinds[0] == kinds[1] or kinds == [Kind.NOTARIZE, Kind.FINALIZE]:
        return same_block
    return True


# ---- the pair --------------------------------------------------------------------------------


def test_every_pair_of_kinds_is_evidence_exactly_when_no_honest_seat_signs_it() -> None:
    guilty = 0
    for one, other in itertools.product(LIARS[1].sign_all(7), repeat=2):
        if is_lawful(one, other):
            with pytest.raises(InvalidTransaction) as caught:
                build_evidence(one, other)
            assert caught.value.reason == "EVIDENCE_LAWFUL"
            first, second = sorted((encode_item(one), encode_item(other)))
            with pytest.raises(InvalidTransaction) as caught:
                decode_evidence(first, second)
            assert caught.value.reason == "EVIDENCE_LAWFUL"
            continue
        guilty += 1
        evidence = build_evidence(one, other)
        assert evidence == build_evidence(other, one)
        assert decode_evidence(*evidence.encode()).encode() == evidence.encode()
        assert are_signed(decode_evidence(*evidence.encode()), get_seat_key, DOMAIN)
    # Two blocks: 3 kinds with two digests, nullify with both finalizes, finalize with notarize.
    assert guilty == 2 * (3 + 2 + 2)


@given(st.data())
def test_lawful_pair_never_passes_and_a_changed_byte_never_makes_one(data: st.DataObject) -> None:
    one, other = data.draw(st.permutations(LIARS[2].sign_all(9)))[:2]
    items = sorted((encode_item(one), encode_item(other)))
    which = data.draw(st.integers(0, 1))
    changed = bytearray(items[which])
    changed[data.draw(st.integers(0, len(changed) - 1))] ^= data.draw(st.integers(1, 255))
    items[which] = bytes(changed)
    try:
        evidence = decode_evidence(*sorted(items))
    except InvalidTransaction:
        return
    # What still reads as a conflict is no longer what the seat signed.
    assert not are_signed(evidence, get_seat_key, DOMAIN)


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (Liar(LIARS[1].key, 1, DOMAIN, epoch=1), "another epoch"),
        (Liar(LIARS[1].key, 2, DOMAIN), "another seat"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_messages_of_different_places_are_no_evidence(other: Liar, why: str) -> None:
    one = LIARS[1].vote(Kind.NOTARIZE, 5, b"1" * 32)
    for message in (other.vote(Kind.NOTARIZE, 5, b"2" * 32), LIARS[1].vote(Kind.NOTARIZE, 6)):
        with pytest.raises(InvalidTransaction) as caught:
            build_evidence(one, message)
        assert caught.value.reason == "EVIDENCE_LAWFUL", why


def test_proposal_goes_without_its_names_and_stays_as_small_however_many_it_has() -> None:
    few, many = (LIARS[0].propose(3, n, (b"n" * 32,) * 4_000 * (n - 1)) for n in (1, 2))
    assert len(many.encode()) > 100_000
    assert len(encode_item(many)) == len(encode_item(few)) < 500
    evidence = build_evidence(few, many)
    assert are_signed(decode_evidence(*evidence.encode()), get_seat_key, DOMAIN)
    item = decode_item(encode_item(many))
    assert isinstance(item, Proposal) and item.block.digest == many.block.digest


def test_items_in_the_other_order_cut_off_or_too_long_are_refused() -> None:
    first, second = LIARS[1].lie().encode()
    proposal = encode_item(LIARS[1].propose(5))
    for items, reason in (
        ((second, first), "NON_CANONICAL"),
        ((first, b""), "EVIDENCE_MALFORMED"),
        ((first, second[:-1]), "EVIDENCE_MALFORMED"),
        ((first, second + b"\0"), "EVIDENCE_MALFORMED"),
        ((proposal, proposal + b"n" * 32), "EVIDENCE_MALFORMED"),
        ((first, Certificate(Kind.NULLIFY, 0, 5, ZERO_HASH, 4, ()).encode()), "EVIDENCE_MALFORMED"),
        ((first, first), "EVIDENCE_LAWFUL"),
    ):
        with pytest.raises(InvalidTransaction) as caught:
            decode_evidence(*items)
        assert caught.value.reason == reason


def test_record_of_the_vote_log_is_one_per_seat_and_epoch_and_reads_back() -> None:
    votes = [liar.vote(Kind.NOTARIZE, 5, bytes([n]) * 32) for liar in LIARS[:2] for n in (1, 2)]
    records = [build_record(*votes[:2]), build_record(*votes[2:])]
    # The same blocks and view: only the seat differs, and neither hides the other.
    assert records[0][0] != records[1][0]
    assert [decode_record(value).seat for _, value in records] == [0, 1]
    again = LIARS[0].lie(view=9)
    assert build_record(again.second, again.first)[0] == records[0][0]
    with pytest.raises(InvalidInput):
        decode_record(records[0][1][:-1])


# ---- who, and when -----------------------------------------------------------------------------


def test_reporter_must_hold_a_seat_now_and_not_be_the_accused() -> None:
    evidence = LIARS[3].lie()
    good = Reporter(1, address_of(LIARS[1]))
    assert find_objection(evidence, good, 0, get_seat_key) == ""
    for reporter in (
        Reporter(2, address_of(LIARS[1])), Reporter(4, address_of(LIARS[1])),
        Reporter(2**32 - 1, address_of(LIARS[1])), Reporter(1, b"o" * 32),
        Reporter(3, address_of(LIARS[3])),
    ):  # fmt: skip
        assert find_objection(evidence, reporter, 0, get_seat_key) == NOT_A_REPORTER


@pytest.mark.parametrize(("epoch", "objection"), [(6, UNTIMELY), (7, ""), (8, ""), (9, UNTIMELY)])
def test_evidence_is_taken_in_its_own_epoch_and_the_next_one(epoch: int, objection: str) -> None:
    evidence = Liar(LIARS[3].key, 3, DOMAIN, epoch=7).lie()
    reporter = Reporter(1, address_of(LIARS[1]))
    assert find_objection(evidence, reporter, epoch, get_seat_key) == objection


def test_seat_that_no_set_has_is_invalid() -> None:
    stranger = Liar(LIARS[3].key, 4, DOMAIN)
    reporter = Reporter(1, address_of(LIARS[1]))
    assert find_objection(stranger.lie(), reporter, 0, get_seat_key) == INVALID


# ---- a transaction -----------------------------------------------------------------------------

COUNTER = itertools.count()


def report(evidence: Evidence, reporter: Liar = LIARS[1], **fields: object) -> Transaction:
    sender = address_of(reporter)
    payload = SubmitEvidence(sender, *evidence.encode(), reporter.seat)
    values = {
        "id": Hash(next(COUNTER).to_bytes(32, "big")), "sender": sender, "lane": 0, "sequence": 0,
        "valid_until_height": 5, "fee_limit": 0, "tip": 0, "idempotency_key": b"", "memo": b"",
        "payloads": (payload,), "payload_hash": b"", "body": b"", "size_bytes": 400, "weight": 750,
        "signatures": (),
    }  # fmt: skip
    return Transaction(**{**values, **fields})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "fields",
    [
        {"lane": 1}, {"fee_limit": 1}, {"tip": 1}, {"memo": b"m"}, {"idempotency_key": b"k"},
        {"payloads": (SubmitEvidence(b"o" * 32, *LIARS[3].lie().encode(), 1),)},
        {"payloads": (SubmitEvidence(address_of(LIARS[1]), *LIARS[3].lie().encode(), 1),) * 2},
        {
            "payloads": (
                Transfer(address_of(LIARS[1]), b"t" * 32, 1),
                SubmitEvidence(address_of(LIARS[1]), *LIARS[3].lie().encode(), 1),
            )
        },
    ],
)  # fmt: skip
def test_evidence_that_does_not_stand_alone_is_refused(fields: dict[str, object]) -> None:
    transaction = report(LIARS[3].lie(), **fields)
    with pytest.raises(InvalidTransaction) as caught:
        check_transaction(transaction, PARAMS)
    assert caught.value.reason == "EVIDENCE_FORM"
    if "memo" not in fields:  # which is not decoded under a certificate
        world = World()
        assert world.apply(transaction) == ["INVALID"]
        assert world.state == World().state


def test_report_of_a_lawful_or_a_malformed_pair_is_refused_before_it_is_batched() -> None:
    liar, sender = LIARS[3], address_of(LIARS[1])
    lawful = sorted(encode_item(liar.vote(kind, 5)) for kind in (Kind.NOTARIZE, Kind.NULLIFY))
    check_transaction(_sign_off(report(liar.lie())), PARAMS)
    for items, reason in ((lawful, "EVIDENCE_LAWFUL"), ((b"", b"x"), "EVIDENCE_MALFORMED")):
        payload = SubmitEvidence(sender, *items, 1)
        with pytest.raises(InvalidTransaction) as caught:
            check_transaction(report(liar.lie(), payloads=(payload,)), PARAMS)
        assert caught.value.reason == reason


def _sign_off(transaction: Transaction) -> Transaction:
    return transaction._replace(signatures=(Signature(1, LIARS[1].key.public_key, bytes(64)),))


# ---- execution ---------------------------------------------------------------------------------


def test_report_of_an_account_without_money_marks_the_seat_and_uses_its_sequence() -> None:
    world, evidence = World(), LIARS[3].lie(view=77)
    assert world.apply(report(evidence)) == [""]
    mark = decode_mark(world.state[compute_mark_key(0, 3)])
    assert (mark.view, mark.height) == (77, 1)
    assert mark.evidence_hash == evidence.compute_hash()
    assert world.count_sequences(LIARS[1]) == {0: 1}
    assert world.apply(report(LIARS[2].lie(), sequence=1)) == [""]
    assert world.is_marked(2)


def test_second_report_of_the_same_seat_changes_nothing_whoever_brings_it() -> None:
    world = World()
    assert world.apply(report(LIARS[3].lie()), report(LIARS[3].lie(), LIARS[0])) == [
        "", "EVIDENCE_KNOWN",
    ]  # fmt: skip
    before = dict(world.state)
    other = LIARS[3].lie(view=99)
    assert world.apply(report(other, sequence=1), report(other, LIARS[0])) == ["EVIDENCE_KNOWN"] * 2
    assert world.state == before


def test_each_epoch_has_marks_of_its_own() -> None:
    world, later = World(epoch=1), Liar(LIARS[3].key, 3, DOMAIN, epoch=1)
    reports = report(LIARS[3].lie()), report(later.lie(), sequence=1)
    assert world.apply(*reports) == ["", ""]
    assert world.is_marked(3, 0) and world.is_marked(3, 1)
    world.epoch = 2
    assert world.apply(report(LIARS[2].lie(), sequence=2)) == ["EVIDENCE_UNTIMELY"]


@pytest.mark.parametrize(
    ("evidence", "reporter", "fields", "reason"),
    [
        (LIARS[3].lie(), LIARS[3], {}, "NOT_A_REPORTER"),
        (LIARS[3].lie(), replace(LIARS[1], seat=2), {}, "NOT_A_REPORTER"),
        (Liar(LIARS[3].key, 3, b"f" * 32).lie(), LIARS[1], {}, "EVIDENCE_INVALID"),
        (Liar(LIARS[2].key, 3, DOMAIN).lie(), LIARS[1], {}, "EVIDENCE_INVALID"),
        (Liar(LIARS[2].key, 9, DOMAIN).lie(), LIARS[1], {}, "EVIDENCE_INVALID"),
        (Liar(LIARS[3].key, 3, DOMAIN, epoch=1).lie(), LIARS[1], {}, "EVIDENCE_UNTIMELY"),
        (LIARS[3].lie(), LIARS[1], {"sequence": 1}, "SEQUENCE_GAP"),
        (LIARS[3].lie(), LIARS[1], {"valid_until_height": 0}, "EXPIRED"),
        (LIARS[3].lie(), LIARS[1], {"valid_until_height": 50}, "INVALID"),
    ],
    ids=[
        "of itself", "with another's seat", "foreign domain", "another's key", "no such seat",
        "of a later epoch", "gap", "expired", "valid too long",
    ],
)  # fmt: skip
def test_report_that_is_refused_leaves_no_trace(
    evidence: Evidence, reporter: Liar, fields: dict[str, object], reason: str
) -> None:
    world = World()
    assert world.apply(report(evidence, reporter, **fields)) == [reason]
    assert world.state == World().state


def test_undecodable_evidence_is_skipped_and_touches_no_mark() -> None:
    world, sender = World(), address_of(LIARS[1])
    junk = SubmitEvidence(sender, b"\1", b"\2" * 70_000, 1)
    assert world.apply(report(LIARS[3].lie(), payloads=(junk,))) == ["INVALID"]
    assert world.state == World().state


def test_false_report_costs_its_seat_the_rest_of_the_block_and_nobody_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    checks = []

    def count(*arguments: object) -> bool:
        checks.append(arguments)
        return are_signed(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(applying.accusations, "are_signed", count)
    false = [Liar(LIARS[0].key, 3, DOMAIN).lie(view) for view in range(1, 40)]
    world = World()
    reasons = world.apply(
        *[report(each) for each in false], report(LIARS[3].lie()), report(LIARS[3].lie(), LIARS[2])
    )
    assert reasons == ["EVIDENCE_INVALID", *["EVIDENCE_LIMIT"] * 39, ""]
    assert len(checks) == 2
    assert world.apply(report(LIARS[2].lie())) == [""]


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 3), st.integers(1, 9)),
        max_size=12,
    )
)
def test_any_order_of_reports_marks_each_true_liar_once(
    rows: list[tuple[int, int, int, int]],
) -> None:
    world, expected = World(), set[int]()
    for reporter, accused, key, view in rows:
        sequence = world.count_sequences(LIARS[reporter]).get(0, 0)
        evidence = Liar(LIARS[key].key, accused, DOMAIN).lie(view)
        [reason] = world.apply(
            report(
                evidence, LIARS[reporter], sequence=sequence, valid_until_height=world.height + 1
            )
        )
        is_good = reporter != accused == key and accused not in expected
        assert (reason == "") == is_good
        expected |= {accused} if is_good else set()
    marked = {seat for seat in range(4) if world.is_marked(seat)}
    assert marked == expected
    used = sum(world.count_sequences(liar).get(0, 0) for liar in LIARS)
    assert used == len(expected)


def test_vote_and_its_item_are_the_same_bytes() -> None:
    vote = LIARS[0].vote(Kind.FINALIZE, 3, b"x" * 32)
    assert encode_item(vote) == vote.encode() and decode_item(vote.encode()) == vote
    assert isinstance(decode_item(vote.encode()), Vote)
