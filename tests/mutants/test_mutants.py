"""Every mutant still breaks what it says, and some of them, others in each run, are caught.

All of them: `make mutants`.
"""

from random import Random

import pytest

from quorate.core.bft.signing import Signing
from tests.conftest import SEED
from tests.mutants.catching import hunt
from tests.mutants.checkers import watched
from tests.mutants.children import hunt_in_child
from tests.mutants.edit import Patch, StaleMutant, edit
from tests.mutants.entry import LIVENESS, SAFETY, Mutant, Plans, Story, Units
from tests.mutants.registry import list_mutants, list_plans, list_stories
from tests.sim.world import run_plan

SLICE = 5
ALL = list_mutants()
CHOSEN = Random(SEED).sample(ALL, SLICE)
# Those of tests/sim are tests there.
STORIES = [each for each in list_stories(ALL) if not each.name.startswith("test_")]


@pytest.mark.parametrize("mutant", ALL, ids=lambda each: each.name)
def test_the_edit_applies_and_is_taken_back(mutant: Mutant) -> None:
    for _ in range(2):
        with mutant.patch():
            pass


@pytest.mark.parametrize("mutant", CHOSEN, ids=lambda each: each.name)
def test_the_mutant_is_caught_as_the_harm_it_is(mutant: Mutant) -> None:
    print(f"replay: python tests/mutants/run.py --only '{mutant.name}' --seed {SEED}")
    outcome = hunt_in_child(mutant, SEED)
    assert outcome.find is not None, outcome.trouble
    assert outcome.find.harm == mutant.harm


@pytest.mark.parametrize("story", STORIES, ids=lambda each: each.name)
def test_the_story_holds_in_the_engine_as_it_is(story: Story) -> None:
    with watched():
        story.tell()


@pytest.mark.parametrize("plans", list_plans(ALL), ids=lambda each: each.name)
def test_the_plan_holds_in_the_engine_as_it_is(plans: Plans) -> None:
    print(f"replay: make test SEED={SEED} ARGS='tests/mutants -k {plans.name}'")
    with watched():
        run_plan(plans.make(SEED))


def test_the_list_is_long_and_every_name_is_there_once() -> None:
    names = [mutant.name for mutant in ALL]
    assert len(set(names)) == len(names) >= 40
    assert sum(mutant.harm == LIVENESS for mutant in ALL) >= 8


def test_each_mutant_has_a_catcher_in_the_world() -> None:
    lone = [each.name for each in ALL if isinstance(each.catchers[0], Units)]
    assert lone == []


def test_a_mutant_that_breaks_nothing_survives() -> None:
    def patch() -> Patch:
        return edit(Signing.get_state, '"voting", ""', '"voting", str()')

    quick = (Plans(list_plans(ALL)[0].make, 2), list_stories(ALL)[0])
    assert hunt(Mutant("harmless", "R1", "", SAFETY, patch, quick, ""), 1, 30) is None


@pytest.mark.parametrize(
    ("old", "new"),
    [("no such text", "x"), ("signed", "x"), (" and Kind.NULLIFY", "  and Kind.NULLIFY")],
)
def test_an_edit_that_no_longer_fits_is_refused(old: str, new: str) -> None:
    before = Signing.may_finalize.__code__
    with pytest.raises(StaleMutant), edit(Signing.may_finalize, old, new):
        pass
    assert Signing.may_finalize.__code__ is before


def test_an_edit_is_taken_back_after_an_error() -> None:
    before = Signing.may_finalize.__code__

    def fail_within() -> None:
        with edit(Signing.may_finalize, " and Kind.NULLIFY not in signed", ""):
            assert Signing.may_finalize.__code__ is not before
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_within()
    assert Signing.may_finalize.__code__ is before
