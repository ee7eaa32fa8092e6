"""Sends on schedule whatever the chain does (open loop), and listens for what became of it."""

import asyncio
import contextlib
import gc
import time
from collections.abc import Callable, Coroutine
from typing import Final

import grpc

from quorate.api.transaction.v1 import transaction_pb2 as pb
from quorate.api.transaction.v1 import transaction_pb2_grpc
from quorate.devnet.load.book import Book, Senders
from quorate.devnet.load.plan import Outcome, Plan
from quorate.devnet.load.presign import Signed
from quorate.devnet.load.streams import BAD_SENDER, Slot, Submitter, Watcher
from quorate.kit.rpc import open_channel

_LEAD_S: Final = 0.5
_REFILL_S: Final = 0.05
_GET_MAX: Final = 1_000
_GET_TIMEOUT_S: Final = 2.0

Tell = Callable[[str, Book], None]
"""Hears "start", "window" (it opens), "tick" (each second), "closed" and "drained"."""


class Generator:
    """One run of load against one gateway."""

    def __init__(self, plan: Plan, runs: list[list[Signed]], bad: list[Signed]) -> None:
        """`runs` are the senders' transfers in order, `bad` those with a wrong signature."""
        self._plan, self._senders, self._bad = plan, Senders(runs), iter(bad)
        self._start_s = asyncio.get_running_loop().time() + _LEAD_S
        opens_s = self._start_s + plan.warmup_s
        self.book = Book((opens_s, opens_s + plan.duration_s))
        self._submitter = Submitter(self.book, self._senders)

    async def run(self, senders: list[bytes], cursor: pb.Cursor, tell: Tell) -> Outcome:
        """Do the run; `senders` are the addresses to watch, `cursor` where to watch from."""
        gc.collect()
        gc.freeze()
        gc.disable()  # a collection over all signed bytes would be the generator's own lag
        watcher = Watcher(self.book, senders, cursor)
        async with open_channel(self._plan.endpoint) as channel:
            stub = transaction_pb2_grpc.TransactionServiceStub(channel)
            streams = [
                asyncio.create_task(self._submitter.run(stub)),
                asyncio.create_task(watcher.run(stub)),
            ]
            try:
                await _race(self._keep_time(tell), streams)
                tell("closed", self.book)
                await _race(self._drain(watcher), streams)
                await self._ask_about_rest(stub)
            finally:
                gc.enable()
                for stream in streams:
                    stream.cancel()
                await asyncio.gather(*streams, return_exceptions=True)
        tell("drained", self.book)
        outcome = self.book.close()
        outcome.client_cpu_s = time.process_time()
        return outcome

    async def _keep_time(self, tell: Tell) -> None:
        """Cut a chunk every tick from what fell due since the last one; wait for nobody."""
        plan, book, now_s = self._plan, self.book, asyncio.get_running_loop().time
        step_s, ticks, slots = plan.tick_ms / 1_000, 0, 0
        opens_s, closes_s = book.window
        told_s, is_open = self._start_s, False
        tell("start", book)
        while (tick_s := self._start_s + (ticks + 1) * step_s) < closes_s + step_s / 2:
            ticks += 1
            await asyncio.sleep(tick_s - now_s())
            book.lags_ms.append((now_s() - tick_s) * 1_000)
            if not is_open and tick_s >= opens_s:
                is_open = True
                tell("window", book)
            due = round(ticks * step_s * plan.rate_tps)
            chunk = [slot for number in range(slots, due) if (slot := self._offer(number))]
            slots = due
            if chunk:
                self._submitter.enqueue(chunk)
            if tick_s - told_s >= 1.0:
                told_s = tick_s
                tell("tick", book)
        book.outcome.offered_tps = plan.rate_tps

    def _offer(self, number: int) -> Slot | None:
        """Return the transfer for one scheduled slot; None when all signed ones are used up."""
        due_s = self._start_s + number / self._plan.rate_tps
        is_bad = self._is_bad(number)
        if is_bad:
            signed = next(self._bad, None)
            slot = None if signed is None else Slot(BAD_SENDER, 0, due_s, signed)
        else:
            taken = self._senders.take()
            slot = None if taken is None else Slot(*taken, due_s, self._senders.get(*taken))
        if slot is not None:
            self.book.note_offered(slot.signed.id, due_s, is_bad=is_bad)
        return slot

    def _is_bad(self, number: int) -> bool:
        share = self._plan.bad_per_mille
        return (number + 1) * share // 1_000 != number * share // 1_000

    async def _drain(self, watcher: Watcher) -> None:
        """Wait until everything accepted has its end, at most `drain_s`.

        What found no room goes out again at the plan's rate: later transfers of its sender, which
        were accepted, cannot be executed before it.
        """
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + self._plan.drain_s
        per_tick = max(1, round(self._plan.rate_tps * _REFILL_S))
        while (self._refill(per_tick) or self.book.waiting) and loop.time() < deadline_s:
            watcher.heard.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(watcher.heard.wait(), _REFILL_S)

    def _refill(self, count: int) -> bool:
        """Offer again what was given back, up to `count`; tell whether there was anything."""
        due_s = asyncio.get_running_loop().time()
        slots: list[Slot] = []
        while len(slots) < count and (taken := self._senders.take_returned()) is not None:
            slots.append(Slot(*taken, due_s, self._senders.get(*taken)))
            self.book.note_offered(slots[-1].signed.id, due_s, is_bad=False)
        if slots:
            self._submitter.enqueue(slots)
        return bool(slots)

    async def _ask_about_rest(
        self, stub: "transaction_pb2_grpc.TransactionServiceAsyncStub"
    ) -> None:
        """Ask for each transfer without an end, so that a lost frame is not a lost transfer."""
        for id_ in list(self.book.waiting)[:_GET_MAX]:
            try:
                answer = await stub.Get(pb.GetRequest(id=id_), timeout=_GET_TIMEOUT_S)
            except grpc.aio.AioRpcError:
                continue
            if answer.stage == pb.STAGE_EXECUTED and answer.receipt.outcome != pb.OUTCOME_SKIPPED:
                is_success = answer.receipt.outcome == pb.OUTCOME_SUCCEEDED
                now_s = asyncio.get_running_loop().time()
                self.book.note_executed(id_, now_s, is_success=is_success)
            elif answer.stage == pb.STAGE_DROPPED:
                self.book.note_dropped(id_, answer.receipt.reason or "UNSPECIFIED")


async def _race(work: Coroutine[None, None, None], others: "list[asyncio.Task[None]]") -> None:
    """Finish `work`, unless one of the streams, which never end, dies of an error of ours."""
    task = asyncio.create_task(work)
    try:
        done, _ = await asyncio.wait({task, *others}, return_when=asyncio.FIRST_COMPLETED)
        for each in done:
            each.result()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
