"""Fees among real processes: estimates hold under load, and what is advised unblocks."""

import asyncio
import contextlib
import random
from dataclasses import replace
from typing import NamedTuple

import pytest

from quorate.core.errors import Rejected
from quorate.core.params import Params
from quorate.devnet.accounts import load_accounts
from quorate.devnet.layout import Spec
from quorate.devnet.network import Network
from quorate.sdk.client import Client
from quorate.sdk.fees import Blocker, Remedy
from quorate.sdk.keys import Key
from quorate.sdk.payloads import build_transfers
from quorate.sdk.sender import set_fee
from quorate.sdk.sending import Follower, drive, send_and_wait
from quorate.sdk.transactions import (
    Options,
    Signed,
    compute_weight_max,
    encode_unsigned,
    sign_payloads,
)
from quorate.sdk.values import Outcome, Receipt, Stage
from tests.devnet.bidders import Bidders
from tests.devnet.conftest import StartNetwork
from tests.devnet.traffic import PATIENCE_S

pytestmark = pytest.mark.devnet

# Seventeen transfers: blocks that are too small for all who bid.
BLOCK_WEIGHT = 6_000
BIDDERS = 48
PROBES, LANES = 40, 4
# Who sends so many blocks after it was told what to pay has not followed the estimate at once.
LATE_BLOCKS = 3


class Probe(NamedTuple):
    """An estimate that was followed: blocks asked for and promised, and those that it took."""

    within: int
    promised: int
    took: int
    was_late: bool

    @property
    def held(self) -> bool:
        """Whether it came as was said."""
        return self.took <= self.within


class Payer:
    """Signs transfers of one key to itself."""

    def __init__(self, client: Client, key: Key, domain: bytes) -> None:
        self.client, self.key, self.domain = client, key, domain
        self.payloads = build_transfers([(key.address, 1)])

    def sign(self, sequence: int, height: int, **fields: int) -> Signed:
        """Return a transfer that is valid for a while."""
        options = Options(
            sequence=sequence, valid_until_height=height + 5_000, **{"fee_limit": 0, **fields}
        )
        return sign_payloads(self.domain, [self.key], self.payloads, options)

    async def probe(self, follower: Follower, lane: int, sequence: int, within: int) -> Probe:
        """Ask what to pay, pay that, and see how many blocks it takes."""
        blank = Options(sequence=sequence, valid_until_height=2**32, fee_limit=0, lane=lane)
        weight = compute_weight_max(self.key.address, self.payloads, blank)
        said = await self.client.estimate_fee(weight, within)
        signed = self.sign(sequence, said.height, lane=lane, fee_limit=said.fee_limit, tip=said.tip)
        await self.client.submit(signed.raw)
        late = (await self.client.status()).height - said.height > LATE_BLOCKS
        receipt = await drive(self.client, signed, follower)
        assert receipt.outcome is Outcome.SUCCEEDED
        return Probe(within, said.blocks, receipt.height - said.height, late)


async def open_payer(client: Client, network: Network) -> Payer:
    demo = Key(load_accounts(network.layout.directory).demo)
    return Payer(client, demo, (await client.status()).domain)


async def wait_for_blocker(client: Client, id_: bytes, reason: str) -> Blocker:
    """Return a blocker when it is named."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            found = await client.explain(id_)
            assert found.stage is not Stage.EXECUTED
            for blocker in found.list_blockers():
                if blocker.reason == reason:
                    return blocker


async def wait_for_receipt(client: Client, id_: bytes) -> Receipt:
    """Return the receipt of a transaction when there is one."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            found = await client.explain(id_)
            if found.stage is Stage.EXECUTED:
                assert found.receipt is not None
                return found.receipt


