"""What contract payloads of one transaction did: calls with results and events, and the failure.

Its hash stands in the transaction's receipt, so that an event or a result can be proved.
Layout (big-endian): version u8, count u8, calls; then failed u8 and, if 1, the failure. A call:
payload position u8, contract 32, method blob, fuel u64, result blob, count of events u16, each
contract 32, name blob, data blob. A failure: payload position u8, contract 32, method blob, text
blob, line u32, fuel u64. A blob stands behind its u32 length.
"""

from struct import error as struct_error
from typing import Final, NamedTuple

from quorate.core import crypto
from quorate.core.codec import U16, U32, U64, Reader, encode_blob
from quorate.core.errors import MalformedBytes
from quorate.core.values import HASH_BYTES, Hash

TEXT_BYTES_MAX: Final = 512
_VERSION: Final = 1
_BLOB_BYTES_MAX: Final = 65_536


class Event(NamedTuple):
    """What a contract told while it ran; `data` are the encoded fields."""

    contract: bytes
    name: bytes
    data: bytes


class CallDone(NamedTuple):
    """A contract payload that succeeded; events of contracts that it called are among its own."""

    position: int
    contract: bytes
    method: str
    fuel: int
    result: bytes
    events: tuple[Event, ...]


class Failure(NamedTuple):
    """Why the payload at `position` failed: the text, the contract and method that failed.

    `line` is of the contract's source, 0 when unknown; `fuel` is what all calls of the transaction
    used.
    """

    position: int
    contract: bytes
    method: str
    text: str
    line: int
    fuel: int


class Detail(NamedTuple):
    """The contract payloads of one transaction; after a failure `calls` is empty."""

    calls: tuple[CallDone, ...]
    failure: Failure | None

    def encode(self) -> bytes:
        """Return the canonical layout."""
        parts = [bytes((_VERSION, len(self.calls)))]
        for call in self.calls:
            parts += _encode_call(call)
        failure = self.failure
        if failure is None:
            return b"".join([*parts, b"\0"])
        return b"".join([
            *parts, b"\1", bytes((failure.position,)), failure.contract,
            encode_blob(failure.method.encode()), encode_blob(failure.text.encode()),
            U32.pack(failure.line), U64.pack(failure.fuel),
        ])  # fmt: skip


def compute_detail_hash(encoded: bytes) -> Hash:
    """Return the hash of an encoded detail, which its receipt carries."""
    return crypto.compute_hash(b"quorate/detail/v1", encoded)


def decode_detail(data: bytes) -> Detail:
    """Return the detail of these bytes; raises MalformedBytes."""
    reader = Reader(data, "detail")
    if reader.u8() != _VERSION:
        raise reader.fail("unknown version")
    calls = tuple([_read_call(reader) for _ in range(reader.u8())])
    failed = reader.u8()
    if failed > 1:
        raise reader.fail("neither failed nor not")
    failure = _read_failure(reader) if failed else None
    reader.end()
    return Detail(calls, failure)


def list_tellers(encoded: bytes) -> list[bytes]:
    """Return the contracts that told events in an encoded detail, each once.

    Asked of every call of every block, so it walks over what decoding would build, and raises
    MalformedBytes only where it would get lost.
    """
    try:
        return list(_find_tellers(encoded))
    except (struct_error, IndexError) as error:
        raise MalformedBytes("detail", "is cut off") from error


def _find_tellers(encoded: bytes) -> dict[bytes, None]:
    found, at = dict[bytes, None](), 2
    for _ in range(encoded[1]):
        at = _skip(encoded, _skip(encoded, at + 1 + HASH_BYTES) + U64.size)
        (count,) = U16.unpack_from(encoded, at)
        at += U16.size
        for _ in range(count):
            found[encoded[at : at + HASH_BYTES]] = None
            at = _skip(encoded, _skip(encoded, at + HASH_BYTES))
    return found


def _skip(encoded: bytes, at: int) -> int:
    """Return where the blob at a place ends."""
    return int(U32.unpack_from(encoded, at)[0]) + at + U32.size


def _encode_call(call: CallDone) -> list[bytes]:
    parts = [
        bytes((call.position,)), call.contract, encode_blob(call.method.encode()),
        U64.pack(call.fuel), encode_blob(call.result), U16.pack(len(call.events)),
    ]  # fmt: skip
    for event in call.events:
        parts += [event.contract, encode_blob(event.name), encode_blob(event.data)]
    return parts


def _read_call(reader: Reader) -> CallDone:
    position, contract, method = reader.u8(), reader.take(HASH_BYTES), _read_text(reader)
    fuel, result = reader.u64(), reader.blob(_BLOB_BYTES_MAX)
    events = tuple([
        Event(reader.take(HASH_BYTES), reader.blob(_BLOB_BYTES_MAX), reader.blob(_BLOB_BYTES_MAX))
        for _ in range(reader.u16())
    ])  # fmt: skip
    return CallDone(position, contract, method, fuel, result, events)


def _read_failure(reader: Reader) -> Failure:
    position, contract, method = reader.u8(), reader.take(HASH_BYTES), _read_text(reader)
    return Failure(position, contract, method, _read_text(reader), reader.u32(), reader.u64())


def _read_text(reader: Reader) -> str:
    try:
        return reader.blob(_BLOB_BYTES_MAX).decode()
    except UnicodeDecodeError as error:
        raise MalformedBytes("detail", "a text is not UTF-8") from error
