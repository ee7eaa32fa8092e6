"""Which sets are known, and what can be judged with them."""

import pytest

from quorate.core.errors import MalformedBytes
from quorate.core.results import Judgement
from quorate.core.seats import SeatSet
from quorate.gossip.seat_sets import SeatSets
from tests.unit.quorate.gossip.siblings import SEAT_KEYS, build_set

VALID, INVALID, UNDECIDED = Judgement.VALID, Judgement.INVALID, Judgement.UNDECIDED


def encode(*sets: SeatSet) -> list[bytes]:
    """Return the encoded sets."""
    return [each.encode() for each in sets]


def judge(sets: SeatSets, *epochs: int) -> list[Judgement]:
    """Return what can be said of these epochs' batches."""
    return [sets.judge(epoch) for epoch in epochs]


def test_nothing_is_decided_before_a_set_is_known() -> None:
    sets = SeatSets()
    assert judge(sets, 0, 1, 7) == [UNDECIDED] * 3
    assert (sets.running, sets.epoch, sets.list_keys()) == (None, 0, [])
    assert not sets.known.is_set()


def test_the_epochs_before_at_and_after_the_running_one_can_be_checked() -> None:
    sets = SeatSets()
    sets.start(5, encode(*[build_set(epoch, 0, 1, 2, epoch) for epoch in (4, 5, 6)]))
    assert judge(sets, 0, 3, 4, 5, 6, 7, 2**64 - 1) == [
        INVALID, INVALID, VALID, VALID, VALID, UNDECIDED, UNDECIDED,
    ]  # fmt: skip
    assert sets.running == build_set(5, 0, 1, 2, 5)
    assert sets.known.is_set()


def test_what_is_told_once_is_kept_until_its_epoch_is_over() -> None:
    sets = SeatSets()
    sets.start(0, encode(build_set(0, 0, 1), build_set(1, 1, 2)))
    sets.start(1, encode(build_set(1, 1, 2)))
    assert judge(sets, 0, 1, 2) == [VALID, VALID, UNDECIDED]
    sets.start(2, encode(build_set(2, 2, 3), build_set(3, 3, 4)))
    assert judge(sets, 0, 1, 2, 3) == [INVALID, VALID, VALID, VALID]
    sets.start(9, encode(build_set(8, 0), build_set(9, 1)))
    assert judge(sets, 3, 7, 8, 9, 10) == [INVALID, INVALID, VALID, VALID, UNDECIDED]


def test_the_keys_of_all_known_sets_are_listed_the_running_ones_first() -> None:
    sets = SeatSets()
    sets.start(1, encode(build_set(0, 0, 1), build_set(1, 1, 2), build_set(2, 2, 3)))
    assert sets.list_keys() == [SEAT_KEYS[number].public_key for number in (1, 2, 0, 3)]


def test_an_epoch_without_its_set_is_refused_and_changes_nothing() -> None:
    sets = SeatSets()
    sets.start(1, encode(build_set(1, 0, 1)))
    for epoch, told in ((2, []), (3, [build_set(2, 0)])):
        with pytest.raises(MalformedBytes):
            sets.start(epoch, encode(*told))
    with pytest.raises(MalformedBytes):
        sets.start(2, [b"nonsense"])
    assert sets.epoch == 1


def test_storage_is_believed_only_until_an_engine_tells() -> None:
    sets, seen = SeatSets(), list[SeatSet | None]()
    sets.on_change = seen.append
    sets.seed(4, encode(build_set(4, 0), build_set(5, 1)))
    assert sets.epoch == 4
    sets.start(3, encode(build_set(3, 2)))
    sets.seed(4, encode(build_set(4, 0)))
    assert sets.epoch == 3
    assert sets.get(4) == build_set(4, 0)
    assert seen == [None, build_set(4, 0)]
