"""What gossip tells gateways of its queue: what waits at which price, where one thing stands."""

import asyncio
from typing import Final

from quorate.api.transaction.v1 import transaction_pb2 as tx
from quorate.core.errors import InvalidInput, Unavailable
from quorate.core.gossip.entries import Entry, State
from quorate.core.gossip.explain import (
    FEE_TOO_LOW,
    INSUFFICIENT_BALANCE,
    SEQUENCE_GAP,
    SEQUENCE_TAKEN,
    Obstacle,
    find_standing,
)
from quorate.core.gossip.market import Market
from quorate.core.gossip.mempool import Mempool
from quorate.core.params import Params
from quorate.core.values import HASH_BYTES
from quorate.gossip.batcher import Batcher
from quorate.gossip.chain import ChainFollower, Outcome
from quorate.gossip.own_seat import OwnSeat

# With work to do, a chain of which no block came for so long stands still.
STALLED_S: Final = 10.0

_REMEDIES: Final = {
    SEQUENCE_GAP: tx.REMEDY_SEND_SEQUENCE,
    SEQUENCE_TAKEN: tx.REMEDY_MAKE_ANEW,
    FEE_TOO_LOW: tx.REMEDY_RAISE_FEE_LIMIT,
    INSUFFICIENT_BALANCE: tx.REMEDY_FUND,
}


