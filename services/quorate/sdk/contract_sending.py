"""Sends contract payloads: tries them first, so that fuel limit and access list fit, then for real.

A try costs nothing: most of what would fail is told before anything is sent.
"""

import asyncio
import time
from typing import Final, NamedTuple

from quorate.core.contracts.payloads import CallContract, DeployContract
from quorate.core.errors import NotFound, Overloaded, Rejected, Unavailable
from quorate.sdk.client import Client
from quorate.sdk.contract_messages import Detail, Failure
from quorate.sdk.contract_preparing import RETRY_S, prepare
from quorate.sdk.sender import Sender
from quorate.sdk.values import Outcome, Receipt

DETAIL_S: Final = 15.0

ContractPayload = CallContract | DeployContract


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


async def fit(client: Client, sender: bytes, payload: ContractPayload) -> ContractPayload:
    """Return a payload of `sender` with the fuel limit, and access list, that a try asks for.

    Raises ContractFailed when it would fail, Rejected when it would be skipped (FEE_NOT_COVERED).
    """
    found, tried = await prepare(client, sender, payload)
    reason = tried.receipt.reason
    if tried.trial is None:
        raise Unavailable("no validator here runs contracts", reason="NO_ENGINE")
    if tried.trial.detail.failure is not None:
        raise ContractFailed(tried.trial.detail.failure, None)
    if reason:
        raise Rejected(f"the transaction would not be executed: {reason}", reason=reason)
    return found


async def send(
    client: Client, sender: Sender, payload: ContractPayload, *, tip: int | None
) -> Done:
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


def _describe(receipt: Receipt) -> Failure:
    return Failure(receipt.reason, "", b"", "", 0)
