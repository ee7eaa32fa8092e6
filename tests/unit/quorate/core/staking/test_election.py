"""Elections: ties and limits by hand, and random ones against a naive reading of the rules."""

import random

import pytest

from quorate.core.seats import SeatSet
from quorate.core.staking.election import Election, Obstacle
from quorate.core.staking.performance import Performance
from quorate.core.staking.records import compute_candidate_key, decode_candidate, peek_candidate
from quorate.core.values import compute_faults
from tests.conftest import SEED
from tests.unit.quorate.core.staking.ledgers import OWNERS, PARAMS, World, build_seats


def elect(world: World, numbers: list[int], missed: list[int] | None = None) -> Election:
    """End epoch 5, in which and after which these candidates have seats."""
    ending, following = build_seats(5, numbers, world), build_seats(6, numbers, world)
    election = Election(world.changes, world.params, ending, following)
    for _ in election.iter_steps(Performance(5, missed or [0] * len(numbers))):
        pass
    return election


def list_numbers(seats: SeatSet) -> list[int]:
    """Return which candidates have the seats, in order."""
    return [OWNERS.index(seat.candidate) for seat in seats.seats]


def test_the_most_stake_is_elected_and_ties_go_by_address() -> None:
    world = World(0)
    for number, stake in enumerate((300, 500, 400, 400, 400, 400)):
        world.add(number, stake)
    found = elect(world, [0, 1, 2, 3]).next_set
    assert (found.epoch, list_numbers(found)) == (7, [1, 2, 3, 4])
    assert [seat.stake for seat in found.seats] == [500, 400, 400, 400]
    assert [seat.index for seat in found.seats] == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("fields", "obstacle"),
    [
        ({}, Obstacle.NONE),
        ({"ready_epoch": 5}, Obstacle.NONE),
        ({"ready_epoch": 4}, Obstacle.NOT_READY),
        ({"self_stake": 99}, Obstacle.SELF_STAKE),
        ({"jailed_until": 1}, Obstacle.JAILED),
        ({"is_resigned": True}, Obstacle.RESIGNED),
        ({"is_slashed": True, "is_resigned": True}, Obstacle.SLASHED),
    ],
)
def test_who_is_not_electable_is_told_why(fields: dict[str, int], obstacle: Obstacle) -> None:
    world = World(4)
    world.add(4, 5_000, **fields)
    election = elect(world, [0, 1, 2, 3])
    record = world.changes.get(compute_candidate_key(OWNERS[4]))
    assert election.find_obstacle(OWNERS[4], peek_candidate(record)) is obstacle
    assert (4 in list_numbers(election.next_set)) == (obstacle is Obstacle.NONE)


def test_in_epoch_zero_never_ready_is_not_ready() -> None:
    world = World(4)
    world.epoch = 0
    for number, ready in ((4, 0), (5, 1)):
        world.add(number, 5_000, ready_epoch=ready)
    sets = [build_seats(epoch, [0, 1, 2, 3], world) for epoch in (0, 1)]
    election = Election(world.changes, PARAMS, *sets)
    for _ in election.iter_steps(Performance(0, [0] * 4)):
        pass
    assert list_numbers(election.next_set) == [5, 0, 1, 2]


def test_who_holds_a_seat_needs_no_ready() -> None:
    world = World(0)
    for number in range(4):
        world.add(number, 1_000, ready_epoch=0)
    assert list_numbers(elect(world, [0, 1, 2, 3]).next_set) == [0, 1, 2, 3]


def test_views_are_missed_over_two_epochs_and_the_worst_leave_first_and_are_jailed() -> None:
    world = World(4)
    world.add(4)
    for number, earlier in ((0, 3), (1, 5)):
        found = world.candidate(number)
        found.missed, found.missed_epoch = earlier, 4
        world.put(number, found)
    election = elect(world, [0, 1, 2, 3], [3, 2, 6, 5])
    # Windows: 6, 7, 6, 5 of 5 allowed; of three that are due only f = 1 may leave.
    assert list_numbers(election.next_set) == [0, 2, 3, 4]
    assert [world.candidate(n).jailed_until for n in range(5)] == [0, 8, 0, 0, 0]
    assert [world.candidate(n).missed for n in range(4)] == [3, 2, 6, 5]
    assert {world.candidate(n).missed_epoch for n in range(4)} == {5}


