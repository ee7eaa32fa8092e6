"""Reads of the chain (ledger.v1.LedgerService) and executed blocks (ExecutedService)."""

from collections.abc import AsyncIterator
from typing import Final

import grpc

from quorate.api.ledger.v1 import ledger_pb2 as pb
from quorate.api.storage.v1 import storage_pb2, storage_pb2_grpc
from quorate.api.transaction.v1 import transaction_pb2 as tx
from quorate.core.applied import Receipt
from quorate.core.blocks import Block, compute_base_fee
from quorate.core.codec import U64
from quorate.core.contracts.details import decode_detail
from quorate.core.errors import MalformedBytes, NotFound, QuorateError
from quorate.core.governance.parameters import CHANGES_KEY, load_params
from quorate.core.outcomes import OUTCOMES
from quorate.core.receipts import find_receipt
from quorate.core.records import MemoryRecords
from quorate.core.seats import Seat, SeatSet
from quorate.core.staking.performance import Performance
from quorate.core.staking.records import PERFORMANCE_KEY, compute_candidate_key
from quorate.core.state import (
    EPOCH_START_KEY,
    compute_account_key,
    compute_mark_key,
    decode_account,
    decode_mark,
)
from quorate.core.values import HASH_BYTES
from quorate.kit.faults import abort
from quorate.storage.conduct import compute_missed
from quorate.storage.contract_messages import build_detail
from quorate.storage.feed import Feed
from quorate.storage.pacer import Pacer
from quorate.storage.paging import check_hash, compute_page_size, decode_page, encode_page
from quorate.storage.proofs import Prover
from quorate.storage.runner_state import RunnerState
from quorate.storage.stake_reads import StakeServicer
from quorate.storage.standings import Board
from quorate.storage.store import Place
from quorate.storage.token_reads import AssetReads

_PAGE_KIND: Final = b"b"
# Blocks read in one step of a page.
_STEP: Final = 20


