"""The same comparison as a hypothesis machine: when it fails, the steps shrink to a few.

Each step adds a transaction of some kinds of payload to the block that is open, accuses a seat, or
closes the block; then both states are compared whole.
"""

from random import Random

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.economy.actors import Item
from tests.economy.drawing import KINDS, Drawing
from tests.economy.founding import draw_founding
from tests.economy.world import World

SEEDS = st.integers(0, 2**20)
KIND_LISTS = st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=3)
VIEWS = st.one_of(st.just(1), st.integers(1, 12))


class EconomyMachine(RuleBasedStateMachine):
    """One world; hypothesis chooses what is sent, when blocks end and which views are missed."""

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

    @rule(seed=SEEDS)
    def accuse(self, seed: int) -> None:
        self.drawing.rng = rng = Random(seed)
        reporter = rng.randrange(len(self.world.expected.sets[self.world.epoch]))
        self.pending.append(self.drawing.draw_accusation(reporter, self.pending))

    @rule(views=VIEWS, wait_ms=st.sampled_from([1, 20, 500]), lag=st.integers(0, 6))
    def end_block(self, views: int, wait_ms: int, lag: int) -> None:
        items, self.pending = self.pending, []
        self.world.play(items, views=views, wait_ms=wait_ms, lag=lag)
