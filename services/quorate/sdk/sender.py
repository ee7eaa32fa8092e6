"""Sends one account's transactions: sequences, lanes, fees and expiry are taken care of.

With an idempotency key a transfer takes effect once (docs/protocol.md#T6): after a crash all that
was meant may be asked for again, also by another process that has the same key pair.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Final, Self

from quorate.core.errors import NotFound, Overloaded, Rejected, Unavailable
from quorate.core.transactions import Payload
from quorate.sdk.client import Client
from quorate.sdk.keys import Key
from quorate.sdk.payloads import build_transfers
from quorate.sdk.sending import RETRY_S, Follower, drive
from quorate.sdk.transactions import (
    Options,
    Signed,
    compute_weight_max,
    sign_payloads,
)
from quorate.sdk.values import Receipt

LANES_MAX: Final = 16
VALIDITY_BLOCKS: Final = 1_000
# Refusals of one signed transaction that say nothing about the next one with the same key.
_SIGN_ANEW: Final = frozenset({"SEQUENCE_TAKEN", "SEQUENCE_PAST", "EXPIRED", "FEE_TOO_LOW"})


class Lanes:
    """Hands out each lane to one user at a time, with the sequence that must come next.

    Several senders of one account may share it; processes must divide the lanes among them.
    """

    def __init__(self, numbers: Iterable[int] = range(LANES_MAX)) -> None:
        self._free: asyncio.Queue[int] = asyncio.Queue()
        self._next: dict[int, int] = {}
        for lane in numbers:
            self._free.put_nowait(lane)

    @asynccontextmanager
    async def take(self, client: Client, address: bytes) -> AsyncIterator[tuple[int, int]]:
        """Give (lane, sequence); the sequence counts as used unless the block raises.

        After an error the lane's sequence is read anew from the chain.
        """
        lane = await self._free.get()
        try:
            if lane not in self._next:
                self._next[lane] = (await client.account(address)).lanes.get(lane, 0)
            yield lane, self._next[lane]
            self._next[lane] += 1
        except BaseException:
            self._next.pop(lane, None)
            raise
        finally:
            self._free.put_nowait(lane)


class Sender:
    """Sends transfers of one key; one at a time per lane. Use with `async with`."""

    def __init__(self, client: Client, key: Key, *, lanes: int | Lanes = LANES_MAX) -> None:
        """`lanes`: how many of the account's, or those that it shares with other senders."""
        self._client, self._key = client, key
        self._lanes = Lanes(range(lanes)) if isinstance(lanes, int) else lanes
        self._follower = Follower(client.watch(senders=[key.address]))

    @property
    def address(self) -> bytes:
        """The account that sends and pays."""
        return self._key.address

    async def __aenter__(self) -> Self:
        """Begin to follow the account."""
        await self._follower.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop following."""
        await self._follower.__aexit__()

    async def transfer(
        self,
        transfers: Sequence[tuple[bytes, int]],
        *,
        tip: int | None = None,
        memo: bytes = b"",
        idempotency_key: bytes = b"",
    ) -> Receipt:
        """Move (address, amount) pairs, all or nothing; as `send`."""
        return await self.send(
            build_transfers(transfers), tip=tip, memo=memo, idempotency_key=idempotency_key
        )

    async def send(
        self,
        payloads: Sequence[Payload],
        *,
        cosigners: Sequence[Key] = (),
        tip: int | None = None,
        memo: bytes = b"",
        idempotency_key: bytes = b"",
    ) -> Receipt:
        """Send payloads that take effect all or not at all; returns when executed.

        `cosigners` are the keys of payloads that name another signer than this key; `tip` None is
        what the gateway advises. With an idempotency key it goes on, with new transactions where
        one can't be executed any more, until one took effect, and returns the receipt of that one,
        whoever sent it.

        Raises InvalidTransaction or Rejected when it can't be executed; without a key also
        Unavailable or Overloaded, before anything was sent. A failed execution is a receipt with
        outcome FAILED.
        """
        keys = [self._key, *cosigners]
        options = Options(
            sequence=0, valid_until_height=0, fee_limit=0, memo=memo,
            idempotency_key=idempotency_key,
        )  # fmt: skip
        if not idempotency_key:
            return await self._send(keys, payloads, options, tip)
        while True:
            try:
                return await self._find_first(await self._send(keys, payloads, options, tip))
            except Rejected as error:
                if error.reason not in _SIGN_ANEW:
                    raise
            except (Overloaded, Unavailable):
                pass
            await asyncio.sleep(RETRY_S)

    async def _send(
        self, keys: Sequence[Key], payloads: Sequence[Payload], options: Options, tip: int | None
    ) -> Receipt:
        """Sign one transaction in a free lane and follow it to its end."""
        async with self._lanes.take(self._client, self._key.address) as (lane, sequence):
            status = await self._client.status()
            valid_until = status.height + min(VALIDITY_BLOCKS, status.validity_max_blocks)
            options = replace(options, lane=lane, sequence=sequence, valid_until_height=valid_until)
            signed = await sign_with_fee(
                self._client, status.domain, keys, payloads, options, tip=tip
            )
            return await drive(self._client, signed, self._follower)

    async def _find_first(self, receipt: Receipt) -> Receipt:
        """Return the receipt of the transaction that took effect, if this one came after it."""
        while receipt.reason == "DUPLICATE":
            try:
                return await self._client.receipt(receipt.first_id)
            except (NotFound, Overloaded, Unavailable):
                # It was executed before this one: who does not know it yet is behind.
                await asyncio.sleep(RETRY_S)
        return receipt


async def set_fee(
    client: Client,
    sender: bytes,
    payloads: Sequence[Payload],
    options: Options,
    *,
    tip: int | None = None,
    within_blocks: int = 0,
) -> Options:
    """Return options with the fee limit, and unless it is given the tip, that the gateway advises.

    So that it is executed within so many blocks; 0: soon, as the gateway sees it.
    """
    weight = compute_weight_max(sender, payloads, options)
    advised = await client.estimate_fee(weight, within_blocks)
    return replace(options, fee_limit=advised.fee_limit, tip=advised.tip if tip is None else tip)


async def sign_with_fee(
    client: Client,
    domain: bytes,
    keys: Sequence[Key],
    payloads: Sequence[Payload],
    options: Options,
    *,
    tip: int | None = None,
    within_blocks: int = 0,
) -> Signed:
    """Return a signed transaction with the fee that `set_fee` finds.

    The first key is the sender; see `sign_payloads`.
    """
    priced = await set_fee(
        client, keys[0].address, payloads, options, tip=tip, within_blocks=within_blocks
    )
    return sign_payloads(domain, keys, payloads, priced)
