"""LedgerService: reads, passed through to the validator that is furthest ahead, with failover."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Final, TypeVar

import grpc
from grpc import aio

from quorate.api.ledger.v1 import ledger_pb2 as pb
from quorate.api.ledger.v1 import ledger_pb2_grpc
from quorate.api.transaction.v1 import transaction_pb2 as tx
from quorate.core.errors import Unavailable
from quorate.gateway.backends import BACKOFF_S, BACKOFF_S_MAX, Backend
from quorate.gateway.executed import order_for_reading
from quorate.gateway.limits import EXPECTED, Context, Streams, fail
from quorate.kit import faults

READ_S: Final = 5.0
ELSEWHERE: Final = (
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.INTERNAL,
    grpc.StatusCode.UNKNOWN,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
)
_Request = TypeVar("_Request")
_Response = TypeVar("_Response")


class Reads:
    """Unary reads of the ledger; each raises the core error the validators answered with."""

    def __init__(self, backends: Sequence[Backend]) -> None:
        self._backends = backends

    async def get_account(self, request: pb.GetAccountRequest) -> pb.GetAccountResponse:
        """Read an account."""
        return await self._read([b.ledger.GetAccount for b in self._order()], request)

    async def get_block(self, request: pb.GetBlockRequest) -> pb.GetBlockResponse:
        """Read a block."""
        return await self._read([b.ledger.GetBlock for b in self._order()], request)

    async def list_blocks(self, request: pb.ListBlocksRequest) -> pb.ListBlocksResponse:
        """Read a page of blocks."""
        return await self._read([b.ledger.ListBlocks for b in self._order()], request)

    async def get_receipt(self, request: pb.GetReceiptRequest) -> pb.GetReceiptResponse:
        """Read a receipt."""
        return await self._read([b.ledger.GetReceipt for b in self._order()], request)

    async def list_seats(self, request: pb.ListSeatsRequest) -> pb.ListSeatsResponse:
        """Read the seats of an epoch."""
        return await self._read([b.ledger.ListSeats for b in self._order()], request)

    async def list_candidates(self, request: pb.ListCandidatesRequest) -> pb.ListCandidatesResponse:
        """Read a page of candidates."""
        return await self._read([b.ledger.ListCandidates for b in self._order()], request)

    async def list_delegations(
        self, request: pb.ListDelegationsRequest
    ) -> pb.ListDelegationsResponse:
        """Read a page of an account's delegations."""
        return await self._read([b.ledger.ListDelegations for b in self._order()], request)

    async def get_economy(self, request: pb.GetEconomyRequest) -> pb.GetEconomyResponse:
        """Read supply, epoch and spread of seats."""
        return await self._read([b.ledger.GetEconomy for b in self._order()], request)

    async def get_finality_receipt(
        self, request: pb.GetFinalityReceiptRequest
    ) -> pb.GetFinalityReceiptResponse:
        """Read a finality receipt."""
        return await self._read([b.ledger.GetFinalityReceipt for b in self._order()], request)

    async def get_candidate(self, request: pb.GetCandidateRequest) -> pb.GetCandidateResponse:
        """Read a candidate."""
        return await self._read([b.ledger.GetCandidate for b in self._order()], request)

    async def simulate(self, request: tx.SimulateRequest) -> tx.SimulateResponse:
        """Run a transaction on the latest state of a validator."""
        return await self._read([b.trials.Simulate for b in self._order()], request)

    async def get_token(self, request: pb.GetTokenRequest) -> pb.GetTokenResponse:
        """Read a token."""
        return await self._read([b.ledger.GetToken for b in self._order()], request)

    async def list_token_balances(
        self, request: pb.ListTokenBalancesRequest
    ) -> pb.ListTokenBalancesResponse:
        """Read a page of an account's tokens."""
        return await self._read([b.ledger.ListTokenBalances for b in self._order()], request)

    async def get_lock(self, request: pb.GetLockRequest) -> pb.GetLockResponse:
        """Read a lock."""
        return await self._read([b.ledger.GetLock for b in self._order()], request)

    async def list_proposals(self, request: pb.ListProposalsRequest) -> pb.ListProposalsResponse:
        """Read the proposals that take votes."""
        return await self._read([b.ledger.ListProposals for b in self._order()], request)

    async def get_params(self, request: pb.GetParamsRequest) -> pb.GetParamsResponse:
        """Read the parameters in force."""
        return await self._read([b.ledger.GetParams for b in self._order()], request)

    def _order(self) -> list[Backend]:
        return order_for_reading(self._backends)

    async def _read(
        self,
        calls: "list[aio.UnaryUnaryMultiCallable[_Request, _Response]]",
        request: _Request,
    ) -> _Response:
        return await ask_any(calls, request)


async def ask_any(
    calls: "list[aio.UnaryUnaryMultiCallable[_Request, _Response]]",
    request: _Request,
    timeout_s: float = READ_S,
) -> _Response:
    """Return the first answer of validators asked in order; raises the error of the last asked.

    Only what says nothing about the request leads on to the next one.
    """
    last: aio.AioRpcError | None = None
    for call in calls:
        try:
            return await call(request, timeout=timeout_s)
        except aio.AioRpcError as error:
            last = error
            if error.code() not in ELSEWHERE:
                break
    if last is None:
        raise Unavailable("no validator answers")
    raise faults.from_rpc_error(last) from last


