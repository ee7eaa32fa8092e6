"""How all candidates stand at one executed height: the election as it would be now, run dry."""

import asyncio
import time
from bisect import bisect_right
from dataclasses import dataclass, replace
from typing import Final

from quorate.core.closing import Closing
from quorate.core.context import Context
from quorate.core.epochs import EpochStart
from quorate.core.governance.parameters import load_params
from quorate.core.params import Params
from quorate.core.seats import SeatSet
from quorate.core.staking.election import Obstacle
from quorate.core.staking.performance import Performance
from quorate.core.staking.records import CANDIDATE_PREFIX, PERFORMANCE_KEY, peek_candidate
from quorate.core.state import EPOCH_START_KEY, Changes, compute_set_key
from quorate.storage.chain import Chain
from quorate.storage.pacer import Pacer
from quorate.storage.store import StateView

# Candidates that one step handles.
_PAGE: Final = 128
# Standings cost about 15 µs of CPU per candidate. They are used again for so long that they take
# a tenth of a core at most; where there are few they are always of the latest height.
_REUSE_S_EACH: Final = 150e-6
_REUSE_S_LEAST: Final = 0.1

Place = tuple[int, bytes]


@dataclass(frozen=True, slots=True)
class Standings:
    """All candidates at one height. `order` holds (−stake, owner) of who has not gone, ascending.

    `elected` is the set that an election now would give; `records` are those of `order`, as they
    are on chain; `obstacles` and `ranks` are of that election. `params` are those in force.
    """

    height: int
    params: Params
    running: SeatSet
    following: SeatSet
    elected: SeatSet
    performance: Performance
    order: list[Place]
    records: dict[bytes, bytes]
    obstacles: dict[bytes, Obstacle]
    ranks: dict[bytes, int]

    def list_after(self, place: Place | None, count: int) -> list[bytes]:
        """Return the owners that follow a place in the order, at most `count`."""
        start = 0 if place is None else bisect_right(self.order, place)
        return [owner for _, owner in self.order[start : start + count]]


class Board:
    """The latest standings; computes them when somebody asks, never twice at a time."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self._lock = asyncio.Lock()
        self._latest: Standings | None = None
        self._until_s = 0.0

    async def get(self) -> Standings:
        """Return standings, as a rule of the latest executed height."""
        async with self._lock:
            found = self._latest
            if found is not None and self._is_fresh(found):
                return found
            found = self._latest = await self._build()
            reuse_s = len(found.order) * _REUSE_S_EACH
            now_s = time.monotonic()
            self._until_s = now_s + reuse_s if reuse_s >= _REUSE_S_LEAST else now_s
            return found

    def _is_fresh(self, found: Standings) -> bool:
        return found.height >= self._chain.reader.height or time.monotonic() < self._until_s

    async def _build(self) -> Standings:
        genesis = self._chain.store.genesis
        view, pacer = self._chain.store.open_state(), Pacer()
        start = EpochStart.decode(view[EPOCH_START_KEY])
        header = replace(genesis.root.header, height=view.height, epoch=start.epoch)
        changes = Changes(view)
        params = load_params(view, genesis.params)
        closing = Closing(Context(header, params, genesis.domain), changes)
        elected: SeatSet | None = None
        for each in closing.iter_end():
            elected = each
            await pacer.pause()
        assert elected is not None and closing.election is not None, "an epoch's end gives a set"
        obstacles = dict[bytes, Obstacle]()
        for page in changes.iter_prefix(CANDIDATE_PREFIX, _PAGE):
            for key, record in page:
                owner = key[1:]
                obstacles[owner] = closing.election.find_obstacle(owner, peek_candidate(record))
            await pacer.pause()
        order, records = await _list_all(view, pacer)
        able = [owner for _, owner in order if not obstacles[owner]]
        return Standings(
            height=view.height,
            params=params,
            running=SeatSet.decode(view[compute_set_key(start.epoch)]),
            following=SeatSet.decode(view[compute_set_key(start.epoch + 1)]),
            elected=elected,
            performance=Performance.decode(view[PERFORMANCE_KEY]),
            order=order,
            records=records,
            obstacles=obstacles,
            ranks={owner: rank for rank, owner in enumerate(able, 1)},
        )


async def _list_all(view: StateView, pacer: Pacer) -> tuple[list[Place], dict[bytes, bytes]]:
    """Return places and records of all candidates that have neither resigned nor been slashed."""
    order, records, after = list[Place](), dict[bytes, bytes](), CANDIDATE_PREFIX
    while True:
        page = view.scan(CANDIDATE_PREFIX, after, _PAGE)
        for key, record in page:
            found = peek_candidate(record)
            if not found.flags:
                order.append((-found.stake, key[1:]))
                records[key[1:]] = record
        await pacer.pause()
        if len(page) < _PAGE:
            break
        after = page[-1][0]
    order.sort()
    return order, records
