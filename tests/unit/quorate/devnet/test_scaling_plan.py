"""Plans of scaling: each step follows from what is there, and is the same when asked again."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

import pytest

from quorate.core.values import compute_faults
from quorate.devnet.scaling_plan import Member, Plan, plan_scaling


def seated(number: int) -> Member:
    """A validator that has a seat, now and in the next epoch."""
    return Member(f"validator-{number}", True, True, True, True, True)


FOUR = [seated(number) for number in range(4)]
NEW = Member("validator-4", True, False, False, False, False)


def test_what_is_as_wanted_needs_nothing() -> None:
    assert plan_scaling(FOUR, 4, 7).is_done


def test_more_seats_need_more_nodes() -> None:
    assert plan_scaling(FOUR, 7, 7) == Plan(add=3)


def test_a_new_node_registers_once_it_runs() -> None:
    assert plan_scaling([*FOUR, NEW], 5, 7).register == ("validator-4",)
    assert plan_scaling([*FOUR, NEW._replace(runs=False)], 5, 7).start == ("validator-4",)


def test_a_registered_one_is_ready_once_in_each_epoch_until_it_is_elected() -> None:
    known = NEW._replace(is_registered=True, is_standing=True)
    assert plan_scaling([*FOUR, known], 5, 7).ready == ("validator-4",)
    assert plan_scaling([*FOUR, known._replace(ready_epoch=7)], 5, 7).ready == ("validator-4",)
    said = plan_scaling([*FOUR, known._replace(ready_epoch=8)], 5, 7)
    assert said.ready == () and "end of this epoch" in said.waiting[0]
    elected = plan_scaling([*FOUR, known._replace(is_coming=True)], 5, 7)
    assert elected.ready == () and not elected.is_done


def test_the_newest_resign_first() -> None:
    plan = plan_scaling([seated(number) for number in (10, 2, 0, 9, 1, 3)], 4, 7)
    assert plan == Plan(resign=("validator-9", "validator-10"))


@pytest.mark.parametrize(("is_seated", "is_coming"), [(True, True), (True, False), (False, True)])
def test_no_process_stops_while_its_seat_is_in_a_set(is_seated: bool, is_coming: bool) -> None:
    leaving = seated(4)._replace(is_standing=False, is_seated=is_seated, is_coming=is_coming)
    plan = plan_scaling([*FOUR, leaving], 4, 7)
    assert plan.retire == () and not plan.is_done
    # One that fell over is needed until then.
    assert plan_scaling([*FOUR, leaving._replace(runs=False)], 4, 7).start == ("validator-4",)


def test_a_seat_that_has_left_every_set_is_retired_and_not_started() -> None:
    left = seated(4)._replace(is_standing=False, is_seated=False, is_coming=False, runs=False)
    assert plan_scaling([*FOUR, left], 4, 7) == Plan(retire=("validator-4",))


def test_one_that_never_registered_goes_at_once() -> None:
    assert plan_scaling([*FOUR, NEW], 4, 7) == Plan(retire=("validator-4",))


def test_a_slashed_one_is_replaced() -> None:
    plan = plan_scaling([*FOUR[:3], FOUR[3]._replace(is_standing=False)], 4, 7)
    assert plan.add == 1 and plan.waiting == ("leaving the set: validator-3",)


def test_a_jailed_one_is_waited_for_by_name() -> None:
    jailed = FOUR[3]._replace(jailed_until=12, is_seated=False, is_coming=False)
    plan = plan_scaling([*FOUR[:3], jailed], 4, 7)
    assert plan.ready == () and "jailed until epoch 12" in plan.waiting[0]


@dataclass
class World:
    """A chain in miniature: elections at each epoch's end, at most f seats leave at one."""

    members: list[Member]
    epoch: int = 0
    most_left: int = 0
    stopped_early: list[str] = field(default_factory=list)

    def apply(self, plan: Plan) -> None:
        for name in plan.retire:
            member = self.find(name)
            if member.is_seated or member.is_coming:
                self.stopped_early.append(name)
            self.members.remove(member)
        self.change(plan.start, runs=True)
        self.change(plan.register, is_registered=True, is_standing=True)
        self.change(plan.ready, ready_epoch=self.epoch + 1)
        self.change(plan.resign, is_standing=False)
        first = 1 + max([member.number for member in self.members], default=-1)
        for number in range(first, first + plan.add):
            self.members.append(NEW._replace(name=f"validator-{number}", runs=False))

    def pass_epoch(self) -> None:
        following = [member for member in self.members if member.is_coming]
        leaving = [member for member in following if not member.is_standing]
        leaving = leaving[: compute_faults(len(following))]
        self.most_left = max(self.most_left, len(leaving))
        self.members = [
            member._replace(
                is_seated=member.is_coming,
                is_coming=member not in leaving
                and (member.is_coming or member.is_standing)
                and (member.is_coming or member.ready_epoch > self.epoch),
            )
            for member in self.members
        ]
        self.epoch += 1

    def find(self, name: str) -> Member:
        return next(member for member in self.members if member.name == name)

    def change(self, names: tuple[str, ...], **values: object) -> None:
        for name in names:
            index = self.members.index(self.find(name))
            self.members[index] = self.members[index]._replace(**values)  # type: ignore[arg-type]


def reach(world: World, wanted: int, rng: Random) -> Iterator[Plan]:
    """Follow plans until they are done, interrupted and repeated at random."""
    for _ in range(100):
        plan = plan_scaling(world.members, wanted, world.epoch)
        assert plan == plan_scaling(world.members[::-1], wanted, world.epoch)
        yield plan
        if plan.is_done:
            return
        # Whoever is interrupted has done any part of it.
        done = {
            name: tuple(each for each in getattr(plan, name) if rng.random() < 0.7)
            for name in ("start", "register", "ready", "resign", "retire")
        }
        world.apply(Plan(add=rng.randint(0, plan.add), **done))  # type: ignore[arg-type]
        if rng.random() < 0.5:
            world.pass_epoch()
    raise AssertionError("a hundred steps were not enough")


def test_any_way_there_and_back_ends_and_stops_nobody_early(rng: Random) -> None:
    world = World(list(FOUR))
    for _ in range(8):
        wanted = rng.randint(4, 13)
        for _ in reach(world, wanted, rng):
            pass
        assert len([member for member in world.members if member.is_seated]) == wanted
    assert world.stopped_early == []
