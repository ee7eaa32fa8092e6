"""What votes may do to the issue of money, and what was issued under changing parameters.

A genesis is checked so that its supply and all that it will ever issue fit 63 bits. So a vote can
lower the issue, and raise it again, but never above what the genesis says of any height
(docs/protocol.md#G5).

gi  issued up to the last block before the present parameters of issue: height u64, amount u64
"""

from typing import Final

from quorate.core.blocks import Header
from quorate.core.codec import U64, Reader
from quorate.core.context import Ledger
from quorate.core.governance.parameters import CHANGES_KEY, decode_changes
from quorate.core.governance.records import Proposal
from quorate.core.params import Params
from quorate.core.staking.rewards import compute_issued

ISSUED_KEY: Final = b"gi"
_AMOUNT: Final = "issue_per_block"
_HALVING: Final = "issue_halving_blocks"


def keeps_promise(proposal: Proposal, first: int) -> bool:
    """Tell whether no block would issue more than by the genesis, which said `first`."""
    value = proposal.value
    if proposal.parameter == _AMOUNT:
        return value <= first
    if proposal.parameter == _HALVING:
        # 0 never halves, so it is above all others.
        return first == 0 or 0 < value <= first
    return True


def note_issued(ledger: Ledger, header: Header, params: Params) -> None:
    """In an epoch's last block: note what was issued, if the next one issues differently."""
    changes = decode_changes(ledger.get(CHANGES_KEY))
    if any(e.name in (_AMOUNT, _HALVING) and e.from_epoch == header.epoch + 1 for e in changes):
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
