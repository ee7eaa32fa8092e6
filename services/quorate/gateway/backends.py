"""One validator behind the gateway: its channels, what it says of itself, and its streams.

A session lasts from a good Describe until any of its streams breaks or it falls silent; then the
owner takes back what the validator had not answered, and the next session is tried with backoff.
One validator never makes another wait: each has tasks of its own.
"""

import asyncio
from typing import Final, Protocol

import grpc
from grpc import aio

from quorate.api.contract.v1 import contract_pb2, contract_pb2_grpc
from quorate.api.gossip.v1 import gossip_pb2, gossip_pb2_grpc
from quorate.api.ledger.v1 import ledger_pb2_grpc
from quorate.api.storage.v1 import storage_pb2_grpc
from quorate.api.transaction.v1 import transaction_pb2, transaction_pb2_grpc
from quorate.gateway.outbox import Outbox, OutChunk
from quorate.kit import rpc
from quorate.kit.config import ValidatorAddress
from quorate.kit.logs import get_logger

SILENCE_S: Final = 2.0
POLL_S: Final = 1.0
BACKOFF_S: Final = 0.05
BACKOFF_S_MAX: Final = 1.0
SHUN_S: Final = 1.0
SHUN_S_MAX: Final = 30.0
DESCRIBE_FAILURES_MAX: Final = 3

_log = get_logger("gateway")


class Broken(Exception):
    """This session is over; the text says why."""


class Owner(Protocol):
    """Who is told what a validator says; calls come on the event loop and must not block."""

    def handle_up(self, backend: "Backend") -> None:
        """A session began: the validator can take transactions."""

    def handle_down(self, backend: "Backend") -> None:
        """A session ended: what it had is to be sent elsewhere."""

    def handle_verdict(
        self, backend: "Backend", chunk: OutChunk, answer: gossip_pb2.SubmitResponse
    ) -> None:
        """A chunk was answered."""

    def handle_stages(self, backend: "Backend", frames: "list[transaction_pb2.StageFrame]") -> None:
        """Transactions reached stages at this validator."""


