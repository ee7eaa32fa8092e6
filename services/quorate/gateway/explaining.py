"""Why a transaction is not executed yet, or never will be: asked of everyone who could know."""

import asyncio
from collections.abc import Sequence
from typing import Final

from grpc import aio

from quorate.api.gossip.v1 import gossip_pb2
from quorate.api.ledger.v1.ledger_pb2 import GetReceiptRequest
from quorate.api.transaction.v1 import transaction_pb2 as pb
from quorate.core.errors import InvalidInput, NotFound
from quorate.core.values import HASH_BYTES
from quorate.gateway.backends import Backend
from quorate.gateway.hub import Hub
from quorate.gateway.ledger import Reads
from quorate.gateway.pending import Pending

ASK_S: Final = 2.0

_ANEW: Final = (pb.REMEDY_MAKE_ANEW, "make a new one")
_RAISE: Final = (pb.REMEDY_MAKE_ANEW, "make one with a higher fee limit (`quorate tx estimate`)")
_FUND: Final = (pb.REMEDY_FUND, "fund the sender, then send it again")
_AGAIN: Final = (pb.REMEDY_SEND_AGAIN, "send it again, as it is")
# What ended it, or kept a block from executing it: what it means, and what to do about it.
_ENDS: Final[dict[str, tuple[str, tuple[pb.Remedy.ValueType, str]]]] = {
    "EXPIRED": ("its last height has passed", _ANEW),
    "SEQUENCE_PAST": ("another transaction has used its sequence", _ANEW),
    "SEQUENCE_GAP": ("a block met it before one that must come first in its lane", _AGAIN),
    "FEE_TOO_LOW": ("the base fee had passed its fee limit", _RAISE),
    "FEE_NOT_COVERED": ("the sender could not pay its fee", _FUND),
    "INSUFFICIENT_BALANCE": ("a signer could not pay what it moves; its fee is spent", _FUND),
    "IDEMPOTENCY_CONFLICT": ("its idempotency key stands for other payloads", _ANEW),
    "DUPLICATE": ("its idempotency key took effect before", (pb.REMEDY_UNSPECIFIED, "none needed")),
    "OUTBID": (
        "it had to yield to others that pay more",
        (pb.REMEDY_SEND_AGAIN, "send it again later, or make one with a higher tip"),
    ),
    "REPLACED": ("another one with a higher tip took its place", (pb.REMEDY_UNSPECIFIED, "none")),
    "NO_SEAT": ("the validator that had it lost its seat", _AGAIN),
    "INVALID": ("it breaks a rule of the protocol", _ANEW),
}


class Explainer:
    """Answers Explain."""

    def __init__(
        self, backends: Sequence[Backend], hub: Hub, reads: Reads, pending: Pending
    ) -> None:
        self._backends, self._hub, self._reads = backends, hub, reads
        self._pending = pending

    async def explain(self, id_: bytes) -> pb.ExplainResponse:
        """Return what is known; raises InvalidInput for what is no id."""
        if len(id_) != HASH_BYTES:
            raise InvalidInput("an id has 32 bytes", reason="MALFORMED_ID")
        receipt, positions = await asyncio.gather(self._find_receipt(id_), self._locate(id_))
        if receipt is None and not positions:
            # It may have been executed between the two questions.
            receipt = await self._find_receipt(id_)
        answer = pb.ExplainResponse(positions=positions, sent_to=self._find_sent_to(id_))
        if receipt is not None:
            answer.receipt.CopyFrom(receipt)
        if receipt is not None and receipt.outcome != pb.OUTCOME_SKIPPED:
            answer.stage = pb.STAGE_EXECUTED
            _add_end(answer, receipt.reason)
            return answer
        known = self._hub.stages.find(id_)
        answer.stage = max([known, *[each.stage for each in positions]])
        if not positions:
            self._add_absence(answer, id_)
        return answer

    def _add_absence(self, answer: pb.ExplainResponse, id_: bytes) -> None:
        """Say why no validator holds it."""
        if answer.stage == pb.STAGE_DROPPED:
            answer.reason = self._hub.stages.find_reason(id_)
            _add_end(answer, answer.reason)
        elif answer.sent_to:
            answer.blockers.add(
                reason="ON_ITS_WAY",
                message=f"{answer.sent_to} has not said yet that it has it",
                remedy=pb.REMEDY_WAIT,
                advice="wait: this gateway sends it again, elsewhere if it must",
            )
        elif id_ in self._pending.entries:
            answer.blockers.add(
                reason="NO_VALIDATOR",
                message="no validator with a seat answers",
                remedy=pb.REMEDY_WAIT,
                advice="wait: this gateway sends it as soon as one does",
            )
        elif answer.HasField("receipt"):
            _add_end(answer, answer.receipt.reason)
        elif answer.stage == pb.STAGE_UNSPECIFIED:
            answer.blockers.add(
                reason="UNKNOWN",
                message="no validator behind this gateway has it, and no block had it",
                remedy=pb.REMEDY_SEND_AGAIN,
                advice="send it (again): one id has one effect",
            )

    def _find_sent_to(self, id_: bytes) -> str:
        entry = self._pending.entries.get(id_)
        backend = None if entry is None else entry.lane.backend
        return "" if backend is None else backend.name

    async def _find_receipt(self, id_: bytes) -> pb.Receipt | None:
        try:
            return (await self._reads.get_receipt(GetReceiptRequest(id=id_))).receipt
        except NotFound:
            return None

    async def _locate(self, id_: bytes) -> list[pb.Position]:
        request = gossip_pb2.LocateRequest(id=id_)
        asked = [backend for backend in self._backends if backend.is_up]
        calls = [backend.ingress.Locate(request, timeout=ASK_S) for backend in asked]
        answers = await asyncio.gather(*calls, return_exceptions=True)
        found: list[pb.Position] = []
        for backend, answer in zip(asked, answers, strict=True):
            if isinstance(answer, gossip_pb2.LocateResponse):
                if answer.HasField("position"):
                    answer.position.validator = backend.name
                    found.append(answer.position)
            elif not isinstance(answer, aio.AioRpcError):
                raise answer
        return found


def _add_end(answer: pb.ExplainResponse, reason: str) -> None:
    if reason:
        message, (remedy, advice) = _ENDS.get(reason, ("it was refused", _ANEW))
        answer.blockers.add(reason=reason, message=message, remedy=remedy, advice=advice)
