"""Records of stake: one canonical layout each, and everything else is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quorate.core.errors import MalformedBytes
from quorate.core.staking.performance import Performance
from quorate.core.staking.records import (
    ENTRIES_MAX,
    Candidate,
    Delegation,
    Entry,
    add_entry,
    compute_cut,
    decode_candidate,
    decode_count,
    decode_delegation,
    decode_entries,
    encode_count,
    encode_entries,
    peek_candidate,
)

U64 = st.integers(0, 2**64 - 1)
HASH = st.binary(min_size=32, max_size=32)
SHARE = st.integers(0, 10_000)


def text(size: int) -> st.SearchStrategy[str]:
    return st.text(max_size=size).filter(lambda value: len(value.encode()) <= size)


CANDIDATES = st.builds(
    Candidate, operator=HASH, seat_key=HASH, name=text(64), description=text(256),
    commission_bp=SHARE, next_key=HASH, commission_changed_ms=U64, stake=U64, self_stake=U64,
    ready_epoch=U64, jailed_until=U64, missed=st.integers(0, 2**32 - 1), missed_epoch=U64,
    index=st.integers(0, 2**128 - 1), pot=U64, commission_due=U64, slash_from=U64, slash_epoch=U64,
    slash_bp=SHARE, is_resigned=st.booleans(), is_slashed=st.booleans(),
)  # fmt: skip
DELEGATIONS = st.builds(
    Delegation, amount=U64, index=st.integers(0, 2**128 - 1), due=U64, moved_epoch=U64,
    is_cut=st.booleans(),
)  # fmt: skip
ENTRIES = st.lists(st.builds(Entry, U64, U64), max_size=ENTRIES_MAX)


@given(CANDIDATES)
def test_candidates_come_back_and_are_peeked_alike(candidate: Candidate) -> None:
    record = candidate.encode()
    assert decode_candidate(record) == candidate
    found = peek_candidate(record)
    assert found.flags == candidate.is_resigned + 2 * candidate.is_slashed
    names = ("seat_key", "stake", "self_stake", "ready_epoch", "jailed_until")
    assert [getattr(found, name) for name in names] == [getattr(candidate, n) for n in names]


@given(DELEGATIONS)
def test_delegations_come_back_and_an_empty_one_is_no_record(delegation: Delegation) -> None:
    record = delegation.encode()
    if delegation.amount or delegation.due:
        assert decode_delegation(record) == delegation
    else:
        assert record == b""
        assert decode_delegation(b"") == Delegation()


@given(ENTRIES)
def test_entries_come_back(entries: list[Entry]) -> None:
    assert decode_entries(encode_entries(entries)) == entries


@given(U64, st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=40))
def test_counts_of_missed_views_come_back(epoch: int, missed: list[int]) -> None:
    assert Performance.decode(Performance(epoch, missed).encode()) == Performance(epoch, missed)


@given(CANDIDATES, st.data())
def test_a_candidate_that_is_cut_off_or_longer_is_refused(
    candidate: Candidate, data: st.DataObject
) -> None:
    record = candidate.encode()
    short = record[: data.draw(st.integers(0, len(record) - 1))]
    for wrong in (short, record + b"\0", b"\x02" + record[1:], record[:1] + b"\x04" + record[2:]):
        with pytest.raises(MalformedBytes):
            decode_candidate(wrong)


@given(DELEGATIONS, st.data())
def test_a_delegation_of_another_length_version_or_flag_is_refused(
    delegation: Delegation, data: st.DataObject
) -> None:
    delegation.amount = 1
    record = delegation.encode()
    short = record[: data.draw(st.integers(1, len(record) - 1))]
    for wrong in (short, record + b"\0", b"\x02" + record[1:], record[:-1] + b"\x02"):
        with pytest.raises(MalformedBytes):
            decode_delegation(wrong)


def test_entries_of_odd_length_are_refused() -> None:
    for size in (1, 15, 17):
        with pytest.raises(MalformedBytes):
            decode_entries(bytes(size))


def test_an_entry_joins_the_newest_of_its_epoch_and_finds_no_room_behind_sixteen() -> None:
    entries = list[Entry]()
    for epoch in range(ENTRIES_MAX):
        assert add_entry(entries, epoch, 5)
    assert add_entry(entries, ENTRIES_MAX - 1, 7)
    assert entries[-1] == Entry(ENTRIES_MAX - 1, 12)
    assert not add_entry(entries, ENTRIES_MAX, 1)


@given(st.lists(st.integers(0, 2**60), max_size=20), SHARE)
def test_parts_are_cut_by_at_least_as_much_as_their_total(parts: list[int], slash_bp: int) -> None:
    together = sum([compute_cut(part, slash_bp) for part in parts])
    total = sum(parts) * slash_bp // 10_000
    assert total <= together <= total + len(parts)


def test_the_count_of_candidates_comes_back() -> None:
    assert decode_count(b"") == 0
    assert decode_count(encode_count(9_999)) == 9_999
