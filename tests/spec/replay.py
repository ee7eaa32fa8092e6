"""Records a run of the Python engine and asks the specification whether it is a behaviour of it."""

import re
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from tests.sim.plan import Plan, draw
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
    """Return the plan of the first seed from this one on that is for four seats.

    With an adversary named, it is the only faulty seat.
    """
    for each in range(seed, seed + 1_000):
        plan = draw(each)
        if plan.seats == 4 and not plan.observers:
            plan = replace(plan, faulty_ms=RUN_MS)
            if adversary is None:
                return plan
            return replace(plan, adversaries=((seed % 4, adversary),), liars=(), dead=())
    raise AssertionError("plans for four seats are common")


def record(plan: Plan, steps_max: int = STEPS_MAX) -> Recorder:
    """Return what engines did under a plan; broken ones are not stopped by checkers."""
    world = World(plan)
    recorder = Recorder(world, steps_max)
    world.checkers[:] = [recorder]
    world.start()
    world.run_until(plan.faulty_ms, recorder.is_full)
    return recorder


def write_trace(recorder: Recorder, folder: Path) -> None:
    """Write trace.qnt, and beside it what it imports."""
    for name in ("simplex.qnt", "replay.qnt"):
        (folder / name).write_bytes((SPEC / name).read_bytes())
    seats = ", ".join(str(place) for place in recorder.byzantine)
    steps = ",\n".join(
        f'    ("{step.act}", {step.seat}, {step.one}, {step.two})' for step in recorder.steps
    )
    text = (
        "module trace {\n  import replay(\n"
        f'    SEATS = 4, BYZANTINE = Set({seats}), BROKEN = "",\n    TRACE = [\n{steps}\n    ]\n'
        '  ).* from "./replay"\n}\n'
    )
    (folder / "trace.qnt").write_text(text, encoding="utf-8")


def replay(recorder: Recorder, folder: Path) -> Answer:
    """Return how far the specification follows a recorded run; `folder` is for its files."""
    write_trace(recorder, folder)
    hidden = [f"trace::replay::{name}" for name in ("replicas", "sent", "blocks", "found")]
    output = run_quint(
        "run", "trace.qnt", "--main=trace", "--init=begin", "--step=follow", "--max-samples=1",
        f"--max-steps={len(recorder.steps)}", "--verbosity=2", "--hide", *hidden, folder=folder,
    )  # fmt: skip
    states = re.search(r"Trace length statistics: max=(\d+)", output)
    assert states is not None, output[-2000:]
    accepted = int(states[1]) - 1
    done = accepted == len(recorder.steps)
    return Answer(accepted, None if done else recorder.steps[accepted])
