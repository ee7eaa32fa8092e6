"""A call is poisoned when a quorum of one epoch's newest headers names it, before its result."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quorate.core.blocks import NO_SUSPECT, Executed, Header, Suspect, build_root
from quorate.core.params import Params
from quorate.core.poisons import Poisoned, Suspicions
from quorate.core.values import ZERO_HASH, compute_quorum

ROOT = build_root(bytes(32), 0, Params()).header
HERE = Suspect(5, 3)


def header(proposer: int, suspect: Suspect = HERE, executed: int = 4) -> Header:
    claim = Executed(executed, ZERO_HASH, ZERO_HASH, ZERO_HASH, ZERO_HASH)
    return replace(ROOT, proposer=proposer, suspect=suspect, executed=claim)


@pytest.mark.parametrize("seats", range(1, 11))
def test_the_quorums_last_header_decides_and_none_before(seats: int) -> None:
    suspicions, quorum = Suspicions(seats), compute_quorum(seats)
    found = [suspicions.add(header(seat)) for seat in range(quorum)]
    assert found == [*[None] * (quorum - 1), Poisoned(5, 3)]


def test_one_seat_counts_once_however_often_it_says_so() -> None:
    suspicions = Suspicions(4)
    assert not any(suspicions.add(header(0)) for _ in range(9))


def test_only_the_newest_header_of_a_seat_counts() -> None:
    suspicions = Suspicions(4)
    for said in (header(0), header(1), header(0, NO_SUSPECT)):
        assert suspicions.add(said) is None
    assert suspicions.add(header(2)) is None
    assert suspicions.find(0) == NO_SUSPECT
    assert suspicions.add(header(0)) == Poisoned(5, 3)


def test_another_position_or_height_is_another_call() -> None:
    suspicions = Suspicions(4)
    for suspect in (HERE, Suspect(5, 2), Suspect(6, 3)):
        assert suspicions.add(header(suspect.position + suspect.height, suspect)) is None
    assert suspicions.add(header(1)) is None


def test_what_a_header_carries_the_result_of_is_settled_for_good() -> None:
    suspicions = Suspicions(4)
    suspicions.add(header(0))
    suspicions.add(header(1))
    assert suspicions.add(header(3, NO_SUSPECT, executed=5)) is None
    assert suspicions.add(header(2)) is None
    assert not suspicions.is_open()


def test_it_is_open_until_every_seat_had_two_turns_without_news() -> None:
    suspicions = Suspicions(4)
    assert not suspicions.is_open()
    suspicions.add(header(0))
    for turn in range(8):
        assert suspicions.is_open()
        suspicions.add(header(turn % 4, HERE if turn % 4 == 0 else NO_SUSPECT))
    assert not suspicions.is_open()
    suspicions.add(header(1))
    assert suspicions.is_open()


SAID = st.tuples(st.integers(0, 6), st.sampled_from([NO_SUSPECT, HERE, Suspect(5, 4)]))


@given(st.lists(SAID, max_size=40))
def test_it_is_what_counting_all_headers_anew_gives(said: list[tuple[int, Suspect]]) -> None:
    suspicions = Suspicions(7)
    for count, (proposer, suspect) in enumerate(said, 1):
        newest = dict(said[:count])
        wanted = suspect != NO_SUSPECT and list(newest.values()).count(suspect) >= 5
        found = suspicions.add(header(proposer, suspect))
        assert found == (Poisoned(*suspect) if wanted else None)
