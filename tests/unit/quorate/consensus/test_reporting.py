"""The seat brings evidence on chain, over real gRPC siblings, and its key signs nothing else."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from grpc import aio

from quorate.api.gossip.v1 import gossip_pb2, gossip_pb2_grpc
from quorate.api.storage.v1 import storage_pb2, storage_pb2_grpc
from quorate.consensus.reporting import Reporter, sign_report
from quorate.consensus.vote_log import VoteLog
from quorate.core import crypto, reporting
from quorate.core.accusations import are_signed, build_record, decode_evidence
from quorate.core.bft.effects import RecordEvidence
from quorate.core.errors import RefusedToStart, Rejected
from quorate.core.params import Params
from quorate.core.reporting import Report
from quorate.core.state import Account, Mark
from quorate.core.transactions import (
    SubmitEvidence,
    Transaction,
    check_signatures,
    check_transaction,
)
from quorate.kit.convert import decode_transaction
from quorate.kit.faults import abort
from quorate.kit.rpc import open_channel
from tests.unit.quorate.core.liars import Liar, make_liars

DOMAIN = b"d" * 32
LIARS = make_liars(4, DOMAIN)
OWN, PARAMS = LIARS[1], Params()
DEADLINE_S = 60.0


def get_seat_key(epoch: int, seat: int) -> bytes | None:
    return LIARS[seat].key.public_key if seat < len(LIARS) else None


class Chain(storage_pb2_grpc.StorageServiceServicer, gossip_pb2_grpc.GossipServiceServicer):
    """Storage and gossip, reduced to what a reporter sees of them."""

    def __init__(self) -> None:
        self.marks: dict[int, bytes] = {}
        self.sequence = self.epoch = self.refusals = 0
        self.executes = True
        self.submitted: asyncio.Queue[Transaction] = asyncio.Queue()

    async def ReadState(self, request, context):  # type: ignore[no-untyped-def]
        """Answer for one reporter and one accused seat."""
        account = Account(0, {0: self.sequence} if self.sequence else {})
        return storage_pb2.ReadStateResponse(
            height=10,
            accounts=[account.encode()],
            marks=[self.marks.get(each.seat, b"") for each in request.accused],
            epoch=self.epoch,
        )

    async def SubmitReport(self, request, context):  # type: ignore[no-untyped-def]
        """Take a report, and execute it at once unless told otherwise."""
        transaction = decode_transaction(request.transaction, DOMAIN)
        check_transaction(transaction, PARAMS)
        check_signatures(transaction, DOMAIN)
        self.submitted.put_nowait(transaction)
        if self.refusals:
            self.refusals -= 1
            await abort(context, Rejected("not now", reason="SEQUENCE_TAKEN"))
        if self.executes:
            assert transaction.sequence == self.sequence
            self.sequence += 1
            evidence = decode_evidence(*transaction.payloads[0][1:3])
            self.marks[evidence.seat] = Mark(5, 11, evidence.compute_hash()).encode()
        return gossip_pb2.SubmitReportResponse()

    async def take(self) -> SubmitEvidence:
        """Return the next report."""
        transaction = await asyncio.wait_for(self.submitted.get(), DEADLINE_S)
        assert transaction.report is not None
        return transaction.report


class Running:
    """A reporter at work beside its siblings."""

    def __init__(self, chain: Chain, reporter: Reporter) -> None:
        self.chain, self.reporter = chain, reporter

    def find(self, liar: Liar, view: int = 5) -> None:
        """Have the engine find a lie."""
        evidence = liar.lie(view)
        self.reporter.note(RecordEvidence(liar.seat, evidence.second, evidence.first))

    async def wait_closed(self) -> None:
        """Return when no case is open."""
        async with asyncio.timeout(DEADLINE_S):
            while self.reporter.open_count:  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0)


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look again after milliseconds instead of seconds."""
    monkeypatch.setattr(reporting, "RETRY_MS_MAX", 20)
    monkeypatch.setattr(reporting, "RETRY_MS", 10)


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    """Seat 1 of four."""
    chain, servers, channels = Chain(), [], []
    for name, add in (
        ("s", storage_pb2_grpc.add_StorageServiceServicer_to_server),
        ("g", gossip_pb2_grpc.add_GossipServiceServicer_to_server),
    ):
        server = aio.server()
        add(chain, server)
        server.add_insecure_port(f"unix:{tmp_path / name}")
        await server.start()
        servers.append(server)
        channels.append(open_channel(f"unix:{tmp_path / name}"))
    reporter = Reporter(OWN.key, DOMAIN, get_seat_key, 1_000, (channels[0], channels[1]))
    task = asyncio.create_task(reporter.run())
    yield Running(chain, reporter)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    for channel in channels:
        await channel.close()
    for server in servers:
        await server.stop(None)


