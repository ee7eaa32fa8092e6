"""A state that is cut off keeps what everybody has, owes what it owed, and gets the new seats."""

from dataclasses import replace
from typing import Any

import pytest

from quorate.core import accusations
from quorate.core.batches import BatchHeader, is_batch_signed
from quorate.core.bft.messages import Kind
from quorate.core.crypto import TAG_BATCH, SigningKey, compute_domain
from quorate.core.errors import InvalidGenesis
from quorate.core.genesis import (
    Parent,
    Terms,
    build_genesis,
    build_seat_entry,
    compute_first_epoch,
    parse_genesis,
)
from quorate.core.genesis_entries import SeatEntry
from quorate.core.genesis_fork import Cut, Forked, apply_cut
from quorate.core.genesis_records import Tally, read_lines
from quorate.core.genesis_state import compute_genesis_writes
from quorate.core.governance.parameters import CHANGES_KEY, Change, encode_changes
from quorate.core.params import Params
from quorate.core.records import MemoryRecords
from quorate.core.staking.records import (
    COUNT_KEY,
    Candidate,
    Delegation,
    compute_candidate_key,
    compute_delegation_key,
    compute_seat_key_key,
    decode_candidate,
    decode_count,
    decode_delegation,
)
from quorate.core.state import (
    Account,
    Changes,
    Mark,
    compute_account_key,
    compute_mark_key,
    compute_set_key,
    decode_account,
)
from quorate.core.values import TREASURY, ZERO_HASH, Address, Hash, format_address
from tests.unit.quorate.core.liars import Liar

CHAIN = "town"
PARAMS = Params(self_stake_min=100, slash_bp=1_000)
OLD_KEYS = [SigningKey(bytes([n + 1]) * 32) for n in range(4)]
NEW_KEYS = [SigningKey(bytes([n + 90]) * 32) for n in range(4)]
OWNERS = [Address(bytes([n + 10]) * 32) for n in range(4)]
RICH = Address(b"\x70" * 32)
HEIGHT = 7


def build_entry(number: int, owner: bytes, stake: int = 0, **changes: Any) -> SeatEntry:
    terms = Terms(owner=owner, stake=stake)
    fork_epoch = changes.pop("fork_epoch", 1)
    entry = build_seat_entry(CHAIN, f"w{number}", NEW_KEYS[number], terms, fork_epoch=fork_epoch)
    return {**entry, **changes}


def build_state() -> MemoryRecords:
    """Return the root of a chain with four candidates, and one rich account besides."""
    seats = [
        build_seat_entry(CHAIN, f"v{n}", key, Terms(owner=OWNERS[n], stake=1_000 + n))
        for n, key in enumerate(OLD_KEYS)
    ]
    text = build_genesis(CHAIN, 1, PARAMS, seats, {format_address(RICH): 500})
    state = MemoryRecords()
    state.take(compute_genesis_writes(parse_genesis(text)))
    return state


def cut(
    state: MemoryRecords, *entries: object, changes: dict[str, int] | None = None
) -> tuple[Forked, dict[bytes, bytes]]:
    """Return what a fork gives, and the state it leaves."""
    taken = Changes(state)
    wished = Cut(
        chain_id=CHAIN, fork_epoch=1, time_ms=9, params=PARAMS, entries=entries,
        changes=changes or {},
    )  # fmt: skip
    found = apply_cut(taken, wished)
    left = MemoryRecords(state)
    for part in taken.iter_writes(100):
        left.take(part)
    return found, dict(left)


def tally(left: dict[bytes, bytes], epoch: int = 0) -> int:
    taken = Tally(compute_first_epoch(epoch))
    for key in sorted(left):
        taken.add(key, left[key])
    return taken.finish().supply


SUPPLY = 4 * 1_000 + 6 + 500
TWO = [build_entry(0, OWNERS[0]), build_entry(1, OWNERS[3])]


def load(left: dict[bytes, bytes], owner: bytes) -> Candidate:
    return decode_candidate(left[compute_candidate_key(owner)])