async def test_estimates_hold_under_load_and_a_fee_that_was_passed_is_mended_as_advised(
    start_network: StartNetwork, rng: random.Random
) -> None:
    network = await start_network(Spec(params=Params(block_weight_max=BLOCK_WEIGHT)))
    async with Client(network.layout.endpoint) as client:
        payer = await open_payer(client, network)
        status = await client.status()
        # It waits behind a gap while others bid the base fee up.
        parked = payer.sign(1, status.height, fee_limit=BLOCK_WEIGHT * status.base_fee // 10)
        assert await client.submit(parked.raw) == parked.id
        assert (await wait_for_blocker(client, parked.id, "SEQUENCE_GAP")).sequence == 0
        async with Bidders(network, rng, count=BIDDERS, base_fee=200) as bidders:
            await wait_for_base_fee(client, 40)
            await mend(payer, parked)
            async with Follower(client.watch(senders=[payer.key.address])) as follower:
                probes = await follow_estimates(payer, follower, rng)
            assert bidders.executed > 100
    held = [probe for probe in probes if probe.held]
    print(f"{len(held)} of {len(probes)} estimates held: {probes}")
    assert len(held) >= len(probes) * 0.95, probes


async def wait_for_base_fee(client: Client, least: int) -> None:
    async with asyncio.timeout(PATIENCE_S):
        async for block in client.watch_blocks():
            if block.base_fee >= least:
                return


async def mend(payer: Payer, parked: Signed) -> None:
    """Fill the gap in front of a transfer; then do what is advised about its fee limit."""
    client, height = payer.client, (await payer.client.status()).height
    blank = Options(sequence=0, valid_until_height=height + 5_000, fee_limit=0)
    # So far ahead that no bidder gets there: what is mended is the one behind it.
    first = await set_fee(client, payer.key.address, payer.payloads, blank, within_blocks=100)
    signed = sign_payloads(payer.domain, [payer.key], payer.payloads, first)
    assert (await send_and_wait(client, signed, timeout_s=PATIENCE_S)).fee > 0
    blocker = await wait_for_blocker(client, parked.id, "FEE_TOO_LOW")
    assert (blocker.remedy, blocker.sequence) == (Remedy.RAISE_FEE_LIMIT, 1)
    last = await follow_advice(payer, parked, height)
    assert last.id != parked.id
    found = await client.explain(parked.id)
    assert (found.stage, found.reason) == (Stage.DROPPED, "REPLACED")


async def follow_advice(payer: Payer, stuck: Signed, height: int) -> Signed:
    """Replace a transfer as advised, as often as the bids pass the advice; return the last one."""
    client = payer.client
    async with asyncio.timeout(PATIENCE_S):
        while (found := await client.explain(stuck.id)).stage is not Stage.EXECUTED:
            for blocker in found.list_blockers():
                if blocker.remedy is Remedy.RAISE_FEE_LIMIT:
                    better = payer.sign(blocker.sequence, height, fee_limit=blocker.amount)
                    # Meanwhile the base fee may have passed this too, or a batch may have it.
                    with contextlib.suppress(Rejected):
                        await client.submit(better.raw)
                        stuck = better
    assert found.receipt is not None
    assert found.receipt.outcome is Outcome.SUCCEEDED
    return stuck


async def follow_estimates(payer: Payer, follower: Follower, rng: random.Random) -> list[Probe]:
    """Return PROBES of estimates that were followed at once."""
    probes: list[Probe] = []

    async def follow(lane: int) -> None:
        sequence = 0
        while len(probes) < PROBES:
            probe = await payer.probe(follower, lane, sequence, rng.randrange(10, 25))
            sequence += 1
            if probe.promised <= probe.within and not probe.was_late:
                probes.append(probe)

    async with asyncio.timeout(3 * PATIENCE_S):
        await asyncio.gather(*[follow(lane) for lane in range(1, LANES + 1)])
    return probes


async def test_gaps_are_explained_and_filled_and_dry_runs_tell_what_comes(
    network: Network,
) -> None:
    async with Client(network.layout.endpoint) as client:
        payer = await open_payer(client, network)
        status = await client.status()
        options = await set_fee(
            client, payer.key.address, payer.payloads,
            Options(sequence=0, valid_until_height=status.height + 5_000, fee_limit=0),
        )  # fmt: skip
        signed = [
            sign_payloads(
                payer.domain, [payer.key], payer.payloads, replace(options, sequence=each)
            )
            for each in range(4)
        ]
        for each in (3, 1):
            await client.submit(signed[each].raw)
        while True:
            # Do exactly what is said, until nothing is in the way any more.
            found = await client.explain(signed[3].id)
            if found.stage is not Stage.RECEIVED or not found.list_blockers():
                break
            (blocker,) = found.list_blockers()
            assert (blocker.reason, blocker.remedy) == ("SEQUENCE_GAP", Remedy.SEND_SEQUENCE)
            await client.submit(signed[blocker.sequence].raw)
        receipts = [await wait_for_receipt(client, each.id) for each in signed]
        assert all(receipt.outcome is Outcome.SUCCEEDED for receipt in receipts)
        unknown = payer.sign(9, status.height)
        (blocker,) = (await client.explain(unknown.id)).list_blockers()
        assert (blocker.reason, blocker.remedy) == ("UNKNOWN", Remedy.SEND_AGAIN)
        await compare_dry_run(payer, replace(options, sequence=4))


async def compare_dry_run(payer: Payer, options: Options) -> None:
    """Run a transfer dry, without signature; then really: the same comes of it."""
    client, sender = payer.client, payer.key.address
    before = await client.account(sender)
    dry = await client.simulate(encode_unsigned(sender, payer.payloads, options))
    assert (dry.signers, dry.unsigned) == ((sender,), (sender,))
    assert await client.account(sender) == before._replace(height=dry.height)
    signed = sign_payloads(payer.domain, [payer.key], payer.payloads, options)
    receipt = await send_and_wait(client, signed, timeout_s=PATIENCE_S)
    assert (dry.receipt.outcome, dry.receipt.fee) == (receipt.outcome, receipt.fee)
    assert dry.receipt.id == receipt.id
    (change,) = dry.balances
    assert (change.address, change.before, change.after) == (
        sender, before.balance, (await client.account(sender)).balance,
    )  # fmt: skip
    failing = build_transfers([(bytes(32), 2 * before.balance)])
    dry = await client.simulate(encode_unsigned(sender, failing, replace(options, sequence=5)))
    assert (dry.receipt.outcome, dry.receipt.reason) == (Outcome.FAILED, "INSUFFICIENT_BALANCE")
