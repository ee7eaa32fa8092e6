"""Two copies of one validator with one key harm nobody: all scenarios of two views, some longer.

QUORATE_TEST_SEED=n repeats the samples; `make twins` runs many more. And the ways in which all this
could be blind: each planted rule is caught, and its scenario replays from its name alone.
"""

from collections import Counter
from itertools import product
from pathlib import Path
from random import Random

import pytest

from quorate.core.bft.messages import Kind
from tests.conftest import SEED
from tests.sim.checkers.violation import Violation
from tests.twins import checks
from tests.twins import run as command
from tests.twins.checks import check_facts
from tests.twins.coverage import Ledger, Run, do_units
from tests.twins.instance import Instance, Leaders
from tests.twins.planted import PLANTED, plant
from tests.twins.replay import replay
from tests.twins.sampling import LEAVES
from tests.twins.scenario import (
    ACTION,
    PARTITIONS,
    TURNS,
    Scenario,
    Turn,
    count_kinds,
    count_turns,
    has_quorum,
    list_prefixes,
)
from tests.twins.tree import Totals, Tree
from tests.twins.turn import Rules
from tests.twins.world import light_engine, make_start, play_turn

TREES = 6


def play_all(run: Run) -> Totals:
    totals = Totals()
    for _, each in do_units(run, list(range(run.count_units())), 1):
        totals.add(each)
    return totals


def find_failure(run: Run) -> str:
    """Return the first scenario of a run that fails and the rule that it breaks."""
    for _, totals in do_units(run, list(range(run.count_units())), 1):
        if totals.failures:
            return totals.failures[0]
    return ""


# ---- the slice -----------------------------------------------------------------------------------


@pytest.mark.parametrize("backwards", [False, True])
def test_every_scenario_of_two_views_holds(backwards: bool) -> None:
    totals = play_all(Run((2, 2), backwards=backwards))
    assert totals.failures == []
    assert totals.scenarios == count_kinds(2, len(TURNS)) == 4_695


@pytest.mark.parametrize("tree", range(TREES))
def test_fresh_long_scenarios_hold(tree: int) -> None:
    trees = f"--samples {TREES * LEAVES} --seed {SEED}"
    print(f"QUORATE_TEST_SEED={SEED}; python tests/twins/run.py {trees}")
    totals = Run((7, 12), seed=SEED, trees=TREES).do_unit(tree)
    assert totals.failures == [] and totals.scenarios == LEAVES


