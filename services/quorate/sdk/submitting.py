"""Sends many transactions in chunks over one stream, and again what found no room."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Final

from grpc import aio

from quorate.api.transaction.v1 import transaction_pb2 as pb
from quorate.core.errors import Unavailable
from quorate.kit import faults
from quorate.sdk.values import Rejection

if TYPE_CHECKING:
    from quorate.api.transaction.v1.transaction_pb2_grpc import TransactionServiceAsyncStub

WINDOW: Final = 8
ROOM: Final = "OVERLOADED"
RETRY_MS: Final = 200

_Part = list[int]


class Submitter:
    """Sends chunks of at most `chunk` transactions, a few of them unanswered at a time."""

    def __init__(self, stub: "TransactionServiceAsyncStub", chunk: int) -> None:
        self._stub, self._chunk = stub, chunk

    async def submit(self, raws: Sequence[bytes]) -> list[Rejection | None]:
        """Return None (accepted) or a Rejection for each; raises Unavailable on a lost stream."""
        verdicts: list[Rejection | None] = [None] * len(raws)
        left: _Part = list(range(len(raws)))
        while left:
            left, retry_after_ms = await self._send(raws, left, verdicts)
            if left:
                await asyncio.sleep(retry_after_ms / 1_000)
        return verdicts

    async def _send(
        self, raws: Sequence[bytes], indexes: _Part, verdicts: list[Rejection | None]
    ) -> tuple[_Part, int]:
        parts = [indexes[i : i + self._chunk] for i in range(0, len(indexes), self._chunk)]
        window, again, wait_ms = asyncio.Semaphore(WINDOW), [], RETRY_MS

        async def requests() -> AsyncIterator[pb.SubmitStreamRequest]:
            for number, part in enumerate(parts):
                await window.acquire()
                yield pb.SubmitStreamRequest(
                    chunk=number, transactions=[raws[index] for index in part]
                )

        answered = 0
        try:
            async for answer in self._stub.SubmitStream(requests()):
                window.release()
                answered += 1
                refused, retry_after_ms = _sort(answer, parts[answer.chunk], verdicts)
                again.extend(refused)
                wait_ms = max(wait_ms, retry_after_ms)
        except aio.AioRpcError as error:
            raise faults.from_rpc_error(error) from error
        if answered < len(parts):
            raise Unavailable("the gateway ended the stream")
        return sorted(again), wait_ms


def _sort(
    answer: pb.SubmitStreamResponse, part: _Part, verdicts: list[Rejection | None]
) -> tuple[_Part, int]:
    """Note the verdicts of one chunk; returns what found no room and when to try again."""
    if answer.retry_after_ms:
        return part, answer.retry_after_ms
    again = []
    for rejection in answer.rejections:
        index = part[rejection.index]
        if rejection.reason == ROOM:
            again.append(index)
        else:
            fields = dict(rejection.fields)
            verdicts[index] = Rejection(rejection.reason, rejection.message, fields)
    return again, RETRY_MS