class Backend:
    """One validator or observer, reached over the node APIs of its gossip and storage."""

    def __init__(self, address: ValidatorAddress, domain: bytes) -> None:
        self.name, self._domain = address.name, domain
        self._channels = rpc.open_channel(address.gossip), rpc.open_channel(address.storage)
        self.ingress = gossip_pb2_grpc.IngressServiceStub(self._channels[0])
        self.ledger = ledger_pb2_grpc.LedgerServiceStub(self._channels[1])
        self.trials = transaction_pb2_grpc.SimulationServiceStub(self._channels[1])
        self.contracts = contract_pb2_grpc.ContractServiceStub(self._channels[1])
        self.executed = storage_pb2_grpc.ExecutedServiceStub(self._channels[1])
        self.info: gossip_pb2.DescribeResponse | None = None
        # How its contract-runner is doing, in a few words; "" when that is not known.
        self.runner = ""
        self.is_up = False
        self.is_foreign = False
        # It once proved to serve this chain, so its storage may be read though gossip is down.
        self.is_known = False
        self.executed_height = 0
        # Last time a batch of this validator became durable: it does its work.
        self.progress_at_s = 0.0
        self.outbox = Outbox()
        self._tried = asyncio.Event()
        self._shun_s, self._shunned_until_s = SHUN_S, 0.0

    @property
    def height(self) -> int:
        """The highest executed height known of this validator; 0 when it does not answer."""
        if self.info is None:
            return 0
        return max(self.info.height, self.executed_height)

    def is_candidate(self, now_s: float) -> bool:
        """Tell whether new lanes may be given to it: it answers, holds a seat, was not silent."""
        info = self.info
        return (
            self.is_up
            and info is not None
            and info.HasField("seat")
            and now_s >= self._shunned_until_s
        )

    def is_voting(self) -> bool:
        """Tell whether its engine takes part, so that its batches get signed at once."""
        return self.info is not None and self.info.engine == "voting"

    def shun(self, now_s: float) -> None:
        """Give it no new lanes for a while, longer each time it falls silent."""
        self._shunned_until_s = now_s + self._shun_s
        self._shun_s = min(self._shun_s * 2, SHUN_S_MAX)

    async def wait_tried(self) -> None:
        """Return when it was reached or failed once."""
        await self._tried.wait()

    async def close(self) -> None:
        """Close its channels."""
        for channel in self._channels:
            await channel.close()

    async def run(self, owner: Owner) -> None:
        """Keep sessions up until cancelled."""
        wait_s = BACKOFF_S
        while True:
            loop = asyncio.get_running_loop()
            started_s = loop.time()
            try:
                await self._describe(wait_for_ready=True)
                if not self.is_foreign:
                    await self._hold_session(owner)
            except (Broken, aio.AioRpcError) as error:
                why = error.code().name if isinstance(error, aio.AioRpcError) else str(error)
                _log.debug("validator unreachable", validator=self.name, why=why)
            self.info = None
            self._tried.set()
            wait_s = BACKOFF_S if loop.time() - started_s > 5 else min(wait_s * 2, BACKOFF_S_MAX)
            await asyncio.sleep(BACKOFF_S_MAX if self.is_foreign else wait_s)

    async def _hold_session(self, owner: Owner) -> None:
        call = self.ingress.Submit()
        self.is_up = True
        _log.info("validator reachable", validator=self.name)
        owner.handle_up(self)
        self._tried.set()
        parts = (
            self._write(call),
            self._read(call, owner),
            self._follow_stages(owner),
            self._poll(),
        )
        tasks = [asyncio.ensure_future(part) for part in parts]
        try:
            # The first to end ends the session; none of them ends well.
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            done.pop().result()
        finally:
            for task in tasks:
                task.cancel()
            call.cancel()
            self.is_up = False
            owner.handle_down(self)
            await asyncio.gather(*tasks, return_exceptions=True)
            _log.warning("validator lost", validator=self.name)

    async def _describe(self, *, wait_for_ready: bool = False) -> None:
        request = gossip_pb2.DescribeRequest()
        info = await self.ingress.Describe(
            request, timeout=SILENCE_S, wait_for_ready=wait_for_ready
        )
        is_foreign = info.domain != self._domain
        if is_foreign and not self.is_foreign:
            _log.error("validator refused: it serves another chain", validator=self.name)
        self.is_foreign = is_foreign
        self.is_known = not is_foreign
        self.info = None if is_foreign else info

    async def _poll(self) -> None:
        failures = 0
        while True:
            await asyncio.sleep(POLL_S / 4)
            self._check_silence()
            await asyncio.sleep(POLL_S * 3 / 4)
            self._check_silence()
            try:
                await self._describe()
                failures = 0
            except aio.AioRpcError as error:
                failures += 1
                is_slow = error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
                if not is_slow or failures >= DESCRIBE_FAILURES_MAX:
                    raise
            if self.is_foreign:
                raise Broken("it changed its chain")
            await self._ask_runner()

    async def _ask_runner(self) -> None:
        try:
            answer = await self.contracts.GetRunner(
                contract_pb2.GetRunnerRequest(), timeout=POLL_S / 2
            )
        except aio.AioRpcError:
            self.runner = ""
            return
        self.runner = answer.state

    def _check_silence(self) -> None:
        now_s = asyncio.get_running_loop().time()
        if self.outbox.is_silent(now_s, SILENCE_S):
            self.shun(now_s)
            raise Broken("a chunk was not answered in time")

    async def _write(
        self,
        call: "aio.StreamStreamCall[gossip_pb2.SubmitRequest, gossip_pb2.SubmitResponse]",
    ) -> None:
        while True:
            chunk = await self.outbox.take()
            transactions = [entry.raw for entry in chunk.entries]
            request = gossip_pb2.SubmitRequest(chunk=chunk.number, transactions=transactions)
            try:
                await call.write(request)
            except asyncio.InvalidStateError as error:
                raise Broken("its submit stream is over") from error

    async def _read(
        self,
        call: "aio.StreamStreamCall[gossip_pb2.SubmitRequest, gossip_pb2.SubmitResponse]",
        owner: Owner,
    ) -> None:
        async for answer in call:
            chunk = self.outbox.match(answer.chunk)
            if chunk is None:
                raise Broken("it answered a chunk out of order")
            if not answer.retry_after_ms:
                self._shun_s = SHUN_S
            owner.handle_verdict(self, chunk, answer)
        raise Broken("it ended the submit stream")

    async def _follow_stages(self, owner: Owner) -> None:
        async for update in self.ingress.WatchStages(gossip_pb2.WatchStagesRequest()):
            owner.handle_stages(self, list(update.frames))
        raise Broken("it ended the stage stream")
