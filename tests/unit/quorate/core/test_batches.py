"""A batch is its signed header: what does not match it is proof against its author."""

import dataclasses

import pytest

from quorate.core import crypto
from quorate.core.batches import (
    HEADER_BYTES,
    SIGNED_HEADER_BYTES,
    Batch,
    BatchHeader,
    check_batch_header,
    compute_batch_name,
    compute_content_hash,
    is_batch_signed,
)
from quorate.core.codec import pack_list
from quorate.core.errors import InvalidBatch, MalformedBytes
from quorate.core.params import Params

KEY = crypto.SigningKey(b"\7" * 32)
DOMAIN = crypto.compute_domain("chain", bytes(32), 0)
CONTENT = pack_list([b"one", b"", b"three"])
HEADER = BatchHeader(1, 2, 3, 3, len(CONTENT), 500, 40, compute_content_hash(CONTENT))


def seal(header: BatchHeader = HEADER, content: bytes = CONTENT) -> Batch:
    encoded = header.encode()
    signature = KEY.sign(crypto.TAG_BATCH, DOMAIN, encoded)
    return Batch(header, signature, content, compute_batch_name(encoded))


def test_a_sealed_batch_reads_back_with_its_name_and_transactions() -> None:
    batch = Batch.decode(seal().encode())
    assert batch == seal()
    assert batch.name == compute_batch_name(HEADER.encode())
    assert batch.transactions() == [b"one", b"", b"three"]


def test_the_author_signs_the_header_for_one_chain() -> None:
    batch, encoded = seal(), HEADER.encode()
    assert is_batch_signed(encoded, batch.signature, KEY.public_key, DOMAIN)
    assert not is_batch_signed(encoded, batch.signature, KEY.public_key, bytes(32))
    other = dataclasses.replace(HEADER, weight=501).encode()
    assert not is_batch_signed(other, batch.signature, KEY.public_key, DOMAIN)


def test_every_field_of_the_header_makes_another_name() -> None:
    names = {compute_batch_name(HEADER.encode())}
    for field in dataclasses.fields(BatchHeader):
        value = getattr(HEADER, field.name)
        changed = bytes(32) if isinstance(value, bytes) else value + 1
        header = dataclasses.replace(HEADER, **{field.name: changed})
        names.add(compute_batch_name(header.encode()))
    assert len(names) == 1 + len(dataclasses.fields(BatchHeader))


@pytest.mark.parametrize("size", [0, 1, HEADER_BYTES - 1, HEADER_BYTES, SIGNED_HEADER_BYTES - 1])
def test_a_batch_that_is_cut_inside_its_signed_header_is_malformed(size: int) -> None:
    with pytest.raises(MalformedBytes):
        Batch.decode(seal().encode()[:size])


def test_content_that_is_cut_or_longer_is_invalid() -> None:
    for data in (seal().encode()[:-1], seal().encode() + b"\0"):
        with pytest.raises(InvalidBatch, match="as long as"):
            Batch.decode(data)


def test_content_of_another_hash_is_invalid() -> None:
    changed = CONTENT[:-1] + b"!"
    with pytest.raises(InvalidBatch, match="hash"):
        Batch.decode(seal(content=changed).encode())


def test_a_miscounted_content_is_malformed() -> None:
    for count in (2, 4):
        with pytest.raises(MalformedBytes):
            seal(dataclasses.replace(HEADER, count=count)).transactions()


@pytest.mark.parametrize(
    ("field", "largest"),
    [
        ("count", Params().batch_transactions_max),
        ("size_bytes", Params().batch_size_bytes_max),
        ("weight", Params().block_weight_max),
    ],
)
def test_a_header_is_bounded_by_the_parameters(field: str, largest: int) -> None:
    check_batch_header(dataclasses.replace(HEADER, **{field: largest}), Params())
    with pytest.raises(InvalidBatch):
        check_batch_header(dataclasses.replace(HEADER, **{field: largest + 1}), Params())


def test_an_empty_batch_is_invalid() -> None:
    with pytest.raises(InvalidBatch, match="0 transactions"):
        check_batch_header(dataclasses.replace(HEADER, count=0), Params())
