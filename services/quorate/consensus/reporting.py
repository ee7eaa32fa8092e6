"""Brings recorded evidence on chain: signs it as the seat, hands it to gossip, until it is marked.

The seat key signs here, and nothing else leaves this file signed than evidence: `sign_report` makes
the body itself. What it signs can move no money (a report has no other payload), and is no vote
(the purpose tag of transactions); so it is safe at any time, also while this seat must not vote.
"""

import asyncio
import contextlib
from collections.abc import Iterable
from typing import Final

from grpc import aio

from quorate.api.gossip.v1 import gossip_pb2, gossip_pb2_grpc
from quorate.api.storage.v1 import storage_pb2, storage_pb2_grpc
from quorate.core import crypto
from quorate.core.accusations import Evidence, GetSeatKey, build_evidence
from quorate.core.bft.effects import RecordEvidence
from quorate.core.params import SEATS_MAX
from quorate.core.reporting import Case, Cases, ChainView, Report, Verdict, compute_delay_ms
from quorate.core.state import decode_account
from quorate.core.transactions import Signature, SubmitEvidence
from quorate.kit.convert import encode_body, encode_envelope
from quorate.kit.faults import from_rpc_error
from quorate.kit.logs import get_logger

CALL_S: Final = 5.0
LANE: Final = 0

log = get_logger("consensus")


class Reporter:
    """Pursues the cases of one seat."""

    def __init__(
        self,
        key: crypto.SigningKey,
        domain: bytes,
        get_seat_key: GetSeatKey,
        validity_max_blocks: int,
        channels: tuple[aio.Channel, aio.Channel],
    ) -> None:
        """`channels` are those to storage and to gossip."""
        self._key, self._domain, self._get_seat_key = key, domain, get_seat_key
        self._address = crypto.compute_address(crypto.SCHEME_ED25519, key.public_key)
        self._cases = Cases(validity_max_blocks)
        self._storage = storage_pb2_grpc.StorageServiceStub(channels[0])
        self._gossip = gossip_pb2_grpc.GossipServiceStub(channels[1])
        self._wake = asyncio.Event()

    @property
    def open_count(self) -> int:
        """How many cases are not known to be on chain."""
        return len(self._cases)

    def resume(self, recorded: Iterable[Evidence]) -> None:
        """Take up what the vote log holds from before this start."""
        for evidence in recorded:
            self._open(evidence)

    def note(self, effect: RecordEvidence) -> None:
        """Take up evidence that the engine found, and that is in the vote log by now."""
        self._open(build_evidence(effect.first, effect.second))

    async def run(self) -> None:
        """Pursue cases until cancelled."""
        while True:
            case = self._cases.find_due(_now_ms())
            if case is None:
                await self._wait()
                continue
            self._cases.put_off(case, _now_ms())
            try:
                await self._pursue(case)
            except aio.AioRpcError as error:
                refused = from_rpc_error(error)
                log.info(
                    "evidence is not taken now",
                    seat=case.evidence.seat,
                    reason=refused.reason,
                    why=refused.message,
                )

    def _open(self, evidence: Evidence) -> None:
        seats = self._count_seats(evidence.epoch)
        own = self._find_own_seat(evidence.epoch)
        delay_ms = 0 if own is None else compute_delay_ms(own, evidence.seat, seats)
        if self._cases.open(evidence, _now_ms(), delay_ms):
            self._wake.set()

    async def _wait(self) -> None:
        self._wake.clear()
        wait_ms = self._cases.compute_wait_ms(_now_ms())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(None if wait_ms is None else wait_ms / 1000):
                await self._wake.wait()

    async def _pursue(self, case: Case) -> None:
        evidence = case.evidence
        view = await self._read_chain(evidence)
        verdict = self._cases.judge(case, view, self._find_own_seat(view.epoch))
        if verdict is not Verdict.SUBMIT:
            log.info("evidence", seat=evidence.seat, view=evidence.view, outcome=verdict.value)
            return
        assert case.report is not None, "judge() says what to submit"
        raw = sign_report(self._key, self._domain, evidence, case.report)
        request = gossip_pb2.SubmitReportRequest(transaction=raw)
        await self._gossip.SubmitReport(request, timeout=CALL_S, wait_for_ready=True)
        log.info("evidence submitted", seat=evidence.seat, view=evidence.view)

    async def _read_chain(self, evidence: Evidence) -> ChainView:
        accused = storage_pb2.SeatOfEpoch(epoch=evidence.epoch, seat=evidence.seat)
        request = storage_pb2.ReadStateRequest(addresses=self._address, accused=[accused])
        state = await self._storage.ReadState(request, timeout=CALL_S, wait_for_ready=True)
        account = decode_account(state.accounts[0])
        sequence = account.lanes.get(LANE, 0)
        return ChainView(state.height, state.epoch, sequence, state.marks[0])

    def _find_own_seat(self, epoch: int) -> int | None:
        own = self._key.public_key
        seats = range(self._count_seats(epoch))
        return next((seat for seat in seats if self._get_seat_key(epoch, seat) == own), None)

    def _count_seats(self, epoch: int) -> int:
        seats = range(SEATS_MAX)
        return next((each for each in seats if self._get_seat_key(epoch, each) is None), SEATS_MAX)


def sign_report(key: crypto.SigningKey, domain: bytes, evidence: Evidence, report: Report) -> bytes:
    """Return the encoded transaction that brings this evidence; the only one a seat key signs."""
    address = crypto.compute_address(crypto.SCHEME_ED25519, key.public_key)
    payload = SubmitEvidence(address, *evidence.encode(), report.reporter)
    body = encode_body(
        address,
        LANE,
        report.sequence,
        [payload],
        valid_until_height=report.valid_until_height,
        fee_limit=0,
    )
    signature = key.sign(crypto.TAG_TRANSACTION, domain, body)
    return encode_envelope(body, [Signature(crypto.SCHEME_ED25519, key.public_key, signature)])


def _now_ms() -> int:
    return int(asyncio.get_running_loop().time() * 1000)
