"""Makes a contract payload ready to be sent: a dry run tells fuel and the records it touches."""

import asyncio
from typing import Final, NamedTuple

from quorate.core.contracts.payloads import ACCESS_MAX, FUEL_MAX, CallContract, DeployContract
from quorate.core.transactions import Payload
from quorate.sdk.client import Client
from quorate.sdk.fees import Simulation
from quorate.sdk.sender import VALIDITY_BLOCKS, set_fee
from quorate.sdk.transactions import Options, encode_unsigned
from quorate.sdk.values import Outcome

# Enough for most calls, so that an account which can't pay for the most there is can try them.
_FUEL_FIRST: Final = 20_000_000
_TRIES: Final = 5
RETRY_S: Final = 0.05
# What a try says when the account's own transactions were executed meanwhile.
_MOVED: Final = frozenset({"SEQUENCE_PAST", "SEQUENCE_GAP", "EXPIRED"})


class Prepared(NamedTuple):
    """A payload with fuel limit and access list, and the dry run that told them."""

    payload: CallContract | DeployContract
    simulation: Simulation


async def prepare(
    client: Client, sender: bytes, payload: CallContract | DeployContract, *, lane: int = 0
) -> Prepared:
    """Return a payload ready to be sent; whether it would succeed is in the simulation.

    A fuel limit of 0 is chosen: a quarter over what it used. Records that a call touches are named
    in its access list, up to what fits: those cost less fuel.
    """
    found = await _try(client, sender, payload, lane)
    if found.receipt.outcome is not Outcome.SUCCEEDED or found.trial is None:
        return Prepared(payload, found)
    if isinstance(payload, CallContract) and not payload.access:
        keys = [key for each in found.trial.access for key in each.keys
                if each.contract == payload.contract]  # fmt: skip
        if keys:
            payload = payload._replace(access=tuple(keys[:ACCESS_MAX]))
            found = await _try(client, sender, payload, lane)
    if not payload.fuel_limit and found.trial is not None:
        used = found.trial.detail.fuel
        payload = payload._replace(fuel_limit=min(FUEL_MAX, used + used // 4))
    return Prepared(payload, found)


async def _try(
    client: Client, sender: bytes, payload: CallContract | DeployContract, lane: int
) -> Simulation:
    limits = (payload.fuel_limit,) if payload.fuel_limit else (_FUEL_FIRST, FUEL_MAX)
    for limit in limits:
        tried = payload._replace(fuel_limit=limit)
        found = await _try_now(client, sender, tried, lane)
        if found.receipt.reason != "OUT_OF_FUEL":
            break
    return found


async def _try_now(client: Client, sender: bytes, payload: Payload, lane: int) -> Simulation:
    """Try until who reads the account and who tries the payload are at the same height."""
    found = await simulate_payload(client, sender, payload, lane=lane)
    for _ in range(_TRIES):
        if found.receipt.reason not in _MOVED:
            break
        await asyncio.sleep(RETRY_S)
        found = await simulate_payload(client, sender, payload, lane=lane)
    return found


async def simulate_payload(
    client: Client, sender: bytes, payload: Payload, *, lane: int = 0
) -> Simulation:
    """Return what a transaction of one payload would do now, with the fee that is advised."""
    status, account = await client.status(), await client.account(sender)
    options = Options(
        sequence=account.lanes.get(lane, 0),
        valid_until_height=status.height + min(VALIDITY_BLOCKS, status.validity_max_blocks),
        fee_limit=0,
        lane=lane,
    )
    options = await set_fee(client, sender, [payload], options)
    return await client.simulate(encode_unsigned(sender, [payload], options))
