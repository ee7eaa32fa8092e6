"""What executing a transaction may give: the table of receipt codes (docs/protocol.md#E1 to E3).

A receipt's code is stored for ever, so codes are never given to another meaning. Codes below
FIRST_SKIPPED are of what took its sequence, codes from there on of what was skipped.
"""

from typing import Final

OUTCOME_SUCCEEDED: Final[int] = 1
OUTCOME_FAILED: Final[int] = 2
OUTCOME_SKIPPED: Final[int] = 3

SUCCEEDED: Final = 0
INSUFFICIENT_BALANCE: Final = 1
IDEMPOTENCY_CONFLICT: Final = 2
DUPLICATE: Final = 3
# Succeeded, with calls of contracts: the receipt carries the hash of what they did.
CALLED: Final = 4
# From here on to FIRST_CONTRACT_END a contract failed, and the receipt carries the same.
FIRST_CONTRACT: Final = 90
FIRST_CONTRACT_END: Final = 110

FIRST_SKIPPED: Final = 128
INVALID: Final = 128
EXPIRED: Final = 129
SEQUENCE_PAST: Final = 130
SEQUENCE_GAP: Final = 131
FEE_TOO_LOW: Final = 132
FEE_NOT_COVERED: Final = 133
NOT_A_REPORTER: Final = 134
EVIDENCE_UNTIMELY: Final = 135
EVIDENCE_KNOWN: Final = 136
EVIDENCE_INVALID: Final = 137
EVIDENCE_LIMIT: Final = 138

_FAILED: Final = {
    INSUFFICIENT_BALANCE: "INSUFFICIENT_BALANCE",
    IDEMPOTENCY_CONFLICT: "IDEMPOTENCY_CONFLICT",
    DUPLICATE: "DUPLICATE",
    # Stake (docs/protocol.md, rules D)
    10: "NO_CANDIDATE",
    11: "CANDIDATE_EXISTS",
    12: "CANDIDATES_FULL",
    13: "CANDIDATE_RESIGNED",
    14: "CANDIDATE_SLASHED",
    15: "NOT_ENTITLED",
    16: "SEAT_KEY_USED",
    17: "SEAT_KEY_UNKNOWN",
    18: "READY_UNTIMELY",
    19: "STAKE_TOO_SMALL",
    20: "INSUFFICIENT_STAKE",
    21: "UNBONDING_LIMIT",
    22: "REDELEGATION_LIMIT",
    23: "REDELEGATION_IN_TRANSIT",
    24: "COMMISSION_STEP",
    25: "NOTHING_TO_CLAIM",
    26: "NOT_JAILED",
    27: "JAILED_STILL",
    # Tokens (rules A)
    40: "NO_TOKEN",
    41: "INSUFFICIENT_TOKENS",
    42: "CAP_EXCEEDED",
    43: "CAP_BELOW_SUPPLY",
    44: "TOKEN_FROZEN",
    45: "TOKEN_FINAL",
    46: "NOT_FREEZABLE",
    # Locks (rules A)
    60: "NO_LOCK",
    61: "LOCK_OPEN",
    62: "LOCK_TOO_LONG",
    63: "LOCK_EARLY",
    64: "LOCK_ENDED",
    65: "LOCK_RUNNING",
    66: "WRONG_PREIMAGE",
    # Changes by vote (rules G)
    70: "NOT_SEATED",
    71: "NO_PROPOSAL",
    72: "PROPOSAL_EXPIRED",
    73: "PROPOSALS_FULL",
    74: "PROPOSER_LIMIT",
    75: "UPGRADE_TOO_SOON",
    76: "PARAMETERS_CONTRADICT",
    77: "GENESIS_PROMISE",
    # Contracts (rules C)
    90: "NO_CONTRACT",
    91: "NO_METHOD",
    92: "BAD_MODULE",
    93: "OUT_OF_FUEL",
    94: "TRAPPED",
    95: "REVERTED",
    96: "REENTERED",
    97: "CALL_TOO_DEEP",
    98: "LIMIT_EXCEEDED",
    99: "HOST_REFUSED",
    100: "READ_ONLY",
    101: "DEPOSIT_NOT_COVERED",
    102: "POISONED",
    103: "NO_ENGINE",
}
_SKIPPED: Final = {
    INVALID: "INVALID",
    EXPIRED: "EXPIRED",
    SEQUENCE_PAST: "SEQUENCE_PAST",
    SEQUENCE_GAP: "SEQUENCE_GAP",
    FEE_TOO_LOW: "FEE_TOO_LOW",
    FEE_NOT_COVERED: "FEE_NOT_COVERED",
    NOT_A_REPORTER: "NOT_A_REPORTER",
    EVIDENCE_UNTIMELY: "EVIDENCE_UNTIMELY",
    EVIDENCE_KNOWN: "EVIDENCE_KNOWN",
    EVIDENCE_INVALID: "EVIDENCE_INVALID",
    EVIDENCE_LIMIT: "EVIDENCE_LIMIT",
}
# Code → (outcome, reason).
OUTCOMES: Final[dict[int, tuple[int, str]]] = {
    SUCCEEDED: (OUTCOME_SUCCEEDED, ""),
    CALLED: (OUTCOME_SUCCEEDED, ""),
    **{code: (OUTCOME_FAILED, reason) for code, reason in _FAILED.items()},
    **{code: (OUTCOME_SKIPPED, reason) for code, reason in _SKIPPED.items()},
}
_CODES: Final = {reason: code for code, reason in _FAILED.items()}


class Failed(Exception):
    """A payload can't take effect in the present state, so none of its transaction does.

    Only `apply_` functions raise it, and only the transition catches it.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason, self.code = reason, _CODES[reason]


def has_reference(code: int) -> bool:
    """Tell whether a receipt of this code carries 32 bytes more (core/receipts.py)."""
    return code in (DUPLICATE, CALLED) or is_contract_failure(code)


def is_contract_failure(code: int) -> bool:
    """Tell whether a receipt of this code says that a contract failed."""
    return FIRST_CONTRACT <= code < FIRST_CONTRACT_END
