"""Which records a block's execution will surely read, so that they can be loaded in one go.

For speed only: what is not named is read when it is asked for (core/records.py).
"""

from collections.abc import Sequence

from quorate.core import accusations
from quorate.core.accusations import try_decode_evidence
from quorate.core.blocks import Header
from quorate.core.governance.parameters import CHANGES_KEY
from quorate.core.governance.upgrades import UPGRADES_KEY
from quorate.core.kinds import get_kind
from quorate.core.staking.records import PERFORMANCE_KEY
from quorate.core.state import (
    EPOCH_START_KEY,
    compute_account_key,
    compute_expiry_key,
    compute_idempotency_key,
    compute_mark_key,
    compute_set_key,
)
from quorate.core.transactions import SubmitEvidence, Transaction, Transfer
from quorate.core.values import TREASURY


def list_block_keys(header: Header) -> list[bytes]:
    """Return the keys that every block needs, whatever is in it, to be loaded beforehand."""
    sets = range(max(header.epoch - accusations.EPOCHS_BACK, 0), header.epoch + 2)
    return [
        compute_account_key(TREASURY), compute_expiry_key(header.height - 1), EPOCH_START_KEY,
        PERFORMANCE_KEY, CHANGES_KEY, UPGRADES_KEY, *map(compute_set_key, sets),
    ]  # fmt: skip


def list_keys(transactions: Sequence[Transaction]) -> list[bytes]:
    """Return the keys that these transactions name, each once, to be loaded beforehand."""
    keys: dict[bytes, None] = {}
    for transaction in transactions:
        keys[b"a" + transaction.sender] = None
        for payload in transaction.payloads:
            if isinstance(payload, Transfer):
                keys[b"a" + payload.signer] = None
                keys[b"a" + payload.to] = None
            elif not isinstance(payload, SubmitEvidence):
                keys[b"a" + payload.signer] = None
                keys |= dict.fromkeys(get_kind(payload).list_keys(payload))
            elif (evidence := try_decode_evidence(payload.first, payload.second)) is not None:
                keys[compute_mark_key(evidence.epoch, evidence.seat)] = None
        if transaction.idempotency_key:
            key = compute_idempotency_key(transaction.sender, transaction.idempotency_key)
            keys[key] = None
    return list(keys)
