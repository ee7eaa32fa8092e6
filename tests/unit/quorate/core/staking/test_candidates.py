"""Payloads of candidates: what each does, and what it refuses in which order."""

import pytest

from quorate.core.kinds import Action
from quorate.core.staking.payloads import (
    Ready,
    RegisterCandidate,
    Resign,
    RotateSeatKey,
    Unjail,
    UpdateCandidate,
)
from quorate.core.staking.records import COUNT_KEY, compute_seat_key_key, decode_count
from quorate.core.values import ZERO_HASH
from tests.unit.quorate.core.staking.ledgers import OWNERS, A, B, World, get_seat_key

KEY, PROOF = b"k" * 32, bytes(64)


def register(signer: bytes = A, key: bytes = KEY, stake: int = 100) -> RegisterCandidate:
    return RegisterCandidate(signer, B, key, PROOF, "new", "about", 500, stake)


def count(world: World) -> int:
    return decode_count(world.changes.get(COUNT_KEY))


def test_a_registration_bonds_the_owners_stake_and_takes_the_seat_key() -> None:
    world = World()
    before = world.total()
    assert world.do(register(stake=400)) == ""
    assert (world.balance(A), world.total()) == (9_600, before)
    assert world.changes.get(compute_seat_key_key(KEY)) == A
    assert count(world) == 3


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (register(OWNERS[0]), "CANDIDATE_EXISTS"),
        (register(stake=99), "STAKE_TOO_SMALL"),
        (register(stake=10_001), "INSUFFICIENT_BALANCE"),
    ],
)
def test_a_registration_that_can_not_be_is_refused(payload: Action, reason: str) -> None:
    world = World()
    assert world.do(payload) == reason
    assert (count(world), world.balance(A)) == (2, 10_000)


def test_a_seat_key_is_taken_once_and_for_good_by_anyone() -> None:
    world = World()
    assert world.do(register()) == ""
    assert world.do(register(B)) == "SEAT_KEY_USED"
    assert world.do(RotateSeatKey(OWNERS[0], OWNERS[0], KEY, PROOF)) == "SEAT_KEY_USED"
    assert world.do(Resign(B, A)) == ""
    assert world.do(register(B)) == "SEAT_KEY_USED"


def test_there_is_room_again_when_a_candidate_resigns() -> None:
    world = World()
    world.params = world.params.__class__(candidates_max=2, self_stake_min=100)
    assert world.do(register()) == "CANDIDATES_FULL"
    assert world.do(Resign(OWNERS[0], OWNERS[0])) == ""
    assert world.do(register()) == ""


@pytest.mark.parametrize(
    "payload",
    [
        UpdateCandidate(A, OWNERS[0], "x", "", 0),
        Resign(A, OWNERS[0]),
        RotateSeatKey(A, OWNERS[0], KEY, PROOF),
        Unjail(A, OWNERS[0]),
    ],
)
def test_only_owner_and_operator_may_operate_and_only_while_it_stands(payload: Action) -> None:
    world = World()
    assert world.do(payload) == "NOT_ENTITLED"
    assert world.do(payload._replace(candidate=A)) == "NO_CANDIDATE"
    found = world.candidate(0)
    found.operator, found.jailed_until = A, 1
    world.put(0, found)
    assert world.do(payload) == ""
    found.is_resigned = True
    world.put(0, found)
    assert world.do(payload) == "CANDIDATE_RESIGNED"
    found.is_slashed = True
    world.put(0, found)
    assert world.do(payload) == "CANDIDATE_SLASHED"


def test_commission_moves_in_steps_and_only_after_the_interval() -> None:
    world = World()
    day_ms = world.params.commission_interval_ms

    def update(share_bp: int, at_ms: int) -> str:
        world.time_ms = at_ms
        return world.do(UpdateCandidate(OWNERS[0], OWNERS[0], "n", "d", share_bp))

    assert update(1, day_ms - 1) == "COMMISSION_STEP"
    assert update(0, 0) == ""
    assert update(101, day_ms) == "COMMISSION_STEP"
    assert update(100, day_ms) == ""
    assert update(101, 2 * day_ms - 1) == "COMMISSION_STEP"
    assert update(0, 2 * day_ms) == ""
    assert (world.candidate(0).name, world.candidate(0).commission_changed_ms) == ("n", 2 * day_ms)


def test_a_ready_holds_for_its_epoch_and_the_next() -> None:
    world = World()
    for epoch, reason in ((3, "READY_UNTIMELY"), (4, ""), (5, ""), (6, "READY_UNTIMELY")):
        assert world.do(Ready(A, OWNERS[0], epoch, get_seat_key(0), PROOF)) == reason
    assert world.candidate(0).ready_epoch == 6
    assert world.do(Ready(A, OWNERS[0], 4, get_seat_key(0), PROOF)) == ""
    assert world.candidate(0).ready_epoch == 6, "an older Ready takes nothing back"
    assert world.do(Ready(A, OWNERS[0], 5, get_seat_key(1), PROOF)) == "SEAT_KEY_UNKNOWN"
    assert world.do(Ready(A, OWNERS[0], 5, ZERO_HASH, PROOF)) == "SEAT_KEY_UNKNOWN"


def test_a_rotated_key_takes_over_with_its_ready_and_the_old_one_is_gone() -> None:
    world = World()
    other = b"o" * 32
    assert world.do(RotateSeatKey(OWNERS[0], OWNERS[0], other, PROOF)) == ""
    assert world.do(RotateSeatKey(OWNERS[0], OWNERS[0], KEY, PROOF)) == ""
    assert world.do(Ready(A, OWNERS[0], 5, other, PROOF)) == "SEAT_KEY_UNKNOWN"
    assert world.candidate(0).seat_key == get_seat_key(0)
    assert world.do(Ready(A, OWNERS[0], 5, KEY, PROOF)) == ""
    found = world.candidate(0)
    assert (found.seat_key, found.next_key) == (KEY, ZERO_HASH)
    assert world.do(Ready(A, OWNERS[0], 5, get_seat_key(0), PROOF)) == "SEAT_KEY_UNKNOWN"


def test_a_jailed_candidate_comes_back_after_its_wait() -> None:
    world = World()
    unjail = Unjail(OWNERS[0], OWNERS[0])
    assert world.do(unjail) == "NOT_JAILED"
    found = world.candidate(0)
    found.jailed_until, found.missed = 7, 9
    world.put(0, found)
    for epoch, reason in ((5, "JAILED_STILL"), (6, "JAILED_STILL"), (7, ""), (8, "NOT_JAILED")):
        world.epoch = epoch
        assert world.do(unjail) == reason
    assert (world.candidate(0).jailed_until, world.candidate(0).missed) == (0, 0)
