"""Sends one account's transactions: sequences, lanes, fees and expiry are taken care of."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Final, Self

from quorate.core.transactions import Payload
from quorate.sdk.client import Client
from quorate.sdk.keys import Key
from quorate.sdk.payloads import build_transfers
from quorate.sdk.sending import Follower, drive
from quorate.sdk.transactions import (
    HEADROOM,
    Options,
    Signed,
    compute_weight_max,
    estimate_fee_limit,
    sign_payloads,
)
from quorate.sdk.values import Receipt, Status

LANES_MAX: Final = 16
VALIDITY_BLOCKS: Final = 1_000


class Lanes:
    """Hands out each lane to one user at a time, with the sequence that must come next."""

    def __init__(self, count: int = LANES_MAX) -> None:
        self._free: asyncio.Queue[int] = asyncio.Queue()
        self._next: dict[int, int] = {}
        for lane in range(count):
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
    """Sends transfers of one key; up to 16 at a time, one per lane. Use with `async with`."""

    def __init__(self, client: Client, key: Key, *, lanes: int = LANES_MAX) -> None:
        self._client, self._key = client, key
        self._lanes = Lanes(lanes)
        self._follower = Follower(client.watch(senders=[key.address]))

    async def __aenter__(self) -> Self:
        """Begin to follow the account."""
        await self._follower.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop following."""
        await self._follower.__aexit__()

    async def transfer(
        self, transfers: Sequence[tuple[bytes, int]], *, tip: int = 0, memo: bytes = b""
    ) -> Receipt:
        """Move (address, amount) pairs, all or nothing; as `send`."""
        return await self.send(build_transfers(transfers), tip=tip, memo=memo)

    async def send(
        self,
        payloads: Sequence[Payload],
        *,
        cosigners: Sequence[Key] = (),
        tip: int = 0,
        memo: bytes = b"",
    ) -> Receipt:
        """Send payloads that take effect all or not at all; returns when executed.

        `cosigners` are the keys of payloads that name another signer than this key. Raises InvalidTransaction or Rejected when it can't be executed. A failed execution is a
        receipt with outcome FAILED.
        """
        async with self._lanes.take(self._client, self._key.address) as (lane, sequence):
            status = await self._client.status()
            options = Options(
                sequence=sequence,
                valid_until_height=status.height + min(VALIDITY_BLOCKS, status.validity_max_blocks),
                fee_limit=0,
                lane=lane,
                tip=tip,
                memo=memo,
            )
            signed = sign_with_fee(status, [self._key, *cosigners], payloads, options)
            return await drive(self._client, signed, self._follower)


def sign_with_fee(
    status: Status,
    keys: Sequence[Key],
    payloads: Sequence[Payload],
    options: Options,
    headroom: int = HEADROOM,
) -> Signed:
    """Return a signed transaction whose fee limit follows from the present base fee.

    The first key is the sender; see `sign_payloads`.
    """
    weight_max = compute_weight_max(keys[0].address, payloads, options)
    fee_limit = estimate_fee_limit(status.base_fee, weight_max, headroom=headroom)
    return sign_payloads(status.domain, keys, payloads, replace(options, fee_limit=fee_limit))
