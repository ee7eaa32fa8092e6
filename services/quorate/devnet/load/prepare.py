"""From a plan to signed transfers: reads the chain's domain and each sender's next sequence."""

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

import grpc

from quorate.api.ledger.v1 import ledger_pb2, ledger_pb2_grpc
from quorate.api.network.v1 import network_pb2, network_pb2_grpc
from quorate.api.transaction.v1 import transaction_pb2 as pb
from quorate.core.errors import InvalidInput
from quorate.core.values import Address
from quorate.devnet.accounts import LOAD_ACCOUNTS, DevAccounts, address_of
from quorate.devnet.load.plan import Plan
from quorate.devnet.load.presign import Run, Signed, sign_all
from quorate.kit import faults
from quorate.kit.rpc import open_channel

# Refused transfers are offered again, so a little more is signed than the schedule has slots.
_SPARE_PER_SENDER: Final = 2
_CALL_S: Final = 5.0
_READS_AT_ONCE: Final = 32

Progress = Callable[[int, int], None]
"""Hears (signed so far, in all)."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """Signed transfers per sender, bad ones, the senders' addresses, where to watch from."""

    runs: list[list[Signed]]
    bad: list[Signed]
    senders: list[bytes]
    cursor: pb.Cursor


async def prepare(plan: Plan, accounts: DevAccounts, progress: Progress) -> Prepared:
    """Sign all transfers of a plan; raises InvalidInput, or what the gateway answers."""
    seeds, bad_seed = _choose_seeds(plan, accounts)
    senders = [address_of(seed) for seed in seeds]
    try:
        status, sequences = await _read_chain(plan, senders)
    except grpc.aio.AioRpcError as error:
        raise faults.from_rpc_error(error) from error
    slots = math.ceil(plan.rate_tps * (plan.warmup_s + plan.duration_s))
    count = math.ceil(slots / plan.accounts) + _SPARE_PER_SENDER
    make = partial(
        Run,
        domain=status.domain,
        lane=plan.lane,
        valid_until_height=status.height + status.validity_max_blocks // 2,
        size_bytes=plan.size_bytes,
        contract=bytes.fromhex(plan.contract),
    )
    runs = [
        make(seed=seed, to=senders[index - 1], first_sequence=sequences[index], count=count)
        for index, seed in enumerate(seeds)
    ]
    bad_count = math.ceil(slots * plan.bad_per_mille / 1_000) + 1
    runs.append(make(seed=bad_seed, to=senders[0], first_sequence=0, count=bad_count, is_bad=True))
    signed = await asyncio.to_thread(sign_all, runs, plan.workers, _counter(progress, runs))
    return Prepared(signed[:-1], signed[-1], list(senders), pb.Cursor(height=status.height))


def _choose_seeds(plan: Plan, accounts: DevAccounts) -> tuple[list[bytes], bytes]:
    """Return the senders' seeds, and that of the sender of bad signatures (the last account)."""
    last = LOAD_ACCOUNTS - 1
    if not 1 <= plan.accounts <= last:
        raise InvalidInput(
            f"a local network has 1 to {last} senders for load", reason="ACCOUNTS_OUT_OF_RANGE"
        )
    return [accounts.load_seed(index) for index in range(plan.accounts)], accounts.load_seed(last)


async def _read_chain(
    plan: Plan, senders: list[Address]
) -> tuple[network_pb2.StatusResponse, list[int]]:
    """Return the chain's status and each sender's next sequence on the plan's lane."""
    async with open_channel(plan.endpoint) as channel:
        network = network_pb2_grpc.NetworkServiceStub(channel)
        status = await network.Status(network_pb2.StatusRequest(), timeout=_CALL_S)
        ledger = ledger_pb2_grpc.LedgerServiceStub(channel)
        room = asyncio.Semaphore(_READS_AT_ONCE)

        async def read_sequence(sender: Address) -> int:
            async with room:
                request = ledger_pb2.GetAccountRequest(address=sender)
                account = (await ledger.GetAccount(request, timeout=_CALL_S)).account
            found = [lane.next_sequence for lane in account.lanes if lane.lane == plan.lane]
            return found[0] if found else 0

        return status, list(await asyncio.gather(*[read_sequence(s) for s in senders]))


def _counter(progress: Progress, runs: list[Run]) -> Callable[[int], None]:
    total, done = sum(run.count for run in runs), 0

    def count(more: int) -> None:
        nonlocal done
        done += more
        progress(done, total)

    return count
