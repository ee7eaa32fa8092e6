"""Runs of final blocks from a peer, taken only with the checks that storage makes.

The rule is docs/protocol.md#K1.

An offer is what travels: encoded blocks, the encoded finality of the last, encoded batches. The
real `check_run` judges it; it is driven here without a loop, since it waits for nothing.
"""

from __future__ import annotations

from collections.abc import Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from quorate.core.bft import effects as do
from quorate.core.bft.finality import decode_finality
from quorate.core.errors import InvalidInput
from quorate.core.genesis import Genesis
from quorate.core.origin import Origin
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
    first, following = (world.sets.get_set(epoch).seats for epoch in (0, 1))
    # The simulated chain's hash is its own: nothing here opens it.
    hashes = world.sets.get_set(0).hash, world.sets.get_set(1).hash
    origin = Origin(bytes(32), world.genesis_ms, 0, 0, 0, hashes, "sim")
    return Genesis(
        "sim", world.genesis_ms, 0, world.params, first, following, (), balances,
        origin,
        Hash(world.genesis_hash), Hash(world.domain),
    )  # fmt: skip


def check_offer(offer: Offer, base: runs.Base, genesis: Genesis) -> do.CommitBlocks | None:
    """Return the run that an offer holds; None when storage would refuse it."""
    given = runs.Offer(offer.blocks, offer.certificate, offer.batches)
    try:
        run = _finish(runs.check_run(given, base, genesis))
    except InvalidInput:
        return None
    return do.CommitBlocks(run.blocks, decode_finality(run.certificate))


def _finish(coroutine: Coroutine[Any, Any, runs.Run]) -> runs.Run:
    while True:
        try:
            coroutine.send(None)
        except StopIteration as done:
            run: runs.Run = done.value
            return run