class LedgerServicer(StakeServicer, AssetReads):
    """Accounts, blocks, receipts and seats; the rest by its bases."""

    def __init__(self, feed: Feed, board: Board) -> None:
        super().__init__(feed.chain, board)
        self._feed = feed
        self._prover = Prover(feed.chain)

    async def GetAccount(
        self,
        request: pb.GetAccountRequest,
        context: grpc.aio.ServicerContext[pb.GetAccountRequest, pb.GetAccountResponse],
    ) -> pb.GetAccountResponse:
        """Read an account; one that never received anything reads as empty."""
        try:
            check_hash(request.address, "address")
            height, values = await self._chain.reader.read([compute_account_key(request.address)])
            account = decode_account(values[0])
        except QuorateError as error:
            await abort(context, error)
        lanes = [pb.Lane(lane=k, next_sequence=v) for k, v in sorted(account.lanes.items())]
        head = self._chain.head.header
        return pb.GetAccountResponse(
            account=pb.Account(address=request.address, balance=account.balance, lanes=lanes),
            height=height,
            base_fee=compute_base_fee(head.base_fee, head.weight, self._params),
        )

    async def GetBlock(
        self,
        request: pb.GetBlockRequest,
        context: grpc.aio.ServicerContext[pb.GetBlockRequest, pb.GetBlockResponse],
    ) -> pb.GetBlockResponse:
        """Read a block by height or digest, or the latest."""
        try:
            height = self._find_height(request)
            block = self._build_blocks([height])[0]
            if request.full:
                block.transaction_ids = self._chain.store.load_receipts(height).ids
                closing = self._chain.store.find_certificate(height)
                is_root = height == self._chain.store.root.header.height
                if closing and not is_root and closing[0] <= self._chain.certified_height:
                    block.certificate = closing[1]
        except QuorateError as error:
            await abort(context, error)
        return pb.GetBlockResponse(block=block)

    async def ListBlocks(
        self,
        request: pb.ListBlocksRequest,
        context: grpc.aio.ServicerContext[pb.ListBlocksRequest, pb.ListBlocksResponse],
    ) -> pb.ListBlocksResponse:
        """List blocks, newest first."""
        size = compute_page_size(request.page_size)
        response, pacer = pb.ListBlocksResponse(), Pacer()
        try:
            first = self._chain.height
            if request.page_token:
                first = _decode_token(request.page_token, first)
            root_height = self._chain.store.root.header.height
            heights = list(range(first, max(first - size, root_height - 1), -1))
            for start in range(0, len(heights), _STEP):
                response.blocks.extend(self._build_blocks(heights[start : start + _STEP]))
                await pacer.pause()
        except QuorateError as error:
            await abort(context, error)
        if heights and heights[-1] > root_height:
            response.next_page_token = encode_page(_PAGE_KIND, U64.pack(heights[-1] - 1))
        return response

    async def WatchBlocks(
        self,
        request: pb.WatchBlocksRequest,
        context: grpc.aio.ServicerContext[pb.WatchBlocksRequest, pb.WatchBlocksResponse],
    ) -> AsyncIterator[pb.WatchBlocksResponse]:
        """Stream executed blocks from a height on."""
        try:
            async for height in self._feed.iter_heights(request.from_height):
                yield pb.WatchBlocksResponse(block=self._build_blocks([height])[0])
        except QuorateError as error:
            await abort(context, error)

    async def GetReceipt(
        self,
        request: pb.GetReceiptRequest,
        context: grpc.aio.ServicerContext[pb.GetReceiptRequest, pb.GetReceiptResponse],
    ) -> pb.GetReceiptResponse:
        """Read a receipt."""
        store = self._chain.store
        try:
            check_hash(request.id, "transaction id")
            place, height = store.find_places([request.id])[0], self._chain.height
            if place is None or place.height > height:
                raise NotFound(
                    "no such transaction was executed here", id=request.id.hex(), height=height
                )
            block = store.get_block(place.height)
            receipt = find_receipt(store.load_packed_receipts(place.height), place.position)
            built = _build_receipt(request.id, place, receipt, block)
            if receipt.detail_hash:
                detail = store.history.get_detail(place.height, place.position)
                built.detail.CopyFrom(build_detail(decode_detail(detail), built.reason))
        except QuorateError as error:
            await abort(context, error)
        return pb.GetReceiptResponse(receipt=built, height=height)

    async def ListSeats(
        self,
        request: pb.ListSeatsRequest,
        context: grpc.aio.ServicerContext[pb.ListSeatsRequest, pb.ListSeatsResponse],
    ) -> pb.ListSeatsResponse:
        """List the seats of an epoch with their marks; the next epoch's set is known already."""
        chain = self._chain
        running = chain.start.epoch
        epoch = request.epoch if request.HasField("epoch") else running
        try:
            found = chain.store.load_set(epoch)
            if found is None:
                raise NotFound("the set of this epoch is not known here yet", running=running)
            height, seats = await self._read_seats(found)
        except QuorateError as error:
            await abort(context, error)
        return pb.ListSeatsResponse(
            epoch=epoch, height=height, seats=seats, running_epoch=running, hash=found.hash
        )

    async def GetFinalityReceipt(
        self,
        request: pb.GetFinalityReceiptRequest,
        context: grpc.aio.ServicerContext[
            pb.GetFinalityReceiptRequest, pb.GetFinalityReceiptResponse
        ],
    ) -> pb.GetFinalityReceiptResponse:
        """Prove what became of a transaction."""
        try:
            check_hash(request.id, "transaction id")
            from_epoch = request.from_epoch if request.HasField("from_epoch") else None
            proof = await self._prover.prove(request.id, from_epoch)
        except QuorateError as error:
            await abort(context, error)
        return pb.GetFinalityReceiptResponse(finality_receipt=proof)

    async def _read_seats(self, found: SeatSet) -> tuple[int, list[pb.Seat]]:
        """Return the seats of a set with marks and, of the running one, missed views."""
        marks = [compute_mark_key(found.epoch, seat.index) for seat in found.seats]
        candidates = [compute_candidate_key(seat.candidate) for seat in found.seats]
        keys = [PERFORMANCE_KEY, CHANGES_KEY, EPOCH_START_KEY]
        height, (record, *values) = await self._chain.reader.read([*keys, *marks, *candidates])
        known, values = dict(zip(keys[1:], values, strict=False)), values[2:]
        params = load_params(MemoryRecords(known), self._params)
        seats = list(map(_build_seat, found.seats, values[: len(marks)]))
        performance = Performance.decode(record)
        if performance.epoch == found.epoch:
            for seat, candidate in zip(seats, values[len(marks) :], strict=True):
                missed = compute_missed(performance, seat.seat, candidate, params)
                seat.missed = missed.views
                if missed.left is not None:
                    seat.views_left = missed.left
        return height, seats

    def _find_height(self, request: pb.GetBlockRequest) -> int:
        which, head = request.WhichOneof("which"), self._chain.height
        height: int | None = head
        if which == "height":
            height = request.height
        elif which == "digest":
            check_hash(request.digest, "digest")
            height = self._chain.store.find_height(request.digest)
        if height is None or not self._chain.store.root.header.height <= height <= head:
            raise NotFound("no such block here", head=head)
        return height

    def _build_blocks(self, heights: list[int]) -> list[pb.Block]:
        store = self._chain.store
        counts = store.count_transactions(heights)
        results = [store.load_results(height, height) for height in heights]
        blocks = [store.get_block(height) for height in heights]
        return [
            _build_block(block, count, result[0].write_digest if result else bytes(HASH_BYTES))
            for block, count, result in zip(blocks, counts, results, strict=True)
        ]


