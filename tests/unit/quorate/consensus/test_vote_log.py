"""The vote log keeps what a seat said, in order, and refuses what is not its own."""

import shutil
from pathlib import Path

import pytest

from quorate.consensus.vote_log import (
    AUDIT_EPOCHS,
    AUDIT_VIEWS,
    PRUNE_EVERY_VIEWS,
    VoteLog,
    compute_audit_ranges,
)
from quorate.core.bft.evidence import get_view
from quorate.core.bft.log import (
    encode_place,
    record_audit,
    record_block,
    record_certificate,
    record_own,
)
from quorate.core.bft.messages import Certificate, Kind, Proposal, Vote
from quorate.core.blocks import build_root
from quorate.core.errors import RefusedToStart
from quorate.core.params import Params
from quorate.core.values import ZERO_HASH

GENESIS, KEY = b"g" * 32, b"k" * 32


def vote(view: int, seat: int = 0, kind: Kind = Kind.NULLIFY) -> Vote:
    """Return a vote; its signature is not looked at here."""
    digest = ZERO_HASH if kind is Kind.NULLIFY else b"d" * 32
    return Vote(kind, 0, view, digest, seat, bytes([view % 256]) * 64)


def open_log(path: Path) -> VoteLog:
    """Open the log of the test's genesis and key."""
    return VoteLog(path, GENESIS, KEY)


def test_records_come_back_verbatim_after_reopening(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    proposal = Proposal(build_root(b"r" * 32, 5, Params()), b"s" * 64)
    certificate = Certificate(Kind.NULLIFY, 0, 3, ZERO_HASH, 4, ((0, b"a" * 64), (2, b"b" * 64)))
    own = [vote(4), vote(5, kind=Kind.NOTARIZE), vote(300, kind=Kind.FINALIZE)]
    records = [record_own(each) for each in own]
    log.persist([*records, record_block(proposal), record_certificate(certificate)], synced=True)
    log.close()
    restored = open_log(tmp_path).read()
    assert restored.own == own
    assert restored.certificates == [certificate]
    assert [each.encode() for each in restored.blocks] == [proposal.encode()]


def test_newest_audit_records_come_back_per_seat(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    log.persist([record_audit(s, vote(v, s)) for v in range(1, 50) for s in (1, 2)], synced=False)
    newest = {}
    for seat, message in log.read().seen:
        newest[seat] = max(newest.get(seat, 0), get_view(message))
    assert newest == {1: 49, 2: 49}
    log.close()


def test_prune_forgets_only_what_lies_up_to_the_view(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    last = PRUNE_EVERY_VIEWS + 3
    log.persist([record_own(vote(view)) for view in range(1, last + 1)], synced=True)
    log.prune(0, PRUNE_EVERY_VIEWS)
    assert [get_view(each) for each in log.read().own] == [last - 2, last - 1, last]
    log.close()


def test_audit_log_keeps_some_views_of_some_epochs() -> None:
    def is_pruned(epoch: int, view: int) -> bool:
        key = b"a" + encode_place(epoch, view)
        return any(start <= key < end for start, end in compute_audit_ranges(12, AUDIT_VIEWS + 50))

    kept = 12 - AUDIT_EPOCHS
    assert [is_pruned(epoch, 60) for epoch in (0, kept - 1)] == [True, True]
    assert not any(is_pruned(epoch, 60) for epoch in (kept, 11, 12))
    assert [is_pruned(epoch, 49) for epoch in (11, 12, 13)] == [True, True, False]
    assert compute_audit_ranges(0, AUDIT_VIEWS) == []


@pytest.mark.parametrize(
    ("genesis", "key", "reason"),
    [(b"x" * 32, KEY, "WRONG_GENESIS"), (GENESIS, b"x" * 32, "SEAT_KEY_CHANGED")],
)
def test_log_of_another_chain_or_key_refuses(
    tmp_path: Path, genesis: bytes, key: bytes, reason: str
) -> None:
    open_log(tmp_path).close()
    with pytest.raises(RefusedToStart) as refused:
        VoteLog(tmp_path, genesis, key)
    assert refused.value.reason == reason


def test_damaged_record_refuses(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    log.persist([(b"v" + bytes(9), b"\xff not a message")], synced=True)
    with pytest.raises(RefusedToStart) as refused:
        log.read()
    assert refused.value.reason == "DAMAGED_VOTE_LOG"
    log.close()


def test_cut_off_log_file_recovers_to_a_prefix(tmp_path: Path) -> None:
    log = open_log(tmp_path / "whole")
    for view in range(1, 40):
        log.persist([record_own(vote(view))], synced=True)
    shutil.copytree(tmp_path / "whole", tmp_path / "cut")
    log.close()
    newest = max((tmp_path / "cut").glob("*.log"), key=lambda path: path.stat().st_size)
    with newest.open("r+b") as file:
        file.truncate(newest.stat().st_size * 2 // 3)
    recovered = open_log(tmp_path / "cut")
    views = [get_view(each) for each in recovered.read().own]
    assert views == list(range(1, len(views) + 1))
    assert 10 < len(views) < 39
    recovered.close()


def test_missing_table_file_refuses(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    log.persist([record_own(vote(1))], synced=True)
    log.close()
    tables = list(tmp_path.glob("*.sst"))
    assert tables, "closing flushes the log into a table"
    tables[0].unlink()
    with pytest.raises(RefusedToStart) as refused:
        open_log(tmp_path).read()
    assert refused.value.reason == "DAMAGED_VOTE_LOG"
