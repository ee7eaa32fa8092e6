"""The audit finds what no honest seat signs, in real vote logs; blind, it says nothing."""

import itertools
import random
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from quorate.consensus.vote_log import VoteLog
from quorate.core import crypto
from quorate.core.accusations import build_record
from quorate.core.bft.log import Record, record_audit, record_certificate, record_own
from quorate.core.bft.messages import TAGS, Certificate, Kind, Vote, encode_statement
from quorate.core.errors import InvalidInput, NotFound, Unavailable
from quorate.core.genesis import Genesis, build_genesis, build_seat_entry, parse_genesis
from quorate.core.params import Params
from quorate.core.seats import SeatSet
from quorate.core.state import compute_set_key
from quorate.core.values import ZERO_HASH
from quorate.devnet import audit
from quorate.devnet.audit import merge_audit_logs
from quorate.storage.database import STATE, Database, Writes
from tests.conftest import SEED

KEYS = [crypto.SigningKey(bytes([n]) * 32) for n in range(1, 5)]
ENTRIES = [build_seat_entry("audit", f"v{n}", key) for n, key in enumerate(KEYS)]
TEXT = build_genesis("audit", 1, Params(), ENTRIES, {})
GENESIS: Genesis = parse_genesis(TEXT)


def sign(seat: int, view: int, kind: Kind, digest: int = 0, epoch: int = 0) -> Vote:
    named = ZERO_HASH if kind is Kind.NULLIFY else bytes([digest]) * 32
    statement = encode_statement(epoch, view, named)
    signature = KEYS[seat].sign(TAGS[kind], GENESIS.domain, statement)
    return Vote(kind, epoch, view, named, seat, signature)


def write_log(home: Path, records: list[Record], genesis: Genesis = GENESIS) -> Path:
    """Write a validator's vote log as the consensus service does; returns its home."""
    home.mkdir(parents=True, exist_ok=True)
    (home / "genesis.json").write_text(TEXT)
    log = VoteLog(home / "consensus" / "log", genesis.hash, KEYS[0].public_key)
    log.persist(records, synced=True)
    log.close()
    return home


def build_history(views: int) -> list[list[Record]]:
    """Return four logs of a lawful chain: what each sent, and what it heard of the others."""
    logs: list[list[Record]] = [[] for _ in KEYS]
    for view in range(1, views + 1):
        for seat in range(4):
            kinds = (Kind.NULLIFY,) if view % 5 == 0 else (Kind.FINALIZE,)
            for kind in (Kind.NOTARIZE, *kinds):
                vote = sign(seat, view, kind, digest=view % 250 + 1)
                logs[seat].append(record_own(vote))
                for other in {0, 1, 2, 3} - {seat}:
                    logs[other].append(record_audit(seat, vote))
    return logs


def test_lawful_logs_hold_no_conflict_and_every_message_is_counted(tmp_path: Path) -> None:
    logs = build_history(20)
    homes = [write_log(tmp_path / f"v{n}", records) for n, records in enumerate(logs)]
    report = merge_audit_logs(homes)
    assert (report.conflicts, report.findings) == (0, ())
    assert report.messages == sum(map(len, logs)) == 20 * 2 * 4 * 4
    assert (report.distinct, report.views) == (20 * 2 * 4, 20)
    assert report.logs == tuple(home / "consensus" / "log" for home in homes)


def test_double_vote_planted_anywhere_is_found_once_with_its_sources(tmp_path: Path) -> None:
    print(f"seed {SEED}: QUORATE_TEST_SEED={SEED} pytest {__file__}")
    rng = random.Random(SEED)
    for number in range(4):
        logs, view, liar = build_history(12), rng.randint(1, 12), rng.randrange(4)
        hearer = rng.choice([n for n in range(4) if n != liar])
        false = sign(liar, view, Kind.NOTARIZE, digest=251)
        logs[hearer].append(record_audit(liar, false))
        base = tmp_path / str(number)
        for n, records in enumerate(logs):
            write_log(base / f"v{n}", records)
        report = merge_audit_logs([base])
        assert report.conflicts == len(report.findings) == 1
        found = report.findings[0]
        assert (found.epoch, found.view, found.seat, found.verified) == (0, view, liar, True)
        by_digest = {each.digest: each.sources for each in (found.first, found.second)}
        assert by_digest[false.digest] == (f"v{hearer}",)
        assert set(next(s for d, s in by_digest.items() if d != false.digest)) <= {
            "v0", "v1", "v2", "v3",
        }  # fmt: skip


