"""What a genesis hash opens to: all that somebody needs who trusts the hash and has no document.

Layout (big-endian): document hash 32, time_ms u64, trust_ms u64, fork_epoch u64, first epoch u64,
hashes of the sets of the first two epochs, chain id behind a u8 length. The genesis hash is over it
(docs/protocol.md#Q3).
"""

from dataclasses import dataclass
from struct import Struct
from typing import Final

from quorate.core import crypto
from quorate.core.codec import Reader
from quorate.core.errors import MalformedBytes
from quorate.core.values import Hash

CHAIN_ID_BYTES_MAX: Final = 64
_NUMBERS: Final = Struct(">QQQQ")


@dataclass(frozen=True, slots=True)
class Origin:
    """A chain's beginning; `document_hash` is over the whole genesis document.

    `epoch` is its first epoch: 0, or where a forked chain goes on. `trust_ms` is how long a set of
    seats may be trusted: stake stays bound at least so long.
    """

    document_hash: bytes
    time_ms: int
    trust_ms: int
    fork_epoch: int
    epoch: int
    set_hashes: tuple[bytes, bytes]
    chain_id: str

    def encode(self) -> bytes:
        """Return the canonical layout."""
        name = self.chain_id.encode()
        numbers = _NUMBERS.pack(self.time_ms, self.trust_ms, self.fork_epoch, self.epoch)
        hashes = b"".join(self.set_hashes)
        return self.document_hash + numbers + hashes + bytes((len(name),)) + name

    def compute_genesis_hash(self) -> Hash:
        """Return the genesis hash."""
        return crypto.compute_hash(b"quorate/genesis/v2", self.encode())

    def compute_domain(self) -> Hash:
        """Return the domain of the chain (docs/protocol.md#S1)."""
        return crypto.compute_domain(self.chain_id, self.compute_genesis_hash(), self.fork_epoch)


def read_origin(reader: Reader) -> Origin:
    """Return the origin that comes next; raises MalformedBytes."""
    document_hash = reader.take(32)
    time_ms, trust_ms, fork_epoch, epoch = _NUMBERS.unpack(reader.take(_NUMBERS.size))
    set_hashes = (reader.take(32), reader.take(32))
    name = reader.take(reader.u8())
    if not 1 <= len(name) <= CHAIN_ID_BYTES_MAX:
        raise reader.fail(f"a chain id of {len(name)} bytes")
    try:
        chain_id = name.decode()
    except UnicodeDecodeError as error:
        raise MalformedBytes("origin", "the chain id is not UTF-8") from error
    return Origin(document_hash, time_ms, trust_ms, fork_epoch, epoch, set_hashes, chain_id)
