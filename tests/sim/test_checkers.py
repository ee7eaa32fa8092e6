"""Each checker can fail: a calm run holds, and one thing that must not be is seen at once."""

import pytest

from tests.sim import checkers as all_checkers
from tests.sim.checkers import Violation
from tests.sim.planted import PLANTED, Sequence, make_world


def test_every_checker_has_a_violation_planted() -> None:
    assert sorted(PLANTED) == sorted(checker.__name__ for checker in all_checkers.ALL)


@pytest.mark.parametrize(
    ("name", "rule", "sequence"),
    [(name, *each) for name, sequences in PLANTED.items() for each in sequences],
)
def test_checker_sees_what_must_not_be(name: str, rule: str, sequence: Sequence) -> None:
    world = make_world()
    checker = next(each for each in all_checkers.ALL if each.__name__ == name)(world)
    with pytest.raises(Violation) as caught:
        sequence(world, checker)
    assert caught.value.rule == rule


def test_no_checker_sees_anything_in_a_calm_run() -> None:
    make_world().finish()