class LedgerServicer(ledger_pb2_grpc.LedgerServiceServicer):
    """Reads the chain from whichever validator can answer."""

    def __init__(self, backends: Sequence[Backend], reads: Reads, streams: Streams) -> None:
        self._backends, self._reads, self._streams = backends, reads, streams

    async def GetAccount(
        self, request: pb.GetAccountRequest, context: Context
    ) -> pb.GetAccountResponse:
        """Read an account at the latest executed height."""
        try:
            return await self._reads.get_account(request)
        except EXPECTED as error:
            await fail(context, error)

    async def GetBlock(self, request: pb.GetBlockRequest, context: Context) -> pb.GetBlockResponse:
        """Read one block."""
        try:
            return await self._reads.get_block(request)
        except EXPECTED as error:
            await fail(context, error)

    async def ListBlocks(
        self, request: pb.ListBlocksRequest, context: Context
    ) -> pb.ListBlocksResponse:
        """List blocks, newest first."""
        try:
            return await self._reads.list_blocks(request)
        except EXPECTED as error:
            await fail(context, error)

    async def GetReceipt(
        self, request: pb.GetReceiptRequest, context: Context
    ) -> pb.GetReceiptResponse:
        """Read a receipt."""
        try:
            return await self._reads.get_receipt(request)
        except EXPECTED as error:
            await fail(context, error)

    async def ListSeats(
        self, request: pb.ListSeatsRequest, context: Context
    ) -> pb.ListSeatsResponse:
        """List the seats of an epoch and their marks."""
        try:
            return await self._reads.list_seats(request)
        except EXPECTED as error:
            await fail(context, error)

    async def ListCandidates(
        self, request: pb.ListCandidatesRequest, context: Context
    ) -> pb.ListCandidatesResponse:
        """List candidates, the most stake first."""
        try:
            return await self._reads.list_candidates(request)
        except EXPECTED as error:
            await fail(context, error)

    async def ListDelegations(
        self, request: pb.ListDelegationsRequest, context: Context
    ) -> pb.ListDelegationsResponse:
        """List what an account has delegated, earned and takes back."""
        try:
            return await self._reads.list_delegations(request)
        except EXPECTED as error:
            await fail(context, error)

    async def GetEconomy(
        self, request: pb.GetEconomyRequest, context: Context
    ) -> pb.GetEconomyResponse:
        """Read supply, the running epoch, and how spread the seats are."""
        try:
            return await self._reads.get_economy(request)
        except EXPECTED as error:
            await fail(context, error)

    async def GetFinalityReceipt(
        self, request: pb.GetFinalityReceiptRequest, context: Context
    ) -> pb.GetFinalityReceiptResponse:
        """Read the proof of what became of a transaction."""
        try:
            return await self._reads.get_finality_receipt(request)
        except EXPECTED as error:
            await fail(context, error)

    async def GetCandidate(
        self, request: pb.GetCandidateRequest, context: Context
    ) -> pb.GetCandidateResponse:
        """Read a candidate at the latest executed height."""
        try:
            return await self._reads.get_candidate(request)
        except EXPECTED as error:
            await fail(context, error)

    async def GetToken(self, request: pb.GetTokenRequest, context: Context) -> pb.GetTokenResponse:
        """Read a token."""
        try:
            return await self._reads.get_token(request)
        except EXPECTED as error:
            await fail(context, error)

    async def ListTokenBalances(
        self, request: pb.ListTokenBalancesRequest, context: Context
    ) -> pb.ListTokenBalancesResponse:
        """List what an account holds of tokens."""
        try:
            return await self._reads.list_token_balances(request)
        except EXPECTED as error:
            await fail(context, error)

    async def GetLock(self, request: pb.GetLockRequest, context: Context) -> pb.GetLockResponse:
        """Read a lock."""
        try:
            return await self._reads.get_lock(request)
        except EXPECTED as error:
            await fail(context, error)

    async def ListProposals(
        self, request: pb.ListProposalsRequest, context: Context
    ) -> pb.ListProposalsResponse:
        """List the proposals that take votes."""
        try:
            return await self._reads.list_proposals(request)
        except EXPECTED as error:
            await fail(context, error)

    async def GetParams(
        self, request: pb.GetParamsRequest, context: Context
    ) -> pb.GetParamsResponse:
        """Read the parameters and the version of the rules in force."""
        try:
            return await self._reads.get_params(request)
        except EXPECTED as error:
            await fail(context, error)

    async def WatchBlocks(
        self, request: pb.WatchBlocksRequest, context: Context
    ) -> AsyncIterator[pb.WatchBlocksResponse]:
        """Stream blocks; when a validator is lost, another goes on at the next height."""
        try:
            with self._streams.hold():
                next_height = request.from_height
                if not next_height:
                    latest = await self._reads.get_block(pb.GetBlockRequest())
                    next_height = latest.block.height + 1
                wait_s, tried = BACKOFF_S, 0
                while True:
                    order = order_for_reading(self._backends)
                    if not order:
                        raise Unavailable("no validator answers")
                    source = order[tried % len(order)]
                    try:
                        call = source.ledger.WatchBlocks(
                            pb.WatchBlocksRequest(from_height=next_height)
                        )
                        async for response in call:
                            if response.block.height == next_height:
                                next_height += 1
                                wait_s = BACKOFF_S
                                yield response
                            if source not in self._backends:
                                call.cancel()
                                break
                    except aio.AioRpcError as error:
                        if error.code() not in ELSEWHERE:
                            raise
                    tried += 1
                    await asyncio.sleep(wait_s)
                    wait_s = min(wait_s * 2, BACKOFF_S_MAX)
        except EXPECTED as error:
            await fail(context, error)
