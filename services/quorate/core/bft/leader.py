"""Who leads a view: a permutation of the seats, fixed for an epoch (docs/protocol.md#R3).

Grindable by whoever makes the carried result, so it is never offered as randomness.
"""

from quorate.core import crypto
from quorate.core.codec import U16, U64


def compute_leader_order(domain: bytes, epoch: int, carried: bytes, seats: int) -> tuple[int, ...]:
    """Return the seats in the order in which they lead; view v is led by order[v % n]."""

    def rank(seat: int) -> bytes:
        parts = (domain, U64.pack(epoch), carried, U16.pack(seat))
        return crypto.compute_hash(b"quorate/leader/v1", *parts)

    return tuple(sorted(range(seats), key=rank))
