"""What must hold on any network: money adds up, and all validators executed the same.

Used by the smoke run and the scenario tests. Waiting is on streams of blocks with a deadline.
"""

import asyncio
from collections.abc import Iterable
from typing import Final

import grpc

from quorate.api.ledger.v1 import ledger_pb2 as pb
from quorate.api.ledger.v1 import ledger_pb2_grpc
from quorate.core.errors import Unavailable
from quorate.core.genesis import parse_genesis
from quorate.core.values import KEYLESS
from quorate.devnet.layout import Layout, Node
from quorate.devnet.ports import HOST
from quorate.kit.rpc import open_channel

_CALL_S: Final = 15.0
_BLOCK_S: Final = 30.0
_READS_AT_ONCE: Final = 32


def open_reads(node: Node) -> grpc.aio.Channel:
    """Return a channel to a node's own storage, past the gateway."""
    return open_channel(f"{HOST}:{node.storage_port}")


async def read_block(node: Node, height: int, timeout_s: float = _BLOCK_S) -> pb.Block:
    """Return a node's block at a height, waiting for it; raises Unavailable at the deadline."""
    async with open_reads(node) as channel:
        ledger = ledger_pb2_grpc.LedgerServiceStub(channel)
        call = ledger.WatchBlocks(
            pb.WatchBlocksRequest(from_height=height), timeout=timeout_s, wait_for_ready=True
        )
        try:
            async for answer in call:
                if answer.block.height >= height:
                    return answer.block
        except grpc.aio.AioRpcError as error:
            raise Unavailable(
                f"{node.name} has no block {height} after {timeout_s:.0f} s ({error.details()})",
                reason="BLOCK_LATE",
            ) from error
    raise Unavailable(f"{node.name} ended its stream of blocks", reason="BLOCK_LATE")


async def read_height(node: Node) -> int:
    """Return a node's executed height."""
    async with open_reads(node) as channel:
        ledger = ledger_pb2_grpc.LedgerServiceStub(channel)
        answer = await ledger.GetBlock(pb.GetBlockRequest(), timeout=_CALL_S, wait_for_ready=True)
        return answer.block.height


async def compare_digests(
    nodes: Iterable[Node], height: int, timeout_s: float = _BLOCK_S
) -> dict[str, bytes]:
    """Return each node's write_digest at a height, waiting until all have executed it."""
    nodes = list(nodes)
    blocks = await asyncio.gather(*[read_block(node, height, timeout_s) for node in nodes])
    return {node.name: block.write_digest for node, block in zip(nodes, blocks, strict=True)}


async def sum_balances(layout: Layout, more: Iterable[bytes] = ()) -> tuple[int, int]:
    """Return (all that is held, supply of the genesis).

    Held are balances, the treasury's among them, and what candidates hold: stake, and rewards that
    nobody has claimed. `more` are addresses, without a place in the genesis, that received
    something or own a candidate of this network. Only at rest do they add up: the reads are not of
    one height.
    """
    genesis = parse_genesis(layout.genesis.read_text())
    owners = {owner for owner, _ in genesis.candidates}
    addresses = {*KEYLESS, *more, *owners, *[address for address, _ in genesis.balances]}
    async with open_channel(layout.endpoint) as channel:
        ledger, room = ledger_pb2_grpc.LedgerServiceStub(channel), asyncio.Semaphore(_READS_AT_ONCE)

        async def read(address: bytes) -> int:
            async with room:
                request = pb.GetAccountRequest(address=address)
                call = ledger.GetAccount(request, timeout=_CALL_S, wait_for_ready=True)
                return (await call).account.balance

        balances = await asyncio.gather(*[read(address) for address in sorted(addresses)])
        held = [await _read_held(ledger, owner) for owner in sorted({*owners, *more})]
    return sum(balances) + sum(held), genesis.supply


async def _read_held(ledger: "ledger_pb2_grpc.LedgerServiceAsyncStub", owner: bytes) -> int:
    """Return what the candidate of an owner holds; 0 when it owns none."""
    try:
        request = pb.GetCandidateRequest(candidate=owner)
        found = (await ledger.GetCandidate(request, timeout=_CALL_S)).candidate
    except grpc.aio.AioRpcError as error:
        if error.code() is grpc.StatusCode.NOT_FOUND:
            return 0
        raise
    return found.stake + found.pot + found.commission_due