def test_what_is_left_adds_up_and_starts_a_chain() -> None:
    found, left = cut(build_state(), *TWO)
    assert tally(left) == SUPPLY
    taken = Tally(2)
    lines = [taken.add(key, left[key]) for key in sorted(left)]
    parent = Parent(Hash(bytes(32)), 0, HEIGHT, found.epoch, bytes(32), bytes(32))
    text = build_genesis(
        CHAIN, 9, PARAMS, found.seats, {}, fork_epoch=1, parent=parent, state=taken.finish()
    )
    genesis = parse_genesis(text)
    assert dict(read_lines(lines, genesis)) == left
    assert [seat.stake for seat in genesis.seats] == [1_003, 1_000]
    assert not dict(compute_genesis_writes(genesis)).keys() & left.keys()


def test_an_old_candidate_keeps_all_but_its_seat_key() -> None:
    state = build_state()
    before = load(dict(state), OWNERS[3])
    state[compute_candidate_key(OWNERS[3])] = replace(
        before, next_key=b"n" * 32, jailed_until=9, missed=7, missed_epoch=1
    ).encode()
    changed = build_entry(1, OWNERS[3], operator=format_address(RICH), commission_bp=9_999, stake=5)
    found, left = cut(state, changed)
    expected = replace(before, seat_key=NEW_KEYS[1].public_key, missed_epoch=1)
    assert load(left, OWNERS[3]) == expected
    assert left[compute_seat_key_key(NEW_KEYS[1].public_key)] == OWNERS[3]
    assert left[compute_seat_key_key(OLD_KEYS[3].public_key)] == OWNERS[3]
    entry = found.seats[0]
    assert (entry["stake"], entry["commission_bp"]) == (1_003, 0)
    assert (entry["operator"], entry["name"]) == (format_address(OWNERS[3]), "w1")


def test_an_old_candidate_may_keep_its_seat_key() -> None:
    terms = Terms(owner=OWNERS[2])
    entry = build_seat_entry(CHAIN, "v2", OLD_KEYS[2], terms, fork_epoch=1)
    _, left = cut(build_state(), entry)
    assert load(left, OWNERS[2]).seat_key == OLD_KEYS[2].public_key


def test_a_new_candidate_bonds_out_of_its_balance() -> None:
    found, left = cut(build_state(), build_entry(0, RICH, 300))
    assert decode_account(left[compute_account_key(RICH)]).balance == 200
    assert decode_delegation(left[compute_delegation_key(RICH, RICH)]) == Delegation(300)
    candidate = load(left, RICH)
    assert (candidate.stake, candidate.self_stake) == (300, 300)
    assert candidate.commission_changed_ms == 9
    assert decode_count(left[COUNT_KEY]) == 5
    assert tally(left) == SUPPLY
    assert [entry["owner"] for entry in found.seats] == [format_address(RICH)]


def test_what_the_genesis_says_itself_is_left_out() -> None:
    _, left = cut(build_state(), *TWO)
    assert b"e" not in left
    assert b"w" not in left
    assert compute_set_key(1) not in left
    assert compute_set_key(0) in left


def test_seats_stand_in_the_order_of_stake_then_address() -> None:
    entries = [build_entry(0, OWNERS[1]), build_entry(1, OWNERS[3]), build_entry(2, RICH, 500)]
    found, _ = cut(build_state(), *entries)
    assert [entry["stake"] for entry in found.seats] == [1_003, 1_001, 500]
    again, _ = cut(build_state(), *entries[::-1])
    assert again == found


def test_evidence_of_the_epoch_that_the_cut_ends_is_paid_for() -> None:
    """Nobody escapes by a fork: what the epoch's last block would have slashed is slashed."""
    state = build_state()
    state[compute_mark_key(0, 1)] = Mark(3, HEIGHT - 1, b"e" * 32).encode()
    _, left = cut(state, *TWO)
    slashed = load(left, OWNERS[1])
    assert slashed.is_slashed
    assert slashed.stake == 901
    assert decode_account(left[compute_account_key(TREASURY)]).balance == 100
    assert tally(left) == SUPPLY


def test_parameters_that_were_voted_for_stay_in_force() -> None:
    """Also those that would have come with the next epoch; what shall differ wins over both."""
    state = build_state()
    voted = [Change("slash_bp", 0, 2_000), Change("seats_max", 1, 9), Change("jail_epochs", 0, 3)]
    state[CHANGES_KEY] = encode_changes(voted)
    state[compute_mark_key(0, 1)] = Mark(3, HEIGHT - 1, b"e" * 32).encode()
    found, left = cut(state, *TWO, changes={"jail_epochs": 4, "slash_bp": 1})
    expected = replace(PARAMS, slash_bp=1, seats_max=9, jail_epochs=4)
    assert found.params == expected
    assert CHANGES_KEY not in left
    assert load(left, OWNERS[1]).stake == 1_001 - 200


