"""What a block does besides its transactions: conduct, reward, and the end of its epoch.

The order is fixed: conduct before the transactions; the reward after them; then, in an epoch's last
block, slashes and the election (docs/protocol.md#Y1, #J1 to #J6, #N4).
"""

from collections.abc import Iterator

from quorate.core.bft.leader import compute_leader_order
from quorate.core.context import Context
from quorate.core.epochs import EpochStart, compute_end, is_last_block, start_after
from quorate.core.governance.issue import note_issued
from quorate.core.seats import SeatSet
from quorate.core.staking.election import Election
from quorate.core.staking.performance import Performance
from quorate.core.staking.records import PERFORMANCE_KEY
from quorate.core.staking.rewards import apply_reward, compute_issue
from quorate.core.staking.slashing import apply_slashes
from quorate.core.state import (
    EPOCH_START_KEY,
    Changes,
    compute_set_key,
)


class Closing:
    """One block's conduct, reward and end of epoch, on the changes of its execution."""

    def __init__(self, context: Context, changes: Changes) -> None:
        self._context, self._changes = context, changes
        self._start = EpochStart.decode(changes.get(EPOCH_START_KEY))
        self._seats = self._load_set(context.header.epoch)
        # What `iter_end` has held, for those who ask what it would give.
        self.election: Election | None = None

    def count_views(self) -> None:
        """Count views since the block's parent against their leaders."""
        header, start = self._context.header, self._start
        # Views before an epoch's first block are of tail blocks, or nobody's.
        is_first = header.height == start.height + 1
        if header.view - header.parent_view > 1 and not is_first:
            seats = len(self._seats.seats)
            order = compute_leader_order(self._context.domain, start.epoch, start.carried, seats)
            performance = Performance.decode(self._changes.get(PERFORMANCE_KEY))
            performance.count_missed(header, order)
            self._changes.put(PERFORMANCE_KEY, performance.encode())

    def pay(self, fees: int) -> None:
        """Share the block's fees and issue."""
        header = self._context.header
        reward = fees + compute_issue(header.height, self._context.params)
        if reward:
            apply_reward(self._changes, self._seats.seats[header.proposer].candidate, reward)

    def is_last(self) -> bool:
        """Tell whether the block is its epoch's last (docs/protocol.md#N1)."""
        return is_last_block(self._context.header, compute_end(self._start, self._context.params))

    def iter_end(self) -> Iterator[SeatSet | None]:
        """End the epoch in bounded steps; the last one yields the set of the epoch after next."""
        header, params = self._context.header, self._context.params
        note_issued(self._changes, header, params)
        yield from apply_slashes(self._changes, self._start, params.slash_bp)
        following = self._load_set(header.epoch + 1)
        election = self.election = Election(self._changes, params, self._seats, following)
        performance = Performance.decode(self._changes.get(PERFORMANCE_KEY))
        yield from election.iter_steps(performance)
        next_set = election.next_set
        fresh = Performance.start(following.epoch, len(following.seats))
        self._changes.put(PERFORMANCE_KEY, fresh.encode())
        self._changes.put(EPOCH_START_KEY, start_after(header).encode())
        self._changes.put(compute_set_key(next_set.epoch), next_set.encode())
        yield next_set

    def _load_set(self, epoch: int) -> SeatSet:
        return SeatSet.decode(self._changes.get(compute_set_key(epoch)))
