"""What execution checks anew of a transaction's form: a faulty quorum may order anything."""

from quorate.core.errors import InvalidTransaction
from quorate.core.params import IDEMPOTENCY_KEY_BYTES_MAX
from quorate.core.transactions import (
    Payload,
    SubmitEvidence,
    Transaction,
    Transfer,
    check_payload,
    is_report_form,
)
from quorate.core.values import HASH_BYTES, UINT64_MAX


def is_sound(transaction: Transaction, lanes: int) -> bool:
    """Tell whether a transaction can be executed at all; `lanes` bounds its lane."""
    # Whoever batched it checked much more (core/transactions.py). This keeps the state's layout
    # whole whatever a quorum of faulty validators might order.
    payloads = transaction.payloads
    if not payloads or len(transaction.sender) != HASH_BYTES or transaction.lane >= lanes:
        return False
    for payload in payloads:
        if type(payload) is not Transfer:
            if not _is_sound_action(payload):
                return False
            continue
        signer, to, amount = payload
        if len(to) != HASH_BYTES or len(signer) != HASH_BYTES or amount < 1:
            return False
    return (
        transaction.sequence < UINT64_MAX
        and transaction.fee_limit + transaction.tip <= UINT64_MAX
        and len(transaction.idempotency_key) <= IDEMPOTENCY_KEY_BYTES_MAX
    )


def _is_sound_action(payload: Payload) -> bool:
    if isinstance(payload, SubmitEvidence):
        return False
    try:
        check_payload(payload)
    except InvalidTransaction:
        return False
    return True


def is_sound_report(transaction: Transaction) -> bool:
    """Tell whether a report is right in form; its evidence is judged apart."""
    is_addressed = len(transaction.sender) == HASH_BYTES
    return is_addressed and is_report_form(transaction) and transaction.sequence < UINT64_MAX
