"""Takes evidence of this validator's own consensus into the mempool (docs/protocol.md#V5).

What executing it would skip is refused here with the same word, so that nothing free fills batches.
Reports come by this way only: consensus alone has the key, and gateways are refused them.
"""

from grpc import aio

from quorate.core.accusations import (
    INVALID,
    KNOWN,
    Reporter,
    are_signed,
    decode_evidence,
    find_objection,
)
from quorate.core.errors import InvalidTransaction, Overloaded, Rejected
from quorate.gossip.admission import Admission
from quorate.gossip.batcher import Batcher
from quorate.gossip.chain import ChainFollower
from quorate.gossip.seat_sets import SeatSets
from quorate.kit.convert import decode_transaction
from quorate.kit.faults import from_rpc_error


class ReportDesk:
    """Judges reports against the state, then has them admitted like any transaction."""

    def __init__(
        self, domain: bytes, sets: SeatSets, chain: ChainFollower, admission: Admission,
        batcher: Batcher,
    ) -> None:  # fmt: skip
        self._domain, self._sets, self._chain = domain, sets, chain
        self._admission, self._batcher = admission, batcher

    async def take(self, raw: bytes) -> None:
        """Accept a report, or raise why not.

        Raises InvalidTransaction, Rejected (NOT_A_REPORTER, EVIDENCE_…, or a reason of the
        mempool), Overloaded, Unavailable.
        """
        report = decode_transaction(raw, self._domain).report
        if report is None:
            raise InvalidTransaction("not evidence", reason="EVIDENCE_FORM")
        evidence = decode_evidence(report.first, report.second)
        try:
            epoch, mark = await self._chain.read_mark(evidence.epoch, evidence.seat)
        except aio.AioRpcError as error:
            raise from_rpc_error(error) from error
        reporter = Reporter(report.reporter, report.signer)
        objection = find_objection(evidence, reporter, epoch, self._sets.get_seat_key)
        if objection:
            raise Rejected("this evidence is not taken now", reason=objection, epoch=epoch)
        if mark:
            raise Rejected("this seat is marked already", reason=KNOWN)
        if not are_signed(evidence, self._sets.get_seat_key, self._domain):
            raise Rejected("the accused seat did not sign both messages", reason=INVALID)
        await self._admit(raw)

    async def _admit(self, raw: bytes) -> None:
        chunk = self._admission.reserve([raw])
        if isinstance(chunk, int):
            raise Overloaded("the mempool", retry_after_ms=chunk)
        try:
            answer = await self._admission.decide(chunk, own_reports=True)
        finally:
            chunk.close()
        for rejection in answer.rejections:
            raise Rejected(rejection.message, reason=rejection.reason, **rejection.fields)
        self._batcher.wake()
