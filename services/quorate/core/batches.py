"""Batches: packed transactions behind a header that their author's seat signs.

Layout of a header (big-endian): epoch u64, author u16, number u64, count u32, size_bytes u32,
weight u64, expiry_height u64, content_hash 32. Its hash names the batch. A sealed batch on the
wire is header ‖ signature 64 ‖ content; the content is `count` length-prefixed SignedTransaction.
"""

from dataclasses import dataclass
from struct import Struct
from typing import Final

from quorate.core import crypto
from quorate.core.codec import unpack_list
from quorate.core.errors import InvalidBatch, MalformedBytes
from quorate.core.params import Params
from quorate.core.values import Hash

_HEADER: Final = Struct(">QHQIIQQ32s")
HEADER_BYTES: Final = _HEADER.size
SIGNED_HEADER_BYTES: Final = HEADER_BYTES + crypto.SIGNATURE_BYTES


@dataclass(frozen=True, slots=True)
class BatchHeader:
    """What a batch claims about its content; signed by the author's seat."""

    epoch: int
    author: int
    number: int
    count: int
    size_bytes: int
    weight: int
    expiry_height: int
    content_hash: bytes

    def encode(self) -> bytes:
        """Return the canonical layout."""
        return _HEADER.pack(
            self.epoch, self.author, self.number, self.count, self.size_bytes, self.weight,
            self.expiry_height, self.content_hash,
        )  # fmt: skip

    @classmethod
    def decode(cls, data: bytes) -> "BatchHeader":
        """Return the header of exactly HEADER_BYTES bytes; raises MalformedBytes."""
        if len(data) != HEADER_BYTES:
            raise MalformedBytes("batch header", f"{len(data)} bytes, not {HEADER_BYTES}")
        return cls(*_HEADER.unpack(data))


def compute_batch_name(header: bytes) -> Hash:
    """Return the name of a batch: the hash of its encoded header."""
    return crypto.compute_hash(crypto.TAG_BATCH, header)


@dataclass(frozen=True, slots=True)
class Batch:
    """A sealed batch: header, the author's signature, content, and its computed name."""

    header: BatchHeader
    signature: bytes
    content: bytes
    name: Hash

    def encode(self) -> bytes:
        """Return the bytes that travel and are stored."""
        return self.header.encode() + self.signature + self.content

    @classmethod
    def decode(cls, data: bytes) -> "Batch":
        """Return a batch whose content matches its header's hash and size.

        Raises MalformedBytes or InvalidBatch. The author's signature is checked by
        `is_batch_signed`, what is inside by whoever verifies transactions.
        """
        encoded = data[:HEADER_BYTES]
        header = BatchHeader.decode(encoded)
        signature, content = data[HEADER_BYTES:SIGNED_HEADER_BYTES], data[SIGNED_HEADER_BYTES:]
        if len(signature) != crypto.SIGNATURE_BYTES:
            raise MalformedBytes("batch", "cut off inside its signature")
        if len(content) != header.size_bytes:
            raise InvalidBatch("content is not as long as the header says")
        if compute_content_hash(content) != header.content_hash:
            raise InvalidBatch("content does not match the header's hash")
        return cls(header, signature, content, compute_batch_name(encoded))

    def transactions(self) -> list[bytes]:
        """Return the encoded SignedTransactions; raises MalformedBytes."""
        return unpack_list(self.content, self.header.count, "batch content")


def compute_content_hash(content: bytes) -> Hash:
    """Return the hash a header carries of its batch's content."""
    return crypto.compute_hash(b"quorate/batch-content/v1", content)


def check_batch_header(header: BatchHeader, params: Params) -> None:
    """Raise InvalidBatch when a header exceeds what the parameters allow (docs/protocol.md#B2)."""
    if not 1 <= header.count <= params.batch_transactions_max:
        raise InvalidBatch(f"{header.count} transactions", count=header.count)
    if header.size_bytes > params.batch_size_bytes_max:
        raise InvalidBatch(f"{header.size_bytes} bytes", size_bytes=header.size_bytes)
    if header.weight > params.block_weight_max:
        raise InvalidBatch(f"weight {header.weight} fits no block", weight=header.weight)


def is_batch_signed(header: bytes, signature: bytes, public_key: bytes, domain: bytes) -> bool:
    """Tell whether the author's seat key signed this encoded header."""
    return crypto.is_signed(public_key, signature, crypto.TAG_BATCH, domain, header)
