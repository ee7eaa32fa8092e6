"""A storm: what is killed, cut and frozen in which order, all drawn from one seed.

A storm is rounds without end; the runner takes as many as it wants kills. A round has a weather on
the links, strikes in it, and ends with everything up and connected, when the chain must go on.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from quorate.devnet.faults.conditions import Condition
from quorate.devnet.faults.relay import Pair
from quorate.kit.failpoints import POINTS

# How often a killed validator is started again with a fail-point, so that it dies anew there.
ARMED = 0.45
# A fail-point is passed many times a second under load, also while starting.
COUNT_MAX = 40
STRIKES_MAX = 4
GAP_S_MAX = 0.8
DOWN_S_MAX = 1.2


@dataclass(frozen=True, slots=True)
class Victim:
    """A validator that is killed, and the fail-point it is started again with, if any."""

    name: str
    point: str
    count: int


@dataclass(frozen=True, slots=True)
class Strike:
    """One kill, of one, several or all validators at the same moment."""

    after_s: float
    down_s: float
    victims: tuple[Victim, ...]


@dataclass(frozen=True, slots=True)
class Round:
    """Strikes in one weather; `paused` are frozen meanwhile, `wiped` loses its chain data."""

    weather: str
    links: dict[Pair, Condition]
    paused: str
    wiped: str
    strikes: tuple[Strike, ...]


def draw_rounds(seed: int, names: Sequence[str]) -> Iterator[Round]:
    """Yield the rounds of a seed."""
    number = 0
    while True:
        # Of its own for each round: a round is the same however far the one before it got.
        yield _draw_round(random.Random(f"{seed} {number}"), list(names))
        number += 1


def _draw_round(rng: random.Random, names: list[str]) -> Round:
    weather = rng.choices(
        ("calm", "partition", "pause", "bad links", "slow link", "wipe"), (8, 4, 3, 2, 2, 1)
    )[0]
    strikes = [_draw_strike(rng, names) for _ in range(rng.randint(1, STRIKES_MAX))]
    paused = wiped = ""
    if weather == "pause":
        paused = rng.choice(names)
    if weather == "wipe":
        # What one lost the others must have: nobody else is struck meanwhile.
        wiped = rng.choice(names)
        strikes = [Strike(0.0, rng.random(), (Victim(wiped, "", 0),))]
    links = _draw_links(rng, weather, names)
    return Round(weather, links, paused, wiped, tuple(strikes))


def _draw_strike(rng: random.Random, names: list[str]) -> Strike:
    kind = rng.choices(("one", "several", "all"), (5, 3, 2))[0]
    count = {"one": 1, "several": rng.randint(2, len(names) - 1), "all": len(names)}[kind]
    victims = tuple(_draw_victim(rng, name) for name in rng.sample(names, count))
    return Strike(rng.random() * GAP_S_MAX, rng.random() * DOWN_S_MAX, victims)


def _draw_victim(rng: random.Random, name: str) -> Victim:
    if rng.random() >= ARMED:
        return Victim(name, "", 0)
    return Victim(name, rng.choice(POINTS), rng.randint(1, COUNT_MAX))


def _draw_links(rng: random.Random, weather: str, names: list[str]) -> dict[Pair, Condition]:
    pairs = [(i, j) for i in names for j in names if i != j]
    if weather == "partition":
        first = set(rng.sample(names, rng.randint(1, len(names) - 1)))
        cut = Condition(cut="silent" if rng.random() < 0.7 else "reset")
        return {(i, j): cut for i, j in pairs if (i in first) != (j in first)}
    if weather == "bad links":
        bad = Condition(
            delay_ms=rng.randint(0, 100), jitter_ms=rng.randint(0, 50),
            loss_per_mille=rng.randint(0, 50),
        )  # fmt: skip
        return dict.fromkeys(pairs, bad)
    if weather == "slow link":
        slow = Condition(delay_ms=rng.randint(100, 500), bytes_per_s=rng.randint(2_000, 50_000))
        return {rng.choice(pairs): slow}
    return {}