class FeeDesk:
    """Watches executed blocks, and answers about the queue."""

    def __init__(
        self,
        mempool: Mempool,
        chain: ChainFollower,
        seat: OwnSeat,
        batcher: Batcher,
        params: Params,
    ) -> None:
        self._mempool, self._chain, self._seat = mempool, chain, seat
        self._batcher, self._params = batcher, params
        self._held = batcher.held
        self._market = Market()
        self._moved_at_s = 0.0

    def note_block(self, outcome: Outcome) -> None:
        """Take note of an executed block."""
        self._moved_at_s = asyncio.get_running_loop().time()
        own, validity = 0, self._params.batch_validity_blocks
        for held in outcome.executed:
            if held.author and held.author == self._seat.key:
                own += held.header.weight
                sealed_height = held.header.expiry_height - validity
                self._market.note_batch(max(outcome.height - sealed_height, 1))
        self._market.note_block(
            self._mempool.paid, own, int(self._moved_at_s * 1_000), is_busy=self._batcher.is_behind
        )

    def report(self) -> tx.QueueReport:
        """Return what waits here, and what the last blocks took."""
        mempool, market = self._mempool, self._market
        queue = mempool.lanes.queue
        ladder = queue.list_weights()
        return tx.QueueReport(
            height=mempool.height,
            base_fee=mempool.base_fee,
            ready_weight=queue.weight,
            prices=[price for price, _ in ladder],
            weights=[weight for _, weight in ladder],
            unfinalized_weight=self._batcher.compute_unfinalized_weight(),
            lag_blocks=market.compute_lag_blocks(),
            block_weight=self._compute_block_weight(),
            paid_prices=market.list_paid(),
            paid_blocks=market.paid_blocks,
            used_bytes=mempool.bytes,
            room_bytes=mempool.bytes_max,
            ready_bytes_max=self._batcher.pace.compute_allowed_bytes(),
            ready_bytes=queue.bytes + self._held.get_author_bytes(self._seat.key),
        )

    async def locate(self, id_: bytes) -> tx.Position | None:
        """Return where a transaction stands here; None when it is not held here.

        Raises InvalidInput for what is no id. Its sender's account is read anew.
        """
        if len(id_) != HASH_BYTES:
            raise InvalidInput("an id has 32 bytes", reason="MALFORMED_ID")
        entry = self._mempool.entries.get(id_)
        if entry is None:
            return None
        try:
            async with asyncio.timeout(1.0):
                await self._chain.read_state([entry.slot[:32]], [])
        except (TimeoutError, Unavailable):
            pass  # what is known has to do
        if self._mempool.entries.get(id_) is not entry:
            return None
        position = self._describe(entry)
        if entry.state is State.BATCHED or self._is_foreign(entry):
            self._add_batch(position, entry)
        else:
            self._add_standing(position, entry)
        self._add_chain(position)
        return position

    def _describe(self, entry: Entry) -> tx.Position:
        lane, mempool = entry.lane, self._mempool
        return tx.Position(
            stage=tx.STAGE_RECEIVED,
            sender=lane.account.sender,
            lane=lane.prefix[32],
            sequence=entry.sequence,
            next_sequence=lane.next,
            price=entry.price,
            weight=entry.weight,
            fee_limit=entry.fee_limit,
            tip=entry.tip,
            valid_until_height=entry.valid_until,
            height=mempool.height,
            base_fee=mempool.base_fee,
        )

    def _is_foreign(self, entry: Entry) -> bool:
        return self._mempool.lanes.foreign.get(entry.slot) == entry.id

    def _add_batch(self, position: tx.Position, entry: Entry) -> None:
        position.stage, position.quorum = tx.STAGE_BATCHED, self._held.quorum
        position.blocks = self._market.compute_lag_blocks()
        held = self._held.batches.get(entry.batch)
        if held is None:
            return
        position.holders = self._held.count(held)
        if position.holders < position.quorum:
            position.blockers.append(
                tx.Blocker(
                    reason="WAITING_FOR_HOLDERS",
                    message=f"{position.holders} of {position.quorum} seats hold its batch",
                    remedy=tx.REMEDY_WAIT,
                    advice="nothing to do: the batch is sent to every seat that is there",
                )
            )

    def _add_standing(self, position: tx.Position, entry: Entry) -> None:
        standing = find_standing(self._mempool, entry, self._params)
        position.ahead_in_lane, position.price = standing.ahead_in_lane, standing.price
        position.ahead_weight = standing.ahead_weight
        wait = self._market.compute_lag_blocks() + -(
            -standing.ahead_weight // self._compute_block_weight()
        )
        for obstacle in standing.obstacles:
            position.blockers.append(self._build_blocker(position, obstacle, wait))
        if all(each.remedy == tx.REMEDY_RAISE_TIP for each in position.blockers):
            position.blocks = wait

    def _build_blocker(self, position: tx.Position, found: Obstacle, wait: int) -> tx.Blocker:
        remedy = _REMEDIES.get(found.reason, tx.REMEDY_RAISE_TIP)
        blocker = tx.Blocker(
            reason=found.reason, remedy=remedy, sequence=found.sequence, amount=found.amount
        )
        which = "it" if found.sequence == position.sequence else f"sequence {found.sequence}"
        if found.reason == SEQUENCE_GAP:
            blocker.message = f"sequence {found.sequence} of lane {position.lane} is missing"
            blocker.advice = f"send the transaction of sequence {found.sequence}"
        elif found.reason == SEQUENCE_TAKEN:
            blocker.message = "a batch of another validator has its place in the lane"
            blocker.advice = "make a new one with the next free sequence"
        elif found.reason == FEE_TOO_LOW:
            blocker.message = f"the base fee, {position.base_fee}, is above what {which} may cost"
            blocker.advice = (
                f"replace {which} by one with a fee limit of {found.amount}, or wait for less load"
            )
        elif found.reason == INSUFFICIENT_BALANCE:
            blocker.message = f"the balance does not cover what waits, up to {which}"
            blocker.advice = f"send {found.amount} units to the sender"
            blocker.address = position.sender
        else:
            blocker.blocks = wait
            blocker.message = f"up to {position.ahead_weight} weight may be batched before it"
            blocker.advice = f"wait, or replace {which} by one with a tip of {found.amount}"
        return blocker

    def _add_chain(self, position: tx.Position) -> None:
        """Add what keeps everything here from being executed."""
        since_s = max(self._moved_at_s, self._batcher.busy_since_s)
        waited_s = asyncio.get_running_loop().time() - since_s
        if self._seat.is_told and self._seat.number is None:
            position.blockers.append(
                tx.Blocker(
                    reason="AUTHOR_HAS_NO_SEAT",
                    message="the validator that has it holds no seat in this epoch",
                    remedy=tx.REMEDY_SEND_AGAIN,
                    advice="send it again: another validator takes it",
                )
            )
        if self._held.get_author_bytes(self._seat.key) and waited_s > STALLED_S:
            position.blockers.append(
                tx.Blocker(
                    reason="CHAIN_STALLED",
                    message=f"no block for {waited_s:.0f} s, with batches to put into one",
                    remedy=tx.REMEDY_WAIT,
                    advice="see `quorate status` for the seats that are missing",
                )
            )

    def _compute_block_weight(self) -> int:
        return self._market.compute_block_weight(self._batcher.compute_share())