def test_two_halves_of_a_double_vote_in_different_kinds_of_records_are_joined(
    tmp_path: Path,
) -> None:
    one, other = sign(1, 9, Kind.FINALIZE, 1), sign(1, 9, Kind.NOTARIZE, 2)
    certificate = Certificate(Kind.NOTARIZE, 0, 9, other.digest, 4, ((1, other.signature),))
    halves = {
        "own and heard": ([record_own(one)], [record_audit(1, other)]),
        "heard and certified": ([record_audit(1, one)], [record_certificate(certificate)]),
        "in evidence alone": ([build_record(one, other)], []),
        "in one log": ([record_audit(1, one), record_audit(1, other)], []),
    }
    for name, (first, second) in halves.items():
        homes = [write_log(tmp_path / name / "a", first), write_log(tmp_path / name / "b", second)]
        assert merge_audit_logs(homes).conflicts == 1, name


def test_same_message_in_another_epoch_or_by_another_seat_is_no_conflict(tmp_path: Path) -> None:
    votes = [
        sign(1, 9, Kind.NOTARIZE, 1), sign(1, 9, Kind.NOTARIZE, 2, epoch=1),
        sign(2, 9, Kind.NOTARIZE, 3), sign(1, 10, Kind.NOTARIZE, 4),
    ]  # fmt: skip
    homes = [
        write_log(tmp_path / str(n), [record_audit(vote.seat, vote)])
        for n, vote in enumerate(votes)
    ]
    assert merge_audit_logs(homes).conflicts == 0


def test_forged_message_is_reported_as_not_verified(tmp_path: Path) -> None:
    true, forged = sign(1, 9, Kind.NOTARIZE, 1), sign(2, 9, Kind.NOTARIZE, 2)
    forged = Vote(forged.kind, 0, 9, forged.digest, 1, forged.signature)
    home = write_log(tmp_path / "a", [record_audit(1, true), record_audit(1, forged)])
    assert [each.verified for each in merge_audit_logs([home]).findings] == [False]
    (home / "genesis.json").unlink()
    assert [each.verified for each in merge_audit_logs([home]).findings] == [None]


def test_a_set_that_was_elected_is_found_in_a_stopped_validators_database(tmp_path: Path) -> None:
    votes = [sign(1, 9, Kind.NOTARIZE, digest, epoch=5) for digest in (1, 2)]
    home = write_log(tmp_path / "a", [record_audit(0, vote) for vote in votes])
    assert [each.verified for each in merge_audit_logs([home]).findings] == [None]
    # From epoch 5 on another order of seats: who was seat 1 in the genesis is seat 0.
    elected = [replace(GENESIS.seats[1], index=0), replace(GENESIS.seats[0], index=1)]
    database = Database(home / "storage" / "db")
    writes = Writes()
    for epoch, seats in {5: GENESIS.seats, 6: tuple(elected)}.items():
        writes.put(STATE, compute_set_key(epoch), SeatSet(epoch, seats).encode())
    database.write(database.build(writes), synced=True)
    database.close()
    assert [each.verified for each in merge_audit_logs([home]).findings] == [True]
    votes = [sign(1, 9, Kind.NOTARIZE, digest, epoch=6) for digest in (1, 2)]
    other = write_log(tmp_path / "b", [record_audit(1, vote) for vote in votes])
    found = merge_audit_logs([home, other]).findings
    assert [(each.epoch, each.verified) for each in found] == [(5, True), (6, False)]


def test_audit_that_does_not_find_its_planted_vote_says_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = write_log(tmp_path / "a", build_history(3)[0])
    for blind in (lambda one, other: False, lambda one, other: True):
        monkeypatch.setattr("quorate.core.audit.is_conflict", blind)
        with pytest.raises(Unavailable) as caught:
            merge_audit_logs([home])
        assert caught.value.reason == "AUDIT_BLIND"


def test_damage_in_the_middle_of_a_log_is_an_error_and_a_cut_off_end_is_not(
    tmp_path: Path,
) -> None:
    records = build_history(30)[0]
    for name, places in {"middle": (0.5,), "end": ()}.items():
        home = write_log(tmp_path / name, [])
        leave_unflushed(home, records)
        wal = max((home / "consensus" / "log").glob("*.log"), key=lambda file: file.stat().st_size)
        data = bytearray(wal.read_bytes())
        for place in places:
            data[int(len(data) * place)] ^= 255
        wal.write_bytes(data if places else data[:-30])
        if places:
            with pytest.raises(Unavailable) as caught:
                merge_audit_logs([home])
            assert caught.value.reason == "UNREADABLE_VOTE_LOG"
        else:
            assert merge_audit_logs([home]).messages == len(records) - 1


