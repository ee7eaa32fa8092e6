"""A seeded run: blocks drawn one after the other; what fails can be played again from its seed."""

from collections import Counter
from random import Random

from tests.economy.drawing import Drawing
from tests.economy.founding import draw_founding
from tests.economy.world import World

# A world is played for so many blocks, then another one is drawn.
BLOCKS = 150
# Views that nobody leads, at most; a leader that dozes is passed over.
GAP_MAX = 40


class Failure(Exception):
    """A world in which both sides differ; the message says how to see it again."""


class Player:
    """Plays one world; seats doze and wake by chance."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self.world = World(draw_founding(rng))
        self._drawing = Drawing(self.world, rng)
        self._dozing: set[bytes] = set()
        self.transactions = 0

    def play_block(self) -> None:
        """Draw and play one block."""
        rng, world = self._rng, self.world
        owners = [seat.candidate for seat in world.expected.sets[world.epoch]]
        if rng.random() < 0.08:
            self._dozing ^= {rng.choice(owners)}
        views = 1
        while views < GAP_MAX and owners[world.get_leader(world.head.view + views)] in self._dozing:
            views += 1
        if rng.random() < 0.02:
            views += rng.randint(0, GAP_MAX)
        items = self._drawing.draw_block()
        self.transactions += len(items)
        wait_ms = rng.choice([1, 1, 20, 500])
        world.play(items, views=views, wait_ms=wait_ms, lag=rng.choice([0, 1, 1, 1, 6]))


def play_world(seed: int, blocks: int = BLOCKS) -> tuple[int, Counter[str]]:
    """Play the world of a seed; return how many transactions, and what was met.

    Raises Failure when the two sides differ.
    """
    player = Player(Random(seed))
    try:
        for _ in range(blocks):
            player.play_block()
    except Exception as error:
        raise Failure(
            f"world {seed}: {type(error).__name__}: {error}\n"
            f"replay: python tests/economy/run.py --world {seed}"
        ) from error
    return player.transactions, player.world.expected.met