async def test_evidence_is_submitted_once_and_no_more_after_the_mark(running: Running) -> None:
    running.find(LIARS[0])
    report = await running.chain.take()
    assert (report.reporter, report.signer) == (1, crypto.compute_address(1, OWN.key.public_key))
    assert are_signed(decode_evidence(report.first, report.second), get_seat_key, DOMAIN)
    await running.wait_closed()
    running.find(LIARS[0], view=8)
    running.find(LIARS[2])
    second = await running.chain.take()
    assert decode_evidence(second.first, second.second).seat == 2
    await running.wait_closed()
    assert running.chain.submitted.empty()


async def test_seat_that_is_marked_already_is_not_reported(running: Running) -> None:
    running.chain.marks[0] = Mark(5, 1, b"h" * 32).encode()
    running.find(LIARS[0])
    await running.wait_closed()
    assert running.chain.submitted.empty()


async def test_refused_or_lost_report_is_submitted_again_as_it_was(running: Running) -> None:
    running.chain.refusals, running.chain.executes = 2, False
    running.find(LIARS[0])
    reports = [await running.chain.take() for _ in range(4)]
    assert reports == [reports[0]] * 4
    running.chain.executes = True
    await running.wait_closed()


async def test_refused_case_waits_its_time_and_lets_others_go_first(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reporting, "RETRY_MS", 60_000)
    running.chain.refusals = 1
    running.find(LIARS[0])
    await running.chain.take()
    running.find(LIARS[2])
    report = await running.chain.take()
    assert decode_evidence(report.first, report.second).seat == 2
    assert running.chain.submitted.empty() and running.reporter.open_count == 2


async def test_report_whose_sequence_was_used_is_signed_anew(running: Running) -> None:
    running.chain.executes = False
    running.find(LIARS[0])
    await running.chain.take()
    running.chain.sequence = 7
    async with asyncio.timeout(DEADLINE_S):
        while (await running.chain.submitted.get()).sequence != 7:
            pass
    running.chain.executes = True
    await running.wait_closed()


async def test_evidence_that_got_too_old_is_given_up(running: Running) -> None:
    running.chain.executes = False
    running.find(LIARS[0])
    await running.chain.take()
    running.chain.epoch = 2
    await running.wait_closed()


async def test_recorded_evidence_is_taken_up_after_a_restart(
    running: Running, tmp_path: Path
) -> None:
    log = VoteLog(tmp_path / "log", b"g" * 32, b"k" * 32)
    lies = [LIARS[0].lie(), LIARS[2].lie()]
    log.persist([build_record(each.first, each.second) for each in lies], synced=True)
    log.close()
    reopened = VoteLog(tmp_path / "log", b"g" * 32, b"k" * 32)
    running.reporter.resume(reopened.list_evidence())
    reopened.close()
    reports = [await running.chain.take() for _ in lies]
    assert {decode_evidence(each.first, each.second).seat for each in reports} == {0, 2}
    await running.wait_closed()


def test_damaged_evidence_in_the_log_is_refused(tmp_path: Path) -> None:
    log = VoteLog(tmp_path / "log", b"g" * 32, b"k" * 32)
    log.persist([(b"e" + bytes(10), b"damaged")], synced=True)
    with pytest.raises(RefusedToStart) as caught:
        log.list_evidence()
    assert caught.value.reason == "DAMAGED_VOTE_LOG"
    log.close()


def test_what_a_seat_key_signs_here_moves_no_money_and_is_no_vote() -> None:
    raw = sign_report(OWN.key, DOMAIN, LIARS[0].lie(), Report(1, 3, 99))
    transaction = decode_transaction(raw, DOMAIN)
    check_transaction(transaction, PARAMS)
    check_signatures(transaction, DOMAIN)
    assert [type(payload) for payload in transaction.payloads] == [SubmitEvidence]
    assert (transaction.fee_limit, transaction.tip) == (0, 0)
    key, signature = transaction.signatures[0].public_key, transaction.signatures[0].signature
    others = [value for name, value in vars(crypto).items() if name.startswith("TAG_")]
    for tag in set(others) - {crypto.TAG_TRANSACTION}:
        assert not crypto.is_signed(key, signature, tag, DOMAIN, transaction.body)
