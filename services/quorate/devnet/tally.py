"""Counts what happened between two heights: views that their leaders missed, what failed.

Missed views stand in headers: those between a block's parent's view and its own. What failed stands
in the executed feed of a node.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import Final, NamedTuple, cast

import grpc

from quorate.api.storage.v1 import storage_pb2, storage_pb2_grpc
from quorate.api.transaction.v1.transaction_pb2 import OUTCOME_FAILED
from quorate.core.bft.leader import compute_leader_order
from quorate.core.blocks import Header
from quorate.core.errors import Unavailable
from quorate.core.genesis import Genesis
from quorate.devnet.checks import open_reads
from quorate.devnet.epoch_clock import EpochStarts
from quorate.devnet.layout import Node
from quorate.sdk.client import Client
from quorate.sdk.values import Block

_READ_S: Final = 60.0


class MissedView(NamedTuple):
    """A view without a block, the key whose turn it was, and the height that came instead."""

    epoch: int
    view: int
    public_key: bytes
    next_height: int


class Outcomes(NamedTuple):
    """How many transactions blocks executed, and how many of them failed, by reason."""

    transactions: int
    failed: dict[str, int]


class Leaders:
    """Knows whose turn each view was."""

    def __init__(self, client: Client, genesis: Genesis) -> None:
        self._client, self._domain = client, genesis.domain
        self._starts = EpochStarts(client, genesis)
        self._orders: dict[int, tuple[bytes, ...]] = {}

    async def list_missed(self, header: Header) -> list[MissedView]:
        """Return the views that a block's header shows to be missed."""
        views = range(header.parent_view + 1, header.view)
        if not views:
            return []
        keys = await self._load(header)
        return [
            MissedView(header.epoch, view, keys[view % len(keys)], header.height) for view in views
        ]

    async def _load(self, header: Header) -> tuple[bytes, ...]:
        """Return the keys of an epoch in the order in which they lead."""
        epoch = header.epoch
        if epoch not in self._orders:
            start = await self._starts.find(epoch, header.height)
            seats = (await self._client.seats(epoch)).seats
            order = compute_leader_order(self._domain, epoch, start.carried, len(seats))
            self._orders[epoch] = tuple([seats[seat].public_key for seat in order])
        return self._orders[epoch]


async def count_missed(client: Client, genesis: Genesis, first: int, last: int) -> list[MissedView]:
    """Return the views that the blocks `first` to `last` show to be missed."""
    leaders, missed = Leaders(client, genesis), list[MissedView]()
    stream = cast("AsyncGenerator[Block, None]", client.watch_blocks(first))
    async with aclosing(stream) as blocks:
        async for block in blocks:
            missed += await leaders.list_missed(Header.decode(block.header))
            if block.height >= last:
                break
    return missed


async def find_own_block(client: Client, public_key: bytes, first: int, timeout_s: float) -> int:
    """Return the first height from `first` on that a seat key proposed; 0: none in time."""
    keys: dict[int, tuple[bytes, ...]] = {}
    stream = cast("AsyncGenerator[Block, None]", client.watch_blocks(first))
    with suppress(TimeoutError):
        async with asyncio.timeout(timeout_s), aclosing(stream) as blocks:
            async for block in blocks:
                if block.epoch not in keys:
                    seats = (await client.seats(block.epoch)).seats
                    keys[block.epoch] = tuple([seat.public_key for seat in seats])
                if keys[block.epoch][block.proposer] == public_key:
                    return block.height
    return 0


async def count_outcomes(node: Node, first: int, last: int) -> Outcomes:
    """Count what the blocks `first` to `last` executed, as a node has it; raises Unavailable."""
    failed, transactions = Counter[str](), 0
    request = storage_pb2.WatchExecutedRequest(from_height=first)
    async with open_reads(node) as channel:
        stub = storage_pb2_grpc.ExecutedServiceStub(channel)
        try:
            async for answer in stub.WatchExecuted(request, timeout=_READ_S):
                frame = answer.executed
                transactions += len(frame.outcomes)
                failed.update(
                    reason
                    for outcome, reason in zip(frame.outcomes, frame.reasons, strict=True)
                    if outcome == OUTCOME_FAILED
                )
                if frame.height >= last:
                    break
        except grpc.aio.AioRpcError as error:
            raise Unavailable(f"{node.name} does not answer ({error.details()})") from error
    return Outcomes(transactions, dict(failed))
