"""Canonical layouts keep the bytes of codec.json, and no layout accepts what it would not write."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quorate.core import crypto
from quorate.core.batches import Batch, BatchHeader
from quorate.core.bft import messages as say
from quorate.core.blocks import (
    Block,
    Executed,
    Header,
    Suspect,
    compute_batches_hash,
    compute_handover_hash,
)
from quorate.core.errors import InvalidBatch, MalformedBytes
from quorate.core.params import Params
from quorate.core.transactions import check_signatures, check_transaction, compute_transaction_id
from quorate.core.values import ZERO_HASH, parse_address
from quorate.kit.convert import decode_transaction
from tests.vectors import build_codec

VECTORS: dict[str, Any] = json.loads(build_codec.PATH.read_text())
DOMAIN = bytes.fromhex(VECTORS["keys"]["domain"])

hashes = st.binary(min_size=32, max_size=32)
signatures = st.binary(min_size=64, max_size=64)
u16, u32, u64 = (st.integers(0, 2**bits - 1) for bits in (16, 32, 64))
executed = st.builds(Executed, u64, hashes, hashes, hashes, hashes)
headers = st.builds(
    Header, u16, u16, u64, u64, u64, hashes, u64, u64, u16, hashes, u64, u64, hashes, hashes,
    executed, st.builds(Suspect, u64, u32),
)  # fmt: skip
batch_headers = st.builds(BatchHeader, u64, u16, u64, u32, u32, u64, u64, hashes)


def seal(header: Header, names: list[bytes], handover: bytes) -> Block:
    fields = {name: getattr(header, name) for name in Header.__slots__}
    fields["batches_hash"] = compute_batches_hash(tuple(names))
    fields["handover_hash"] = compute_handover_hash(handover)
    return Block.build(Header(**fields), tuple(names), handover)


blocks = st.builds(seal, headers, st.lists(hashes, max_size=3), st.binary(max_size=100))
VOTE_KINDS = [say.Kind.NOTARIZE, say.Kind.NULLIFY, say.Kind.FINALIZE]


@st.composite
def votes(draw: st.DrawFn) -> say.Vote:
    kind = draw(st.sampled_from(VOTE_KINDS))
    digest = ZERO_HASH if kind is say.Kind.NULLIFY else draw(hashes)
    return say.Vote(kind, draw(u64), draw(u64), digest, draw(u16), draw(signatures))


@st.composite
def certificates(draw: st.DrawFn) -> say.Certificate:
    kind = draw(st.sampled_from(VOTE_KINDS))
    digest = ZERO_HASH if kind is say.Kind.NULLIFY else draw(hashes)
    seats = draw(st.integers(1, 20))
    voters = sorted(draw(st.sets(st.integers(0, seats - 1))))
    signed = tuple((seat, draw(signatures)) for seat in voters)
    return say.Certificate(kind, draw(u64), draw(u64), digest, seats, signed)


messages = st.one_of(
    votes(),
    certificates(),
    st.builds(say.Proposal, blocks, signatures),
    st.builds(say.ProofRequest, u64, u64, u64),
    st.builds(say.SeatQuery, u64, u16),
    st.builds(say.SeatAnswer, u64, u16, st.binary(max_size=200)),
)


def test_the_code_still_gives_the_bytes_of_the_file() -> None:
    built = json.loads(json.dumps(build_codec.build()))
    for group, values in VECTORS.items():
        for name, value in values.items():
            assert built[group][name] == value, (
                f"{group}.{name} changed: old data becomes unreadable"
            )


def test_everything_built_is_in_the_file() -> None:
    assert build_codec.build().keys() == VECTORS.keys()


@pytest.mark.parametrize("name", VECTORS["messages"])
def test_message_of_the_file_parses_and_encodes_back(name: str) -> None:
    data = bytes.fromhex(VECTORS["messages"][name])
    assert say.decode_message(data) == build_codec.list_messages()[name]
    assert say.decode_message(data).encode() == data


def test_block_and_batch_of_the_file_parse() -> None:
    block = Block.decode(bytes.fromhex(VECTORS["block"]["encoded"]))
    assert block.digest.hex() == VECTORS["block"]["digest"]
    batch = Batch.decode(bytes.fromhex(VECTORS["batch"]["encoded"]))
    assert batch.name.hex() == VECTORS["batch"]["name"]
    assert batch.transactions()[0].hex() == VECTORS["transaction"]["envelope"]


def test_transaction_of_the_file_is_valid_and_has_its_id() -> None:
    transaction = decode_transaction(bytes.fromhex(VECTORS["transaction"]["envelope"]), DOMAIN)
    check_transaction(transaction, Params())
    check_signatures(transaction, DOMAIN)
    assert transaction.id == compute_transaction_id(DOMAIN, transaction.body)
    assert transaction.weight == VECTORS["transaction"]["weight"]


def test_address_of_the_file_reads_back() -> None:
    keys = VECTORS["keys"]
    assert parse_address(keys["address_text"]).hex() == keys["address"]
    public_key = bytes.fromhex(keys["public_key"])
    assert crypto.compute_address(crypto.SCHEME_ED25519, public_key).hex() == keys["address"]


@given(messages)
def test_any_message_encodes_and_decodes_to_itself(message: say.Message) -> None:
    assert say.decode_message(message.encode()) == message


@given(messages, st.data())
def test_a_cut_message_is_malformed(message: say.Message, data: st.DataObject) -> None:
    encoded = message.encode()
    size = data.draw(st.integers(0, len(encoded) - 1))
    with pytest.raises(MalformedBytes):
        say.decode_message(encoded[:size])


@given(messages, st.binary(min_size=1, max_size=40))
def test_trailing_bytes_are_malformed(message: say.Message, more: bytes) -> None:
    with pytest.raises(MalformedBytes):
        say.decode_message(message.encode() + more)


@given(messages, st.data())
def test_a_changed_byte_is_malformed_or_another_message(
    message: say.Message, data: st.DataObject
) -> None:
    encoded = bytearray(message.encode())
    at = data.draw(st.integers(0, len(encoded) - 1))
    encoded[at] ^= data.draw(st.integers(1, 255))
    try:
        read = say.decode_message(bytes(encoded))
    except MalformedBytes:
        return
    assert read != message
    assert read.encode() == bytes(encoded)


@given(st.binary(max_size=600))
def test_noise_never_raises_anything_else(data: bytes) -> None:
    for decode in (say.decode_message, Block.decode, Header.decode, BatchHeader.decode):
        try:
            assert decode(data).encode() == data
        except MalformedBytes:
            pass


@given(headers)
def test_any_header_encodes_and_decodes_to_itself(header: Header) -> None:
    assert Header.decode(header.encode()) == header


@given(batch_headers)
def test_any_batch_header_encodes_and_decodes_to_itself(header: BatchHeader) -> None:
    assert BatchHeader.decode(header.encode()) == header


@given(blocks, st.data())
def test_a_changed_block_is_malformed_or_has_another_digest(
    block: Block, data: st.DataObject
) -> None:
    encoded = bytearray(block.encode())
    at = data.draw(st.integers(0, len(encoded) - 1))
    encoded[at] ^= data.draw(st.integers(1, 255))
    try:
        assert Block.decode(bytes(encoded)).digest != block.digest
    except MalformedBytes:
        pass


@given(st.data())
def test_a_changed_batch_is_refused_or_has_another_name_or_signature(data: st.DataObject) -> None:
    batch = build_codec.build_batch()
    encoded = bytearray(batch.encode())
    at = data.draw(st.integers(0, len(encoded) - 1))
    encoded[at] ^= data.draw(st.integers(1, 255))
    try:
        read = Batch.decode(bytes(encoded))
    except (MalformedBytes, InvalidBatch):
        return
    assert (read.name, read.signature) != (batch.name, batch.signature)