def test_parameters_that_contradict_are_named() -> None:
    with pytest.raises(InvalidGenesis) as caught:
        cut(build_state(), *TWO, changes={"seats_max": 1})
    assert caught.value.field == "params.seats_min"


def test_evidence_that_was_paid_for_is_not_paid_twice() -> None:
    state = build_state()
    state[compute_mark_key(0, 1)] = Mark(3, 0, b"e" * 32).encode()
    _, left = cut(state, *TWO)
    assert not load(left, OWNERS[1]).is_slashed


def spoil(**changes: Any) -> MemoryRecords:
    state = build_state()
    key = compute_candidate_key(OWNERS[0])
    state[key] = replace(decode_candidate(state[key]), **changes).encode()
    return state


@pytest.mark.parametrize(
    ("state", "entries", "fields"),
    [
        (build_state(), [], {"seats"}),
        (build_state(), ["w0"], {"seats[0]"}),
        (build_state(), [*TWO, TWO[0]], {"seats[2].owner"}),
        (spoil(is_slashed=True), TWO, {"seats[0].owner"}),
        (spoil(is_resigned=True), TWO, {"seats[0].owner"}),
        (build_state(), [build_entry(0, RICH, 501)], {"seats[0].stake"}),
        (build_state(), [build_entry(0, RICH, 99)], {"seats[0].stake"}),
        (build_state(), [build_entry(0, RICH, 300, proof="00" * 64)], {"seats[0].proof"}),
        (build_state(), [build_entry(0, OWNERS[0], fork_epoch=2)], {"seats[0].proof"}),
        (build_state(), [build_entry(0, TREASURY, 300)], {"seats[0].owner"}),
    ],
)  # fmt: skip
def test_seats_that_can_not_be_are_named(
    state: MemoryRecords, entries: list[object], fields: set[str]
) -> None:
    with pytest.raises(InvalidGenesis) as caught:
        cut(state, *entries)
    assert caught.value.field in fields


def test_a_seat_key_that_another_candidate_used_is_refused() -> None:
    """Also one that was replaced long ago: a key is never used twice."""
    state = build_state()
    state[compute_seat_key_key(NEW_KEYS[0].public_key)] = OWNERS[2]
    with pytest.raises(InvalidGenesis) as caught:
        cut(state, *TWO)
    assert caught.value.field == "seats[0].public_key"


def test_an_account_without_sequences_that_bonds_all_is_gone() -> None:
    state = build_state()
    state[compute_account_key(RICH)] = Account(500, {}).encode()
    _, left = cut(state, build_entry(0, RICH, 500))
    assert compute_account_key(RICH) not in left
    assert tally(left) == SUPPLY


def test_what_a_seat_signed_for_one_side_counts_for_nothing_on_the_other() -> None:
    """Not even with the same seat key in the same epoch and view."""
    sides = [compute_domain(CHAIN, bytes([n]) * 32, n) for n in (0, 1)]
    key = OLD_KEYS[0]
    header = BatchHeader(2, 0, 1, 1, 1, 1, 9, ZERO_HASH).encode()
    liars = [Liar(key, 0, domain, epoch=2) for domain in sides]
    for own, other, liar in zip(sides, sides[::-1], liars, strict=True):
        batch = key.sign(TAG_BATCH, own, header)
        assert is_batch_signed(header, batch, key.public_key, own)
        assert not is_batch_signed(header, batch, key.public_key, other)
        for message in liar.sign_all(view=5):
            assert accusations.is_authentic(message, key.public_key, own)
            assert not accusations.is_authentic(message, key.public_key, other)
        lie = liar.lie()
        assert accusations.are_signed(lie, lambda epoch, seat: key.public_key, own)
        assert not accusations.are_signed(lie, lambda epoch, seat: key.public_key, other)
    # One vote on each side is no lie: nobody is slashed for having been on both.
    votes = [liar.vote(Kind.NOTARIZE, 5, bytes([n]) * 32) for n, liar in enumerate(liars)]
    mixed = accusations.build_evidence(votes[0], votes[1])
    for domain in sides:
        assert not accusations.are_signed(mixed, lambda epoch, seat: key.public_key, domain)