def test_the_slashed_leave_before_those_who_missed_views() -> None:
    world = World(0)
    for number in range(5):
        world.add(number, is_slashed=number == 3)
    election = elect(world, [0, 1, 2, 3], [9, 0, 0, 0])
    assert list_numbers(election.next_set) == [0, 1, 2, 4]
    assert world.candidate(0).jailed_until == 0, "it stays, so it is not jailed now"


def test_seats_are_never_fewer_than_the_least() -> None:
    world = World(0)
    for number in range(2):
        world.add(number, is_resigned=number == 1)
    assert list_numbers(elect(world, [0, 1]).next_set) == [0, 1]


def test_where_nobody_is_electable_the_seats_stay_with_present_keys_and_stakes() -> None:
    world = World(0)
    for number in range(4):
        world.add(number, 50 + number)
    following = build_seats(6, [2, 0, 1, 3], world)
    found = world.candidate(2)
    found.stake, found.seat_key = 77, b"n" * 32
    world.put(2, found)
    election = Election(world.changes, PARAMS, build_seats(5, [2, 0, 1, 3], world), following)
    for _ in election.iter_steps(Performance(5, [9, 0, 0, 0])):
        pass
    assert list_numbers(election.next_set) == [2, 0, 1, 3]
    assert (election.next_set.seats[0].public_key, election.next_set.seats[0].stake) == (
        b"n" * 32,
        77,
    )
    assert world.candidate(2).jailed_until == 0


def test_who_is_due_without_a_seat_to_keep_is_jailed_whatever_the_limit() -> None:
    world = World(5)
    ending, following = build_seats(5, [0, 1, 2, 4], world), build_seats(6, [0, 1, 2, 3], world)
    election = Election(world.changes, PARAMS, ending, following)
    for _ in election.iter_steps(Performance(5, [9, 9, 0, 9])):
        pass
    assert world.candidate(4).jailed_until == 8
    assert 4 not in list_numbers(election.next_set)


def expect(world: World, numbers: list[int], missed: list[int]) -> tuple[list[int], set[int]]:
    """Return who is elected and who is jailed, by the rules of docs/protocol.md read plainly."""
    params, everyone = world.params, {}
    for number in range(len(OWNERS)):
        record = world.changes.get(compute_candidate_key(OWNERS[number]))
        if record:
            everyone[number] = decode_candidate(record)
    due = {
        n: m
        for n, m in zip(numbers, missed, strict=True)
        if m > params.missed_views_max and everyone[n].is_standing
    }
    able = {
        n
        for n, c in everyone.items()
        if c.is_standing
        and not c.jailed_until
        and n not in due
        and c.self_stake >= params.self_stake_min
        and (n in numbers or c.ready_epoch >= 5)
    }

    def badness(n: int) -> tuple[int, int, bytes]:
        c = everyone[n]
        causes = [c.is_slashed, n in due, bool(c.jailed_until), c.self_stake < 100, True]
        return causes.index(True), -due.get(n, 0), OWNERS[n]

    leavers = sorted([n for n in numbers if n not in able], key=badness)
    faults = compute_faults(len(numbers))
    leaving, kept = leavers[:faults], leavers[faults:]
    if not able:
        return numbers, set()

    def rank(n: int) -> tuple[int, bytes]:
        return -everyone[n].stake, OWNERS[n]

    elected = sorted(able, key=rank)[: max(params.seats_max - len(kept), 0)]
    while leaving and len(elected) + len(kept) < min(params.seats_min, len(numbers)):
        kept.append(leaving.pop())
    return sorted([*elected, *kept], key=rank), {n for n in due if n in leaving}


def test_random_elections_are_those_of_the_plain_reading() -> None:
    rng = random.Random(SEED)
    for _ in range(150):
        world = World(0)
        count = rng.randint(4, len(OWNERS))
        for number in range(count):
            world.add(
                number,
                rng.choice((90, 200, 200, 300, 400)),
                ready_epoch=rng.choice((0, 5, 6)),
                jailed_until=rng.choice((0, 0, 0, 9)),
                is_resigned=rng.random() < 0.1,
                is_slashed=rng.random() < 0.1,
            )
        numbers = rng.sample(range(count), rng.randint(1, 4))
        missed = [rng.choice((0, 5, 6, 7)) for _ in numbers]
        elected, jailed = expect(world, numbers, missed)
        before = {n: world.candidate(n).jailed_until for n in range(count)}
        election = elect(world, numbers, missed)
        assert list_numbers(election.next_set) == elected
        after = {n: world.candidate(n).jailed_until for n in range(count)}
        assert {n for n in after if after[n] == 8 != before[n]} == jailed