class ExecutedServicer(storage_pb2_grpc.ExecutedServiceServicer):
    """Executed blocks in columns, and how those who execute do."""

    def __init__(self, feed: Feed, runner: RunnerState) -> None:
        self.feed, self._runner = feed, runner

    async def WatchExecuted(
        self,
        request: storage_pb2.WatchExecutedRequest,
        context: grpc.aio.ServicerContext[
            storage_pb2.WatchExecutedRequest, storage_pb2.WatchExecutedResponse
        ],
    ) -> AsyncIterator[storage_pb2.WatchExecutedResponse]:
        """Stream executed blocks from a height on, and hints."""
        try:
            async for response in self.feed.watch(request.from_height):
                yield response
        except QuorateError as error:
            await abort(context, error)

    async def DescribeRunner(
        self,
        request: storage_pb2.DescribeRunnerRequest,
        context: grpc.aio.ServicerContext[
            storage_pb2.DescribeRunnerRequest, storage_pb2.DescribeRunnerResponse
        ],
    ) -> storage_pb2.DescribeRunnerResponse:
        """Tell how the contract-runner does."""
        return await self._runner.describe()


def _build_block(block: Block, transactions: int, write_digest: bytes) -> pb.Block:
    header = block.header
    return pb.Block(
        height=header.height, digest=block.digest, view=header.view, epoch=header.epoch,
        parent=header.parent, time_ms=header.time_ms, proposer=header.proposer,
        weight=header.weight, base_fee=header.base_fee, batches=block.batches,
        transactions=transactions, write_digest=write_digest, header=header.encode(),
    )  # fmt: skip


def _build_seat(seat: Seat, record: bytes) -> pb.Seat:
    built = pb.Seat(
        seat=seat.index,
        public_key=seat.public_key,
        name=seat.name,
        candidate=seat.candidate,
        stake=seat.stake,
    )
    if record:
        view, height, evidence = decode_mark(record)
        built.mark.CopyFrom(pb.Mark(view=view, height=height, evidence=evidence))
    return built


def _build_receipt(identity: bytes, place: Place, receipt: Receipt, block: Block) -> tx.Receipt:
    outcome, reason = OUTCOMES[receipt.code]
    return tx.Receipt(
        id=identity, height=place.height, position=place.position,
        outcome=tx.Outcome.ValueType(outcome), reason=reason, fee=receipt.fee,
        first_id=receipt.first_id, block=block.digest, detail_hash=receipt.detail_hash,
    )  # fmt: skip


def _decode_token(token: str, head: int) -> int:
    height = int.from_bytes(decode_page(_PAGE_KIND, token, U64.size), "big")
    if height > head:
        raise MalformedBytes("page token", "is not one of ours")
    return height
