"""Runs of the engine are behaviours of the specification; of broken engines they are not."""

from pathlib import Path
from random import Random

import pytest

from tests.conftest import SEED
from tests.spec.broken import BROKEN, find_fault
from tests.spec.recorder import Recorder
from tests.spec.replay import draw_plan, record, replay

STEPS_MAX = 250
SEEDS_MAX = 100
SOUND = {"no adversary drawn": None, "equivocator": "equivocator", "skipper": "skipper"}


def record_commit(first: int, adversary: str | None) -> Recorder:
    """Return the first run, from a seed on, that commits: in one of twenty no seat gets so far."""
    for seed in range(first, first + SEEDS_MAX):
        recorder = record(draw_plan(seed, adversary), STEPS_MAX)
        if any(step.act == "commit" for step in recorder.steps):
            return recorder
    raise AssertionError(f"no run commits in {SEEDS_MAX} from seed {first}")


class Replayed:
    """All runs of this module, replayed by one process of the checker, since it starts slowly."""

    def __init__(self, folder: Path) -> None:
        first = Random(SEED).randrange(10**9)
        self.sound = {name: record_commit(first, adversary) for name, adversary in SOUND.items()}
        self.faults = {name: find_fault(name, first) for name in BROKEN}
        runs = [*self.sound.values(), *(fault.recorder for fault in self.faults.values())]
        answers = replay(runs, folder)
        self.answers = dict(zip((*self.sound, *self.faults), answers, strict=True))


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> Replayed:
    print(f"repeat with QUORATE_TEST_SEED={SEED}")
    return Replayed(tmp_path_factory.mktemp("traces"))


@pytest.mark.parametrize("name", SOUND)
def test_specification_follows_a_run(name: str, replayed: Replayed) -> None:
    assert replayed.answers[name].refused is None, replayed.answers[name]


def test_followed_runs_are_more_than_a_start(replayed: Replayed) -> None:
    acts = {step.act for recorder in replayed.sound.values() for step in recorder.steps}
    assert acts >= {"propose", "notarize", "finalize", "certify", "commit", "persist", "send"}
    assert sum(len(recorder.steps) for recorder in replayed.sound.values()) > 200


@pytest.mark.parametrize("name", BROKEN)
def test_specification_refuses_a_broken_engine(name: str, replayed: Replayed) -> None:
    answer, fault = replayed.answers[name], replayed.faults[name]
    assert answer.accepted == fault.index, f"{answer}; wrong is {fault.recorder.steps[fault.index]}"
