"""Rendezvous hashing: which validator takes a lane, the same at every gateway.

When the set of validators changes, only the lanes of those that came or went move.
"""

from collections.abc import Sequence

from quorate.core.crypto import compute_hash

_TAG = b"quorate/rendezvous/v1"


def compute_ranking(key: bytes, names: Sequence[str]) -> list[int]:
    """Return indexes into `names`, best first, for a lane key (sender ‖ lane)."""
    scores = [compute_hash(_TAG, key, name.encode()) for name in names]
    return sorted(range(len(names)), key=scores.__getitem__, reverse=True)
