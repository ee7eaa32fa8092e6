"""The same comparison as a hypothesis machine: when it fails, the steps shrink to a few.

Each step adds a transaction of some kinds of payload to the block that is open, accuses a seat, or
closes the block; then both states are compared whole.
"""

from collections import Counter
from random import Random
from typing import ClassVar

from hypothesis import seed as use_seed
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)

from tests.economy.actors import Item
from tests.economy.drawing import KINDS, Drawing
from tests.economy.founding import draw_founding
from tests.economy.world import World

SEEDS = st.integers(0, 2**20)
KIND_LISTS = st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=3)
VIEWS = st.one_of(st.just(1), st.integers(1, 12))


class EconomyMachine(RuleBasedStateMachine):
    """One world; hypothesis chooses what is sent, when blocks end and which views are missed.

    `steps` and `met` count over all worlds of a process.
    """

    steps: ClassVar[int] = 0
    met: ClassVar[Counter[str]] = Counter()

    @initialize(seed=SEEDS)
    def found(self, seed: int) -> None:
        rng = Random(seed)
        self.world = World(draw_founding(rng))
        self.drawing = Drawing(self.world, rng)
        self.pending: list[Item] = []

    @rule(seed=SEEDS, kinds=KIND_LISTS)
    def send(self, seed: int, kinds: list[str]) -> None:
        self.drawing.rng = Random(seed)
        self.pending.append(self.drawing.draw_sent(kinds, self.pending))
        EconomyMachine.steps += 1

    @rule(seed=SEEDS)
    def accuse(self, seed: int) -> None:
        self.drawing.rng = rng = Random(seed)
        reporter = rng.randrange(len(self.world.expected.sets[self.world.epoch]))
        self.pending.append(self.drawing.draw_accusation(reporter, self.pending))
        EconomyMachine.steps += 1

    @rule(views=VIEWS, wait_ms=st.sampled_from([1, 20, 500]), lag=st.integers(0, 6))
    def end_block(self, views: int, wait_ms: int, lag: int) -> None:
        items, self.pending = self.pending, []
        self.world.play(items, views=views, wait_ms=wait_ms, lag=lag)
        EconomyMachine.steps += 1

    def teardown(self) -> None:
        if hasattr(self, "world"):
            EconomyMachine.met += self.world.expected.met


def play_examples(seed: int, examples: int) -> tuple[int, Counter[str]]:
    """Play hypothesis's examples of a seed; return how many steps they had, and what was met.

    Raises whatever the shortest example that it found raises, with its steps as notes.
    """
    before, EconomyMachine.met = EconomyMachine.steps, Counter()
    chosen = settings(
        max_examples=examples,
        stateful_step_count=80,
        deadline=None,
        database=None,
        print_blob=False,
    )
    run_state_machine_as_test(use_seed(seed)(EconomyMachine), settings=chosen)
    return EconomyMachine.steps - before, EconomyMachine.met
