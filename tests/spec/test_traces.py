"""Runs of the Python engine are behaviours of the specification; those of broken engines are not."""

from pathlib import Path
from random import Random

import pytest

from tests.spec.broken import BROKEN, find_fault
from tests.spec.replay import draw_plan, record, replay


@pytest.mark.parametrize("adversary", [None, "equivocator"])
def test_specification_follows_a_run(adversary: str | None, rng: Random, tmp_path: Path) -> None:
    plan = draw_plan(rng.randrange(10**9), adversary)
    print(f"replay: python tests/spec/run.py --traces 1 --seed {plan.seed}")
    recorder = record(plan, steps_max=250)
    assert len(recorder.steps) > 20
    answer = replay(recorder, tmp_path)
    assert answer.refused is None, answer


@pytest.mark.parametrize("name", BROKEN)
def test_specification_refuses_a_broken_engine(name: str, rng: Random, tmp_path: Path) -> None:
    fault = find_fault(name, rng.randrange(10**9))
    print(f"the fault is in the run of seed {fault.seed}")
    answer = replay(fault.recorder, tmp_path)
    assert answer.accepted == fault.index, f"{answer}; wrong is {fault.recorder.steps[fault.index]}"