def test_damage_in_a_table_is_an_error(tmp_path: Path) -> None:
    home = write_log(tmp_path / "a", build_history(30)[0])
    tables = list((home / "consensus" / "log").glob("*.sst"))
    assert tables, "closing the log writes its tables"
    for table in tables:
        data = bytearray(table.read_bytes())
        data[len(data) // 3] ^= 255
        table.write_bytes(data)
    with pytest.raises(Unavailable) as caught:
        merge_audit_logs([home])
    assert caught.value.reason == "UNREADABLE_VOTE_LOG"


def leave_unflushed(home: Path, records: list[Record]) -> None:
    """Write records in a process that dies at once, as a kill does: all is in the log's tail."""
    code = (
        "import sys, os\n"
        "from pathlib import Path\n"
        "from quorate.consensus.vote_log import VoteLog\n"
        "home, genesis, key = Path(sys.argv[1]), *map(bytes.fromhex, sys.argv[2:4])\n"
        "log = VoteLog(home / 'consensus' / 'log', genesis, key)\n"
        "for line in sys.stdin:\n"
        "    log.persist([tuple(map(bytes.fromhex, line.split()))], synced=False)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    lines = "".join(f"{key.hex()} {value.hex()}\n" for key, value in records)
    arguments = [str(home), GENESIS.hash.hex(), KEYS[0].public_key.hex()]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], input=lines, text=True, check=False, timeout=60
    )
    assert done.returncode == -9


def test_record_that_does_not_parse_is_an_error(tmp_path: Path) -> None:
    home = write_log(tmp_path / "a", [(b"a" + bytes(19), b"no message")])
    with pytest.raises(Unavailable) as caught:
        merge_audit_logs([home])
    assert caught.value.reason == "UNREADABLE_VOTE_LOG"


def test_log_that_a_validator_has_open_is_read_and_left_as_it_is(tmp_path: Path) -> None:
    home = write_log(tmp_path / "a", build_history(5)[0])
    log = VoteLog(home / "consensus" / "log", GENESIS.hash, KEYS[0].public_key)
    try:
        log.persist([record_audit(1, sign(1, 5, Kind.NOTARIZE, 251))], synced=False)
        before = sorted((home / "consensus" / "log").iterdir())
        assert merge_audit_logs([home]).conflicts == 1
        assert sorted((home / "consensus" / "log").iterdir()) == before
        log.persist([record_audit(1, sign(1, 6, Kind.NOTARIZE, 251))], synced=True)
    finally:
        log.close()


def test_directories_without_a_log_and_mixed_chains_are_refused(tmp_path: Path) -> None:
    home = write_log(tmp_path / "a", [])
    (tmp_path / "empty").mkdir()
    with pytest.raises(NotFound):
        merge_audit_logs([home, tmp_path / "empty"])
    other = parse_genesis(
        build_genesis("other", 1, Params(), [build_seat_entry("other", "x", KEYS[0])], {})
    )
    with pytest.raises(InvalidInput) as caught:
        merge_audit_logs([home, write_log(tmp_path / "b", [], other)])
    assert caught.value.reason == "MIXED_CHAINS"


def test_a_copy_of_a_log_counts_as_a_source_of_its_own(tmp_path: Path) -> None:
    home = write_log(tmp_path / "x" / "a", build_history(4)[0])
    shutil.copytree(home, tmp_path / "y" / "a")
    found = audit.find_logs([home, tmp_path / "y" / "a", home])
    assert [path for path, _ in found] == [
        home / "consensus" / "log", tmp_path / "y" / "a" / "consensus" / "log",
    ]  # fmt: skip
    assert len({name for _, name in found}) == 2


def test_every_pair_of_kinds_is_judged_as_the_rule_says(tmp_path: Path) -> None:
    votes = [
        sign(1, 9, kind, digest)
        for kind in (Kind.NOTARIZE, Kind.NULLIFY, Kind.FINALIZE)
        for digest in ((0,) if kind is Kind.NULLIFY else (1, 2))
    ]
    for number, (one, other) in enumerate(itertools.combinations(votes, 2)):
        kinds = {one.kind, other.kind}
        guilty = kinds == {Kind.NULLIFY, Kind.FINALIZE} or (
            Kind.NULLIFY not in kinds and one.digest != other.digest
        )
        home = write_log(tmp_path / str(number), [record_audit(1, one), record_audit(1, other)])
        assert bool(merge_audit_logs([home]).conflicts) == guilty, (one, other)
