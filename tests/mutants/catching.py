"""Looks for a mutant with its catchers, in their order, until one of them finds it."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from io import StringIO

import pytest

from tests.mutants.checkers import watched
from tests.mutants.entry import LIVENESS, SAFETY, Catcher, Mutant, Plans, Story, Units
from tests.sim.checkers import Violation
from tests.sim.world import run_plan
from tests.style.sources import ROOT

# So many seeds of each kind of plan show that a checker does not cry wolf.
CONTROL_SEEDS = 3


@dataclass(frozen=True, slots=True)
class Find:
    """What a catcher saw: which rule did not hold, as what kind of harm, after how many seeds."""

    catcher: str
    shown_by: str
    harm: str
    seeds: int = 0
    seconds: float = 0.0


def hunt(mutant: Mutant, first: int, limit_s: float) -> Find | None:
    """Return where a mutant shows; None when it survives all that it is put through."""
    # Time of the processor: how busy the machine is with other things says nothing.
    start_s = time.process_time()

    def is_time_left() -> bool:
        return time.process_time() - start_s < limit_s

    with watched(), mutant.patch():
        for catcher in mutant.catchers:
            find = put_through(catcher, mutant.harm, first, is_time_left)
            if find is not None:
                return replace(find, seconds=time.process_time() - start_s)
    return None


def put_through(
    catcher: Catcher, harm: str, first: int, is_time_left: Callable[[], bool]
) -> Find | None:
    """Return what one catcher finds in the engine as it is now."""
    match catcher:
        case Plans():
            return _run_plans(catcher, harm, first, is_time_left)
        case Story():
            return _tell(catcher, harm)
        case Units():
            return _run_units(catcher, harm)


def _run_plans(
    plans: Plans, harm: str, first: int, is_time_left: Callable[[], bool]
) -> Find | None:
    for seed in range(first, first + plans.seeds):
        if not is_time_left():
            break
        try:
            run_plan(plans.make(seed))
        except (Violation, AssertionError) as error:
            # Another harm than the expected one may come first now and then; that is no catch.
            if name_harm(error) == harm:
                return Find(plans.name, name_rule(error), harm, seed - first + 1)
    return None


def _tell(story: Story, harm: str) -> Find | None:
    try:
        story.tell()
    except Violation as error:
        return Find(story.name, name_rule(error), name_harm(error))
    except AssertionError:
        return Find(story.name, "what the story ends with", harm)
    return None


class _Watcher:
    """A pytest plugin that keeps the name of the first test that fails."""

    failed = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the outcome of a phase of a test."""
        if report.failed and not self.failed:
            self.failed = report.nodeid.rpartition("::")[2]


def _run_units(units: Units, harm: str) -> Find | None:
    watcher = _Watcher()
    with redirect_stdout(StringIO()):
        pytest.main(["-x", "-q", "-p", "no:cacheprovider", str(ROOT / units.path)], [watcher])
    return Find(units.path, watcher.failed, harm) if watcher.failed else None


def name_rule(error: Violation | AssertionError) -> str:
    """Return the rule of a checker, or the engine's own assertion, that did not hold."""
    return error.rule if isinstance(error, Violation) else f"assertion: {error}"


def name_harm(error: Violation | AssertionError) -> str:
    """Return what kind of harm a broken rule is."""
    return LIVENESS if name_rule(error) == "liveness" else SAFETY


def control(plans: list[tuple[Plans, int]], stories: list[Story], first: int) -> list[str]:
    """Return what is found in the engine as it should be: nothing.

    `plans` come with how many seeds the mutants needed of each.
    """
    found = []
    with watched():
        for each, seeds in plans:
            for seed in range(first, first + max(seeds, CONTROL_SEEDS)):
                try:
                    run_plan(each.make(seed))
                except (Violation, AssertionError) as error:
                    found.append(f"{each.name}, seed {seed}: {name_rule(error)}")
        for story in stories:
            try:
                story.tell()
            except (Violation, AssertionError) as error:
                found.append(f"{story.name}: {name_rule(error)}")
    return found
