"""Records a run of the Python engine and asks the specification whether it is a behaviour of it."""

import re
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from tests.sim.plan import Plan, draw
from tests.sim.trouble import Crash
from tests.sim.world import World
from tests.spec.quint import SPEC, run_quint
from tests.spec.recorder import Recorder, Step

STEPS_MAX = 600
RUN_MS = 4_000


class Answer(NamedTuple):
    """How many steps the specification accepted, and the step that it refused."""

    accepted: int
    refused: Step | None

    def __str__(self) -> str:
        what = "all" if self.refused is None else f"then refused {self.refused}"
        return f"{self.accepted} steps accepted, {what}"


def draw_plan(seed: int, adversary: str | None = None) -> Plan:
    """Return the plan of the first seed from this one on that is for four seats in one epoch.

    With an adversary named, it is the only faulty seat.
    """
    for each in range(seed, seed + 1_000):
        plan = draw(each)
        if plan.seats == 4 and not plan.observers and plan.epoch_blocks is None:
            plan = replace(plan, faulty_ms=RUN_MS)
            if adversary is None:
                return plan
            return replace(plan, adversaries=((seed % 4, adversary),), liars=(), dead=())
    raise AssertionError("plans for four seats are common")


def harden(plan: Plan) -> Plan:
    """Return a plan under which votes cross time-outs, and seats restart in the midst of views."""
    crashes = tuple(
        Crash(at_ms, index % plan.seats, "kill", "anywhere", down_ms=20)
        for index, at_ms in enumerate(range(100, RUN_MS, 70))
    )
    params = replace(plan.params, view_timeout_ms=200)
    return replace(plan, params=params, delay_ms=(1, 100), loss_percent=15, crashes=crashes)


def record(plan: Plan, steps_max: int = STEPS_MAX) -> Recorder:
    """Return what engines did under a plan; broken ones are not stopped by checkers."""
    world = World(plan)
    recorder = Recorder(world, steps_max)
    world.checkers.clear()
    world.add_checker(recorder)
    world.start()
    world.run_until(plan.faulty_ms, recorder.is_full)
    return recorder


def write_traces(recorders: list[Recorder], folder: Path) -> None:
    """Write traces.qnt, with a test for each run, and beside it what it imports."""
    for name in ("simplex.qnt", "replay.qnt"):
        (folder / name).write_bytes((SPEC / name).read_bytes())
    lines = []
    for index, recorder in enumerate(recorders):
        seats = ", ".join(str(place) for place in sorted(recorder.byzantine))
        steps = ",\n".join(
            f'    ("{step.act}", {step.seat}, {step.one}, {step.two})' for step in recorder.steps
        )
        lines += [
            f'  import replay(SEATS = 4, BYZANTINE = Set({seats}), BROKEN = "", TRACE = [',
            f'{steps}\n  ]) as t{index} from "./replay"',
            f"  run t{index}Test = t{index}::begin.then(",
            f"    {len(recorder.steps)}.reps(_ => t{index}::follow))",
        ]
    text = "\n".join(("module traces {", *lines, "}", ""))
    (folder / "traces.qnt").write_text(text, encoding="utf-8")


def replay(recorders: list[Recorder], folder: Path) -> list[Answer]:
    """Return how far the specification follows recorded runs; `folder` is for its files."""
    write_traces(recorders, folder)
    output = run_quint(
        "test", "traces.qnt", "--main=traces", "--max-samples=1", "--verbosity=2", folder=folder
    )
    passed = {int(index) for index in re.findall(r"ok t(\d+)Test passed", output)}
    refused = dict(re.findall(r"\d+\) t(\d+)Test:\s+Error \[QNT513\].*?#(\d+) evaluated", output))
    answers = []
    for index, recorder in enumerate(recorders):
        if index in passed:
            answers.append(Answer(len(recorder.steps), None))
        else:
            assert str(index) in refused, output[-4000:]
            accepted = int(refused[str(index)]) - 1
            answers.append(Answer(accepted, recorder.steps[accepted]))
    return answers
