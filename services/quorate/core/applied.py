"""What executing transactions gives: receipts, and what is handed over between processes."""

from typing import NamedTuple

from quorate.core.outcomes import DUPLICATE
from quorate.core.state import Write


class Receipt(NamedTuple):
    """What executing one transaction gave; `code` indexes OUTCOMES, `fee` includes the tip.

    `reference` is the first id of a DUPLICATE, the hash of the detail where contracts were called
    (outcomes.has_reference), else empty.
    """

    id: bytes
    sender: bytes
    lane: int
    sequence: int
    code: int
    fee: int
    reference: bytes

    @property
    def first_id(self) -> bytes:
        """The transaction that a DUPLICATE repeats; empty else."""
        return self.reference if self.code == DUPLICATE else b""

    @property
    def detail_hash(self) -> bytes:
        """The hash of what contracts did; empty where none was called."""
        return b"" if self.code == DUPLICATE else self.reference


class Applied(NamedTuple):
    """What applying some of a block's transactions gave, to be absorbed by the block's execution.

    `details` are of those that called contracts: (position among these transactions, encoded).
    """

    receipts: list[Receipt]
    details: list[tuple[int, bytes]]
    writes: list[Write]
    fees: int
    bound: list[bytes]
    refuted: list[bytes]


class Aside(NamedTuple):
    """What applying some of a block's transactions apart needs to know of the block so far.

    `poisoned` are positions among these; `refuted` as in Execution.refuted.
    """

    poisoned: tuple[int, ...] = ()
    refuted: tuple[bytes, ...] = ()
