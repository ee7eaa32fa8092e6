"""What a block pays to its proposer's candidate: constant work, however many delegate to it.

Source of the running index: Batog, Boca, Johnson, "Scalable Reward Distribution on the Ethereum
Blockchain" (2018). Rules: docs/protocol.md#Y1 to Y3.
"""

from typing import Final

from quorate.core.context import Ledger
from quorate.core.params import Params
from quorate.core.staking.records import INDEX_SHIFT, compute_candidate_key, decode_candidate
from quorate.core.values import SHARE_BP, TREASURY

# No block above this height issues anything, so that a supply below 2^63 can be checked at genesis.
ISSUE_BLOCKS_MAX: Final = 2**32
_INDEX_MAX: Final = 2**128 - 1


def compute_issue(height: int, params: Params) -> int:
    """Return what the block at a height issues; block 0 issues nothing."""
    if not 1 <= height <= ISSUE_BLOCKS_MAX:
        return 0
    halving = params.issue_halving_blocks
    return params.issue_per_block >> min((height - 1) // halving if halving else 0, 64)


def compute_issued(height: int, params: Params) -> int:
    """Return what all blocks up to a height have issued."""
    height, halving = min(height, ISSUE_BLOCKS_MAX), params.issue_halving_blocks
    if not halving:
        return params.issue_per_block * height
    issued, each = 0, params.issue_per_block
    while height > 0 and each:
        issued += each * min(height, halving)
        height, each = height - halving, each >> 1
    return issued


def apply_reward(ledger: Ledger, owner: bytes, reward: int) -> None:
    """Share a block's fees and issue between the proposer's candidate and its delegators.

    Without a candidate, or with a slashed one or one without stake, the treasury gets it.
    """
    record = ledger.get(compute_candidate_key(owner))
    candidate = decode_candidate(record) if record else None
    if candidate is None or candidate.is_slashed or not candidate.stake:
        ledger.get_account(TREASURY).balance += reward
        return
    commission = reward * candidate.commission_bp // SHARE_BP
    step = (reward - commission << INDEX_SHIFT) // candidate.stake
    if candidate.index + step > _INDEX_MAX:
        # Nobody gets here but a chain whose smallest stake is next to nothing.
        ledger.get_account(TREASURY).balance += reward
        return
    candidate.commission_due += commission
    candidate.index += step
    candidate.pot += reward - commission
    ledger.put(compute_candidate_key(owner), candidate.encode())
