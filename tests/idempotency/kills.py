"""Who is killed, how far into the sending, and for how long: all drawn from one seed.

Of the validators at most f are down at once, but for some moments when all are killed together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

CLIENT, GATEWAY, VALIDATOR, EVERY_VALIDATOR = "client", "gateway", "validator", "every validator"
_WEIGHTS = {CLIENT: 8, GATEWAY: 6, VALIDATOR: 5, EVERY_VALIDATOR: 1}
DOWN_S_MAX = 1.5


@dataclass(frozen=True, slots=True)
class Kill:
    """SIGKILL of these at a moment: `due` counts payments that were done, `down_s` the absence."""

    due: int
    kind: str
    names: tuple[str, ...]
    down_s: float


def draw_kills(
    seed: int, count: int, names: dict[str, Sequence[str]], work: int, faults: int
) -> list[Kill]:
    """Return so many kills, spread over the work; `names` are those of each kind.

    One of each kind is always among the first four, whatever the seed.
    """
    rng = Random(f"kills {seed}")
    kinds = [*_WEIGHTS, *rng.choices(list(_WEIGHTS), list(_WEIGHTS.values()), k=max(0, count - 4))]
    rng.shuffle(kinds)
    kills = []
    for number, kind in enumerate(kinds[:count]):
        known = names[VALIDATOR if kind == EVERY_VALIDATOR else kind]
        size = {
            CLIENT: rng.randint(1, max(1, len(known) // 3)),
            GATEWAY: rng.randint(1, len(known)),
            VALIDATOR: rng.randint(1, max(1, faults)),
            EVERY_VALIDATOR: len(known),
        }[kind]
        # The last one comes early enough that there is something left to be harmed.
        due = round((number + rng.random()) / count * 0.9 * work)
        struck = tuple(sorted(rng.sample(list(known), size)))
        kills.append(Kill(due, kind, struck, rng.random() * DOWN_S_MAX))
    return kills
