"""Sends contract payloads: tries them first, so that fuel limit and access list fit, then for real.

A try costs nothing. It tells how much fuel a call uses and which records it touches; records that
the payload names are loaded beforehand and cost less, so what counts is the try with the list.
"""

import asyncio
import time
from typing import Final, NamedTuple, TypeVar

from quorate.core.contracts.payloads import (
    ACCESS_MAX,
    FUEL_MAX,
    CallContract,
    DeployContract,
)
from quorate.core.errors import NotFound, Overloaded, Rejected, Unavailable
from quorate.sdk.client import Client
from quorate.sdk.contract_messages import Detail, Failure, Trial
from quorate.sdk.fees import Simulation
from quorate.sdk.sender import Sender
from quorate.sdk.transactions import Options, encode_unsigned
from quorate.sdk.values import Outcome, Receipt

# Fuel of the first try, and how much more each time it was not enough.
TRY_FUEL: Final = 50_000_000
TRY_MORE: Final = 20
# Of what a try used: state may be different by the time it is done for real.
MARGIN_PERCENT: Final = 125
DETAIL_S: Final = 15.0
RETRY_S: Final = 0.05
_TRIES: Final = 5
# What a try says when the account's own transactions were executed meanwhile.
_MOVED: Final = frozenset({"SEQUENCE_PAST", "SEQUENCE_GAP", "EXPIRED"})

Contractual = TypeVar("Contractual", CallContract, DeployContract)


class ContractFailed(Rejected):
    """A contract payload failed; `reason` is that of the receipt, `failure` says where.

    `receipt` is None when only a try failed, and nothing was sent.
    """

    def __init__(self, failure: Failure, receipt: Receipt | None) -> None:
        at = f" (line {failure.line})" if failure.line else ""
        text = failure.message or failure.reason
        super().__init__(
            f"{failure.method or 'the call'} failed{at}: {text}", reason=failure.reason,
            text=failure.message, line=failure.line, method=failure.method,
            contract=failure.contract.hex(),
            transaction="" if receipt is None else receipt.id.hex(),
        )  # fmt: skip
        self.failure, self.receipt = failure, receipt


class Done(NamedTuple):
    """An executed transaction with contract payloads, all of which took effect."""

    receipt: Receipt
    detail: Detail


async def fit(client: Client, sender: bytes, payload: Contractual) -> Contractual:
    """Return a payload of `sender` with the fuel limit, and access list, that a try asks for.

    Raises ContractFailed when it would fail, Rejected when it would be skipped (FEE_NOT_COVERED).
    """
    fuel = min(TRY_FUEL, FUEL_MAX)
    while True:
        trial = await _try(client, sender, payload._replace(fuel_limit=fuel))
        failure = trial.detail.failure
        if failure is None:
            break
        if failure.reason != "OUT_OF_FUEL" or fuel == FUEL_MAX:
            raise ContractFailed(failure, None)
        fuel = min(fuel * TRY_MORE, FUEL_MAX)
    if isinstance(payload, CallContract):
        keys = [
            key for each in trial.access if each.contract == payload.contract for key in each.keys
        ]
        payload = payload._replace(access=tuple(keys[:ACCESS_MAX]))
        if keys:
            again = await _try(client, sender, payload._replace(fuel_limit=fuel))
            trial = trial if again.detail.failure else again
    limit = trial.detail.fuel * MARGIN_PERCENT // 100
    return payload._replace(fuel_limit=min(limit, FUEL_MAX))


async def send(client: Client, sender: Sender, payload: Contractual, *, tip: int | None) -> Done:
    """Send one contract payload as it is; returns when executed. Raises ContractFailed, Rejected.

    See Sender.send for what else it raises.
    """
    receipt = await sender.send([payload], tip=tip)
    if receipt.outcome is not Outcome.SUCCEEDED and not receipt.reason:
        raise Rejected("the transaction was not executed", reason="NOT_EXECUTED")
    detail = await find_detail(client, receipt.id)
    failure = None if detail is None else detail.failure
    if receipt.outcome is not Outcome.SUCCEEDED:
        raise ContractFailed(failure or _describe(receipt), receipt)
    assert detail is not None, "what succeeded has a detail"
    return Done(receipt, detail)


async def find_detail(client: Client, id_: bytes) -> Detail | None:
    """Return what an executed transaction did; None when it carried out no contract payload.

    Validators are at different heights: one that does not know it yet is asked again.
    """
    deadline = time.monotonic() + DETAIL_S
    while True:
        try:
            return await client.contracts.detail(id_)
        except NotFound as error:
            if error.reason == "NO_DETAIL":
                return None
            if time.monotonic() > deadline:
                raise
        except (Overloaded, Unavailable):
            if time.monotonic() > deadline:
                raise
        await asyncio.sleep(RETRY_S)


async def simulate(client: Client, sender: bytes, payload: Contractual) -> Simulation:
    """Return what the next block would do with one payload of `sender`."""
    account, status = await client.account(sender), await client.status()
    options = Options(
        sequence=account.lanes.get(0, 0), fee_limit=account.balance,
        valid_until_height=status.height + min(1_000, status.validity_max_blocks),
    )  # fmt: skip
    return await client.simulate(encode_unsigned(sender, [payload], options))


async def _try(client: Client, sender: bytes, payload: Contractual) -> Trial:
    for _ in range(_TRIES):
        tried = await simulate(client, sender, payload)
        reason = tried.receipt.reason
        if reason not in _MOVED:
            break
        await asyncio.sleep(RETRY_S)
    if tried.trial is None:
        raise Unavailable("no validator here runs contracts", reason="NO_ENGINE")
    if reason and tried.trial.detail.failure is None:
        raise Rejected(f"the transaction would not be executed: {reason}", reason=reason)
    return tried.trial


def _describe(receipt: Receipt) -> Failure:
    return Failure(receipt.reason, "", b"", "", 0)
