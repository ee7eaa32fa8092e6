"""Sends a transaction and follows it to its end: executed, expired, or refused for good.

Nothing ends silently: while it is neither executed nor expired it is sent again, which is safe
because one id has one effect.
"""

import asyncio
from contextlib import suppress
from typing import Final, Self

from quorate.core.errors import Overloaded, Rejected, Unavailable
from quorate.sdk.client import Client
from quorate.sdk.transactions import Signed
from quorate.sdk.values import Executed, Outcome, Receipt, Stage, Update
from quorate.sdk.watching import Watch

RESEND_S: Final = 5.0
RETRY_S: Final = 0.2
RETRY_S_MAX: Final = 5.0
INBOX_MAX: Final = 64

# Refusals that time may heal, and those that ask whether it was executed before.
_PASSING: Final = frozenset({"MEMPOOL_FULL", "SENDER_FLOODS", "SEQUENCE_FAR"})
_MAYBE_DONE: Final = frozenset({"ALREADY_EXECUTED", "SEQUENCE_PAST", "EXPIRED"})
# Skips after which the same transaction may still be executed.
_SKIPS_TO_RETRY: Final = frozenset({"SEQUENCE_GAP", "FEE_TOO_LOW", "FEE_NOT_COVERED"})


class Follower:
    """Reads one watch and hands each transaction's news to whoever waits for it."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._inboxes: dict[bytes, asyncio.Queue[Receipt | Stage]] = {}
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Open the watch."""
        await self._watch.__aenter__()
        self._task = asyncio.ensure_future(self._read())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the watch."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._watch.__aexit__()

    def open_inbox(self, id_: bytes) -> "asyncio.Queue[Receipt | Stage]":
        """Begin to collect news of one transaction."""
        inbox: asyncio.Queue[Receipt | Stage] = asyncio.Queue(INBOX_MAX)
        self._inboxes[id_] = inbox
        return inbox

    def close_inbox(self, id_: bytes) -> None:
        """Collect no more."""
        self._inboxes.pop(id_, None)

    def check(self) -> None:
        """Raise the error that ended the watch, if one did."""
        if self._task is not None and self._task.done() and not self._task.cancelled():
            self._task.result()

    async def _read(self) -> None:
        async for update in self._watch:
            self._hand_out(update)

    def _hand_out(self, update: Update) -> None:
        if isinstance(update, Executed):
            for receipt in update.receipts:
                self._put(receipt.id, receipt)
        elif update.stage is Stage.DROPPED:
            for id_ in update.ids:
                self._put(id_, Stage.DROPPED)

    def _put(self, id_: bytes, news: Receipt | Stage) -> None:
        inbox = self._inboxes.get(id_)
        if inbox is not None and not inbox.full():
            inbox.put_nowait(news)


async def send_and_wait(
    client: Client, signed: Signed, *, timeout_s: float | None = None
) -> Receipt:
    """Send until executed; returns the receipt, whether it succeeded or failed.

    Raises InvalidTransaction or Rejected when it can't be executed (EXPIRED included), and
    Unavailable (NO_RECEIPT) when `timeout_s` passes first: then it may still be executed.
    """
    try:
        async with asyncio.timeout(timeout_s):
            async with Follower(client.watch([signed.id])) as follower:
                return await drive(client, signed, follower)
    except TimeoutError as error:
        message = "no receipt in time; the transaction may still be executed"
        raise Unavailable(message, reason="NO_RECEIPT") from error


async def drive(client: Client, signed: Signed, follower: Follower) -> Receipt:
    """Send and follow one transaction by an open follower; see send_and_wait.

    Goes on while the gateway is unreachable: put it in `asyncio.timeout` to bound that.
    """
    inbox, sent = follower.open_inbox(signed.id), _Sent()
    try:
        while True:
            follower.check()
            try:
                receipt = await _try(client, signed, inbox, sent)
            except (Overloaded, Unavailable):
                await asyncio.sleep(RETRY_S)
                continue
            if receipt is not None:
                return receipt
    finally:
        follower.close_inbox(signed.id)


async def _try(
    client: Client, signed: Signed, inbox: "asyncio.Queue[Receipt | Stage]", sent: "_Sent"
) -> Receipt | None:
    """Send once and wait a while; None when it is still open after that."""
    wait_s = await _send_once(client, signed, sent)
    receipt = sent.receipt or await _await_end(client, signed, inbox, wait_s)
    if receipt is None and (await client.status()).height > signed.valid_until_height:
        return await _find_end(client, signed, None, _refuse("EXPIRED"))
    return receipt


class _Sent:
    """What sending gave so far."""

    def __init__(self) -> None:
        self.accepted, self.retry_s = False, RETRY_S
        self.receipt: Receipt | None = None


async def _send_once(client: Client, signed: Signed, sent: _Sent) -> float:
    """Send; returns how long to wait for news before sending again."""
    try:
        await client.submit(signed.raw)
        sent.accepted, sent.retry_s = True, RETRY_S
        return RESEND_S
    except Overloaded as error:
        return max(error.retry_after_ms / 1_000, RETRY_S)
    except Unavailable:
        pass
    except Rejected as error:
        if error.reason in _MAYBE_DONE:
            since = await _find_past(client, signed) if error.reason == "SEQUENCE_PAST" else None
            sent.receipt = await _find_end(client, signed, since, error)
            return RETRY_S
        # Once accepted somewhere, another validator's refusal decides nothing.
        if error.reason not in _PASSING and not sent.accepted:
            raise
    sent.retry_s = min(sent.retry_s * 2, RETRY_S_MAX)
    return sent.retry_s


async def _await_end(
    client: Client, signed: Signed, inbox: "asyncio.Queue[Receipt | Stage]", wait_s: float
) -> Receipt | None:
    """Return the receipt; None when there was no final news in time, or it was dropped."""
    with suppress(TimeoutError):
        async with asyncio.timeout(wait_s):
            while True:
                news = await inbox.get()
                if not isinstance(news, Receipt):
                    await asyncio.sleep(RETRY_S)
                    return None
                if news.outcome is not Outcome.SKIPPED:
                    break
                if news.reason not in _SKIPS_TO_RETRY:
                    return await _find_end(client, signed, news.height, _refuse(news.reason))
            if news.reason != "DUPLICATE":
                return news
            # Only the receipt itself says of what it is a duplicate.
            return await _find_end(client, signed, None, _refuse(news.reason))
    return None


async def _find_past(client: Client, signed: Signed) -> int | None:
    """Return a height at which the transaction's place in its lane was taken; None: not seen."""
    account = await client.account(signed.sender)
    return account.height if account.lanes.get(signed.lane, 0) > signed.sequence else None


async def _find_end(
    client: Client, signed: Signed, since: int | None, refusal: Rejected
) -> Receipt | None:
    """Return the receipt of what may have been executed earlier.

    `since` is a height from which on nothing can become of it any more; its expiry is another one.
    Raises `refusal` if it was not executed up to there. None: who was asked is behind, ask again.
    """
    receipt, height = await client.find_receipt(signed.id)
    if receipt is not None and receipt.outcome is not Outcome.SKIPPED:
        return receipt
    over = signed.valid_until_height if since is None else min(since, signed.valid_until_height)
    if height >= over:
        raise refusal
    return None


def _refuse(reason: str) -> Rejected:
    return Rejected("the transaction can't be executed any more", reason=reason)
