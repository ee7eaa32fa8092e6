"""What a long run must have met at least once; a run that met less has shown less than it says."""

from collections import Counter

# Runs of so many steps and more are held to it.
STEPS_MIN = 50_000
FAILURES = (
    "INSUFFICIENT_BALANCE", "NO_CANDIDATE", "CANDIDATE_EXISTS", "CANDIDATES_FULL",
    "CANDIDATE_RESIGNED", "CANDIDATE_SLASHED", "NOT_ENTITLED", "SEAT_KEY_USED", "SEAT_KEY_UNKNOWN",
    "READY_UNTIMELY", "STAKE_TOO_SMALL", "INSUFFICIENT_STAKE", "UNBONDING_LIMIT",
    "REDELEGATION_LIMIT", "REDELEGATION_IN_TRANSIT", "COMMISSION_STEP", "NOTHING_TO_CLAIM",
    "NOT_JAILED", "JAILED_STILL", "NO_TOKEN", "INSUFFICIENT_TOKENS", "CAP_EXCEEDED",
    "CAP_BELOW_SUPPLY", "TOKEN_FROZEN", "TOKEN_FINAL", "NOT_FREEZABLE", "NO_LOCK", "LOCK_OPEN",
    "LOCK_TOO_LONG", "LOCK_EARLY", "LOCK_ENDED", "LOCK_RUNNING", "WRONG_PREIMAGE", "NOT_SEATED",
    "NO_PROPOSAL", "PROPOSER_LIMIT", "PARAMETERS_CONTRADICT", "GENESIS_PROMISE",
)  # fmt: skip
SKIPS = (
    "INVALID", "EXPIRED", "SEQUENCE_PAST", "SEQUENCE_GAP", "FEE_TOO_LOW", "FEE_NOT_COVERED",
    "NOT_A_REPORTER", "EVIDENCE_UNTIMELY", "EVIDENCE_KNOWN", "EVIDENCE_INVALID", "EVIDENCE_LIMIT",
)  # fmt: skip
PAYLOADS = (
    "Transfer", "RegisterCandidate", "UpdateCandidate", "Ready", "Resign", "RotateSeatKey",
    "Unjail", "Delegate", "Undelegate", "Redelegate", "ClaimRewards", "evidence",
    "CreateToken", "MintToken",
    "BurnToken", "TransferToken", "SetTokenPolicy", "LockTransfer", "ClaimLocked", "RefundLocked",
    "ProposeChange", "VoteChange",
)  # fmt: skip
EVENTS = (
    "epoch", "seat won", "seat lost", "seat handed over", "slashed", "jailed", "slashed seat kept",
    "resigned seat kept", "due seat kept", "nobody electable",
    "parameter changed", "redelegation slashed", "unbonding slashed", "reward to the treasury",
)  # fmt: skip
ALL = (*FAILURES, *SKIPS, *[f"{each} done" for each in PAYLOADS], *EVENTS)


def list_missing(met: Counter[str]) -> list[str]:
    """Return what was never met."""
    return [name for name in ALL if not met[name]]
