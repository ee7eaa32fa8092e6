"""What was issued under parameters that votes have changed (docs/protocol.md#G5).

gi  issued up to the last block before the present parameters of issue: height u64, amount u64
"""

from typing import Final

from quorate.core.blocks import Header
from quorate.core.codec import U64, Reader
from quorate.core.context import Ledger
from quorate.core.governance.parameters import (
    CHANGES_KEY,
    ISSUE_AMOUNT,
    ISSUE_HALVING,
    decode_changes,
)
from quorate.core.params import Params
from quorate.core.staking.rewards import compute_issued

ISSUED_KEY: Final = b"gi"


def note_issued(ledger: Ledger, header: Header, params: Params) -> None:
    """In an epoch's last block: note what was issued, if the next one issues differently."""
    changes = decode_changes(ledger.get(CHANGES_KEY))
    coming = [each.name for each in changes if each.from_epoch == header.epoch + 1]
    if ISSUE_AMOUNT in coming or ISSUE_HALVING in coming:
        issued = load_issued(ledger.get(ISSUED_KEY), header.height, params)
        ledger.put(ISSUED_KEY, U64.pack(header.height) + U64.pack(issued))


def load_issued(record: bytes, height: int, params: Params) -> int:
    """Return what all blocks up to a height issued, with the record and parameters in force there.

    Raises MalformedBytes.
    """
    if not record:
        return compute_issued(height, params)
    reader = Reader(record, "issued")
    since, issued = reader.u64(), reader.u64()
    reader.end()
    return issued + compute_issued(height, params) - compute_issued(since, params)
