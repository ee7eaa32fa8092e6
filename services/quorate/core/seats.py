"""The set of an epoch: its seats in order, each a key, a candidate, its stake and its name.

Layout (big-endian): epoch u64, count u16, then per seat public_key 32, candidate 32, stake u64 and
its name behind a u32 length. The hash over it is what headers carry of the next set
(docs/protocol.md#N4).
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

from quorate.core import crypto
from quorate.core.codec import U16, U64, Reader, encode_blob
from quorate.core.errors import MalformedBytes
from quorate.core.params import SEATS_MAX
from quorate.core.values import ZERO_HASH, Hash

NAME_BYTES_MAX: Final = 64


@dataclass(frozen=True, slots=True)
class Seat:
    """One seat of an epoch's set: its key, and the name people call its validator by.

    `candidate` is the address of the candidate that was elected, with `stake` bonded to it then.
    """

    index: int
    name: str
    public_key: bytes
    candidate: bytes = ZERO_HASH
    stake: int = 0


@dataclass(frozen=True)
class SeatSet:
    """The seats of one epoch, in order."""

    epoch: int
    seats: tuple[Seat, ...]

    @cached_property
    def keys(self) -> tuple[bytes, ...]:
        """The public keys in seat order."""
        return tuple(seat.public_key for seat in self.seats)

    @cached_property
    def hash(self) -> Hash:
        """What headers carry of this set."""
        return crypto.compute_hash(b"quorate/seat-set/v1", self.encode())

    def find(self, public_key: bytes) -> int | None:
        """Return which seat a key holds; None: none in this epoch."""
        return self._index.get(public_key)

    def get_key(self, seat: int) -> bytes | None:
        """Return the key of a seat; None when there is no such seat."""
        return self.keys[seat] if 0 <= seat < len(self.seats) else None

    def follow(self, epoch: int) -> "SeatSet":
        """Return the same seats as the set of another epoch."""
        return SeatSet(epoch, self.seats)

    def encode(self) -> bytes:
        """Return the canonical layout."""
        parts = [_encode_seat(seat) for seat in self.seats]
        return U64.pack(self.epoch) + U16.pack(len(self.seats)) + b"".join(parts)

    @classmethod
    def decode(cls, data: bytes) -> "SeatSet":
        """Return the set of these bytes; raises MalformedBytes."""
        reader = Reader(data, "seat set")
        epoch, count = reader.u64(), reader.u16()
        if not 1 <= count <= SEATS_MAX:
            raise reader.fail(f"{count} seats")
        seats = tuple([_read_seat(reader, index) for index in range(count)])
        reader.end()
        if len({seat.public_key for seat in seats}) != count:
            raise reader.fail("a key holds two seats")
        return cls(epoch, seats)

    @cached_property
    def _index(self) -> dict[bytes, int]:
        return {seat.public_key: seat.index for seat in self.seats}


def _encode_seat(seat: Seat) -> bytes:
    name = encode_blob(seat.name.encode())
    return seat.public_key + seat.candidate + U64.pack(seat.stake) + name


def _read_seat(reader: Reader, index: int) -> Seat:
    key, candidate, stake = reader.take(32), reader.take(32), reader.u64()
    try:
        name = reader.blob(NAME_BYTES_MAX).decode()
    except UnicodeDecodeError as error:
        raise MalformedBytes("seat set", "a name is not UTF-8") from error
    return Seat(index, name, key, candidate, stake)