# ---- it can fail ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(PLANTED))
def test_a_planted_rule_is_caught_and_replays(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with plant(name):
        failure = find_failure(Run((2, 2), blocks=2)) or find_failure(
            Run((7, 12), seed=SEED, trees=20)
        )
    scenario, _, why = failure.partition(" ")
    print(f"{name}: {scenario} breaks {why}")
    assert failure
    options = ["--scenario", scenario, "--trace", "--plant", name]
    assert command.main(options) == 1
    shown = capsys.readouterr().out
    assert f"Violation {why}" in shown and "-- turn 1" in shown
    assert command.main(["--scenario", scenario]) == 0, "it was the planted rule"


def test_a_fork_between_blocks_that_cannot_talk_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    # Two seats make a quorum, and the check of each certificate is made to agree.
    monkeypatch.setattr(checks, "QUORUM", 2)
    with plant("quorum-off-by-one"):
        scenario, _, why = find_failure(Run((2, 2), blocks=2)).partition(" ")
        print(f"{scenario} breaks {why}")
        assert "one block" in why or "one view" in why
        with pytest.raises(Violation, match=why[:12]):
            replay(Scenario.parse(scenario))


@pytest.mark.parametrize(
    ("facts", "rule"),
    [
        ([("at height", 3, b"a"), ("at height", 3, b"b")], "one block at height 3"),
        ([("final", 2, b"a"), ("final", 2, b"b")], "one block final 2"),
        ([("final", 2, b"a"), ("nullified", 2, b"")], "no nullification and finalization"),
        ([("final", 2, b"a"), ("notarized", 2, b"b")], "no second notarization"),
        ([("final", 2, b"a"), ("committed in", 2, b"b")], "one final block per view"),
    ],
)
def test_facts_that_exclude_one_another_are_found(
    facts: list[tuple[str, int, bytes]], rule: str
) -> None:
    with pytest.raises(Violation, match=rule):
        check_facts(facts)
    for fact in facts:
        check_facts([fact])


# ---- what it rests on ----------------------------------------------------------------------------


def test_twins_that_lead_show_two_blocks_and_are_named_by_all() -> None:
    state, _ = replay(Scenario.parse("3:013/24+0:01234"))
    names = {name for instance in state for name in instance.replica.chain.head.batches}
    assert len(names) == 1, "all have one head"
    together, _ = replay(Scenario.parse("3:01234"))
    for honest in together[:3]:
        blocks = {digest for kind, digest in honest.heard[1] if kind == Kind.PROPOSAL}
        assert len(blocks) == 2 and 1 in honest.accused


def test_there_are_52_partitions_and_20_of_them_go_on() -> None:
    assert len(set(PARTITIONS)) == 52
    assert sum(map(has_quorum, PARTITIONS)) == 20
    assert all(sorted(sum(partition, ())) == [0, 1, 2, 3, 4] for partition in PARTITIONS)


def test_kinds_are_counted_by_burnside_as_by_hand() -> None:
    few = count_turns(2)
    kinds = {
        min(tuple(action[index] for index in turns) for action in ACTION)
        for turns in product(range(few), repeat=2)
    }
    assert count_kinds(2, few) == len(kinds) == len(list_prefixes(2, few))
    assert sum(count for _, count in list_prefixes(2, few)) == few**2


def test_a_name_says_all_of_a_scenario(rng: Random) -> None:
    turns = tuple(rng.choice(TURNS) for _ in range(12))
    for scenario in (Scenario(turns), Scenario((*turns, Turn(2, ())), backwards=True)):
        assert Scenario.parse(str(scenario)) == scenario
    for wrong in ("4:01234", "0:0123", "0:00123/4", "0:+1:01234", ""):
        with pytest.raises(ValueError):
            Scenario.parse(wrong)


def describe(instance: Instance) -> tuple[object, ...]:
    """Return all that shows of an instance, and of what its engine knows of open views."""
    views = [
        (number, sorted(view.proposals), view.votes, view.certificates, view.own, view.accused)
        for number, view in sorted(instance.replica.views.items())
    ]
    replica = instance.replica
    return (
        replica.view, replica.final_view, replica.chain.head, views, instance.now_ms,
        instance.timer_ms, instance.held, instance.facts, instance.signed, instance.heard,
    )  # fmt: skip


def test_blocks_played_apart_and_remembered_are_the_scenario_played_plainly(rng: Random) -> None:
    print(f"QUORATE_TEST_SEED={SEED}")
    for _ in range(12):
        turns = [rng.choice(TURNS) for _ in range(4)]
        seats, backwards = tuple(turn.leader for turn in turns), bool(rng.randrange(2))
        tree = Tree(seats, backwards=backwards)
        with light_engine():
            shared, plain = tree.start(), make_start(Leaders(seats))
            for number, turn in enumerate(turns, 1):
                for _ in range(2):  # the second time everything is remembered
                    path, played = tree.path, tree.totals.played
                    after = tree.advance(shared, turn.partition)
                    assert tree.path == (*path, turn.partition)
                    tree.path = path
                assert played == tree.totals.played
                tree.path, shared = (*path, turn.partition), after
                rules = Rules(number, Leaders(seats), backwards)
                plain = play_turn(plain, turn.partition, rules)
                assert list(map(describe, shared)) == list(map(describe, plain))


def test_what_a_copy_does_leaves_the_original_alone() -> None:
    leaders, everyone = Leaders((0, 3)), PARTITIONS[0]
    with light_engine():
        state = play_turn(make_start(leaders), everyone, Rules(1, leaders))
        before = list(map(repr, map(describe, state)))
        first = play_turn(state, everyone, Rules(2, leaders))
        assert list(map(repr, map(describe, state))) == before
        second = play_turn(state, everyone, Rules(2, leaders))
    assert list(map(describe, first)) == list(map(describe, second))
    assert list(map(describe, first)) != list(map(describe, state))


def test_a_stopped_run_goes_on_and_another_one_starts_anew(tmp_path: Path) -> None:
    run, path = Run((2, 2), blocks=2), tmp_path / "twins.jsonl"
    units = list(range(run.count_units()))
    first = Ledger(run, path)
    for unit, totals in do_units(run, units[:5], 1):
        first.add(unit, totals)
    second = Ledger(run, path)
    assert second.done == set(units[:5]) and second.totals == first.totals
    for unit, totals in do_units(run, units[5:], 1):
        second.add(unit, totals)
    assert Ledger(run, path).totals == play_all(run)
    assert Counter(Ledger(run, path).done) == Counter(units)
    assert Ledger(Run((2, 2), blocks=3), path).done == set()
