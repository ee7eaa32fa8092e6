"""What a leader proposes, when, and on which parent (docs/protocol.md#R2, #W1, #W2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quorate.core.bft.helping import ASK_EVERY_MS, find_notarized
from quorate.core.bft.messages import Kind
from quorate.core.bft.timers import CARRY_DELAY_MS
from quorate.core.blocks import (
    Block,
    Executed,
    Header,
    compute_base_fee,
    compute_batches_hash,
    compute_handover_hash,
)
from quorate.core.results import compute_claim
from quorate.core.values import ZERO_HASH

if TYPE_CHECKING:
    from quorate.core.bft.replica import Replica


class Proposer:
    """Decides for one replica whether a block is due, and builds it."""

    def __init__(self, replica: Replica) -> None:
        self._replica = replica

    def build(self) -> Block | None:
        """Return the block to propose now in the current view, or None when none is due."""
        parent = self._find_parent(ask=True)
        if parent is None:
            return None
        if not self._is_due(parent) or self._compute_earliest_ms(parent) > self._replica.now_ms:
            return None
        return self._build_on(parent)

    def has_work(self) -> bool:
        """Tell whether a batch waits that a block on the newest known parent could name."""
        replica = self._replica
        tip = self._find_parent(ask=False) or replica.chain.head
        if self._is_lagging(tip) or replica.epoch.needs_tail(tip):
            return False
        return replica.pool.has_work(tip.header.height + 1, self._collect_taken(tip))

    def is_waiting_for_results(self) -> bool:
        """Tell whether what is executed next decides on the own next block, or on any."""
        replica = self._replica
        tip = self._find_parent(ask=False) or replica.chain.head
        return replica.leader(replica.view) == replica.setup.seat or self._is_lagging(tip)

    def is_heartbeat_due(self) -> bool:
        """Tell whether the chain has been quiet for so long that an empty block is due."""
        replica = self._replica
        return replica.now_ms - replica.committer.final_ms >= replica.suspecter.get_beat_ms()

    def compute_wake_ms(self) -> int | None:
        """Return when the own proposal, or anyone's heartbeat, will be due; None: on event."""
        replica = self._replica
        times = [replica.committer.final_ms + replica.suspecter.get_beat_ms()]
        if replica.leader(replica.view) == replica.setup.seat:
            times += self._list_own_times()
        return min([at for at in times if at > replica.now_ms], default=None)

    def _list_own_times(self) -> list[int]:
        replica = self._replica
        parent = self._find_parent(ask=False)
        if parent is None:
            return [replica.now_ms + ASK_EVERY_MS]
        times = [self._compute_tail_ms(parent)]
        if self._is_due(parent):
            times.append(self._compute_earliest_ms(parent))
        if self._is_carry_wanted(parent):
            times.append(replica.committer.final_ms + CARRY_DELAY_MS)
        return times

    def _is_due(self, parent: Block) -> bool:
        replica = self._replica
        if parent is not replica.chain.head and (
            replica.timers.failures or replica.now_ms >= self._compute_tail_ms(parent)
        ):
            return True
        if replica.epoch.needs_tail(parent):
            return False
        if self._is_carry_wanted(parent) and (
            replica.now_ms - replica.committer.final_ms >= CARRY_DELAY_MS
            or self._is_lagging(parent)
        ):
            return True
        if replica.suspecter.is_due(parent, self._claim(parent)):
            return True
        # A block that is on its way to be final is a sign of life too.
        seen_ms = replica.seen_ms.get(parent.digest, replica.committer.final_ms)
        beat_ms = replica.suspecter.get_beat_ms()
        if replica.now_ms - max(seen_ms, replica.committer.final_ms) >= beat_ms:
            return True
        return self.has_work()

    def _compute_tail_ms(self, parent: Block) -> int:
        # What is notarized but not final for so long needs a block on top of it to become final.
        view = self._replica.views.get(parent.header.view)
        return 0 if view is None else view.ended_ms + self._replica.params.view_timeout_ms // 2

    def _is_carry_wanted(self, parent: Block) -> bool:
        # Some block with batches was executed and no header of this branch says so yet.
        chain, claimed = self._replica.chain, parent.header.executed.height
        return claimed < chain.loaded_height <= chain.executed_height

    def _is_lagging(self, parent: Block) -> bool:
        done = max(self._replica.chain.executed_height, parent.header.executed.height)
        return parent.header.height + 1 - done > self._replica.params.execution_lag_max

    def _compute_earliest_ms(self, parent: Block) -> int:
        replica = self._replica
        seen_ms = replica.seen_ms.get(parent.digest)
        if seen_ms is None:
            return replica.now_ms
        return seen_ms + replica.timers.compute_interval_ms(parent.header.weight)

    def _find_parent(self, *, ask: bool) -> Block | None:
        replica = self._replica
        for number in range(replica.view - 1, replica.final_view, -1):
            view = replica.views.get(number)
            digest = find_notarized(view)
            gap = number if digest is None else replica.chain.find_gap(digest, number)
            if digest is not None and gap is None:
                return replica.chain.find(digest)
            is_nullified = view is not None and Kind.NULLIFY in view.certificates
            if ask and gap is not None and not (digest is None and is_nullified):
                replica.helper.ask_proof(gap, number)
            if not is_nullified:
                return None
        return replica.chain.head

    def _collect_taken(self, parent: Block) -> set[bytes]:
        chain = self._replica.chain
        return chain.collect_names(chain.find_branch(parent.digest) or [])

    def _claim(self, parent: Block) -> Executed:
        chain, claimed = self._replica.chain, parent.header.executed
        if self._replica.suspecter.own.height > claimed.height:
            # Who waits within a run of blocks for the same decision could not judge more.
            return claimed
        height = max(chain.executed_height, claimed.height)
        return compute_claim(claimed, height, chain.results) or claimed

    def _build_on(self, parent: Block) -> Block:
        replica = self._replica
        if replica.epoch.needs_tail(parent):
            return replica.epoch.build_tail(parent)
        params, above = replica.params, parent.header
        names: tuple[bytes, ...] = ()
        weight, claim = 0, self._claim(parent)
        handover = replica.epoch.build_handover(parent)
        if above.height + 1 - claim.height <= params.execution_lag_max:
            names, weight = replica.pool.select(above.height + 1, self._collect_taken(parent))
        header = Header(
            protocol_version=params.protocol_version,
            contract_engine=params.contract_engine,
            epoch=replica.setup.epoch,
            view=replica.view,
            height=above.height + 1,
            parent=parent.digest,
            parent_view=above.view,
            time_ms=max(replica.clock_ms, above.time_ms + 1),
            proposer=replica.leader(replica.view),
            batches_hash=compute_batches_hash(names),
            weight=weight,
            base_fee=compute_base_fee(above.base_fee, above.weight, params),
            last_block=ZERO_HASH,
            handover_hash=compute_handover_hash(handover),
            executed=claim,
            suspect=replica.suspecter.pick(above.height + 1, claim),
        )
        return Block.build(header, names, handover)
