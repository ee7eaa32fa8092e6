"""Records are believed when their node signed them for this chain; the newest counts."""

from pathlib import Path

import pytest

from quorate.api.peers.v1 import peers_pb2 as pb
from quorate.core.errors import InvalidInput, Rejected
from quorate.core.genesis import parse_genesis
from quorate.gossip.identity import init_node, load_node
from quorate.gossip.records import (
    RECORDS_MAX,
    NodeRecord,
    RecordTable,
    build_record,
    check_record,
    parse_address,
)
from tests.unit.quorate.gossip.conftest import build_test_genesis

GENESIS = parse_genesis(build_test_genesis())
OTHER = parse_genesis(build_test_genesis(chain_id="another-chain"))


@pytest.fixture
def signed(tmp_path: Path) -> pb.SignedRecord:
    """A record of a node of this chain."""
    init_node(tmp_path)
    return build_record(load_node(tmp_path), "host:1234", GENESIS)


def test_a_record_says_who_and_where(signed: pb.SignedRecord, tmp_path: Path) -> None:
    record, identity = check_record(signed, GENESIS), load_node(tmp_path)
    assert (record.node_id, record.address) == (identity.node_id, "host:1234")
    assert record.certificate_hash == identity.certificate_hash
    assert pb.Frame.FromString(record.fragment).records[0] == signed


def test_a_record_of_another_chain_is_refused_with_both_hashes(signed: pb.SignedRecord) -> None:
    with pytest.raises(Rejected) as raised:
        check_record(signed, OTHER)
    assert raised.value.reason == "WRONG_GENESIS"
    assert raised.value.fields() == {"expected": OTHER.hash.hex(), "found": GENESIS.hash.hex()}


@pytest.mark.parametrize("change", ["signature", "record", "long"])
def test_a_changed_record_is_refused(signed: pb.SignedRecord, change: str) -> None:
    if change == "signature":
        signed.signature = bytes(64)
    elif change == "record":
        record = pb.Record.FromString(signed.record)
        record.address = "elsewhere:1"
        signed.record = record.SerializeToString()
    else:
        signed.record += bytes(2_000)
    with pytest.raises(InvalidInput) as raised:
        check_record(signed, GENESIS)
    assert raised.value.reason == "BAD_RECORD"


@pytest.mark.parametrize("address", ["host", ":1", "host:", "host:0", "host:65536", "h:1x", "h:²"])
def test_an_address_must_be_host_and_port(address: str) -> None:
    with pytest.raises(InvalidInput):
        parse_address(address)


def test_addresses_may_be_names_and_both_kinds_of_numbers() -> None:
    assert parse_address("validator-0.chain.svc:26656") == ("validator-0.chain.svc", 26656)
    assert parse_address("[::1]:80") == ("::1", 80)


def make(number: int, sequence: int = 1) -> NodeRecord:
    """Return a record that counts as checked."""
    name = number.to_bytes(32, "big")
    return NodeRecord(name, name, "h:1", name, sequence, name + bytes((sequence,)), b"")


def test_the_highest_sequence_wins_and_the_table_is_bounded() -> None:
    table = RecordTable()
    assert table.put(make(1, 2))
    assert not table.put(make(1, 2))
    assert not table.put(make(1, 1))
    assert table.put(make(1, 3))
    assert table.has(make(1, 3).signature)
    assert not table.has(make(1, 2).signature)
    for number in range(2, RECORDS_MAX + 2):
        table.put(make(number))
    assert len(table.records) == RECORDS_MAX
    assert not table.has(make(1, 3).signature)
