"""Runs of final blocks from a peer, taken only with the checks that storage makes.

The rule is docs/protocol.md#K1.

An offer is what travels: encoded blocks, the encoded finalization of the last, encoded batches. The
real `check_run` judges it; it is driven here without a loop, since it waits for nothing.
"""

from __future__ import annotations

from collections.abc import Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from quorate.core.bft import effects as do
from quorate.core.bft.messages import decode_certificate
from quorate.core.errors import InvalidInput
from quorate.core.genesis import Genesis, Seat
from quorate.core.values import Address, Hash
from quorate.storage import runs

if TYPE_CHECKING:
    from tests.sim.world import World


@dataclass(frozen=True, slots=True)
class Offer:
    """What a peer gives to who catches up; `names` says which batches come along."""

    blocks: tuple[bytes, ...]
    certificate: bytes
    batches: tuple[bytes, ...] = ()
    names: tuple[bytes, ...] = ()


def build_genesis(world: World, balances: tuple[tuple[Address, int], ...]) -> Genesis:
    """Return the genesis of a simulated chain, as storage sees it."""
    keys = world.get_keys(0)
    seats = tuple(Seat(index, f"validator-{index}", key) for index, key in enumerate(keys))
    return Genesis(
        "sim", world.genesis_ms, 0, world.params, seats, balances,
        Hash(world.genesis_hash), Hash(world.domain),
    )  # fmt: skip


def check_offer(offer: Offer, from_height: int, genesis: Genesis) -> do.CommitBlocks | None:
    """Return the run that an offer holds; None when storage would refuse it."""
    given = runs.Offer(offer.blocks, offer.certificate, offer.batches)
    try:
        run = _finish(runs.check_run(given, from_height, genesis))
    except InvalidInput:
        return None
    return do.CommitBlocks(run.blocks, decode_certificate(run.certificate))


def _finish(coroutine: Coroutine[Any, Any, runs.Run]) -> runs.Run:
    while True:
        try:
            coroutine.send(None)
        except StopIteration as done:
            run: runs.Run = done.value
            return run
