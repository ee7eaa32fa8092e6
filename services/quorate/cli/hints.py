"""What to do about a payload that failed, by reason (docs/protocol.md#D1 to D12)."""

from typing import Final

_NEXT: Final = {
    "INSUFFICIENT_BALANCE": "`quorate account` shows the balance; on a local network "
    "`quorate faucet` gives tokens",
    "NO_CANDIDATE": "`quorate candidate list` shows who there is",
    "CANDIDATE_EXISTS": "an account has one candidate for good: take another key",
    "CANDIDATES_FULL": "there is room again when a candidate resigns",
    "CANDIDATE_RESIGNED": "it is out for good: `quorate candidate list` shows others",
    "CANDIDATE_SLASHED": "it is out for good: `quorate candidate list` shows others",
    "NOT_ENTITLED": "sign with the owner's or the operator's key: `quorate candidate show` tells",
    "SEAT_KEY_USED": "make a new seat key; one that was used once is never taken again",
    "SEAT_KEY_UNKNOWN": "`quorate candidate show` tells its seat keys; rotate to this one first",
    "READY_UNTIMELY": "ask the node for a new Ready: it holds for its epoch and the next",
    "STAKE_TOO_SMALL": "move more: `quorate epoch` shows the least stake",
    "INSUFFICIENT_STAKE": "`quorate stake show` tells what is bonded",
    "UNBONDING_LIMIT": "claim what has unbonded, or wait: 16 undelegations may be under way",
    "REDELEGATION_LIMIT": "wait: 16 redelegations between two candidates may be under way",
    "REDELEGATION_IN_TRANSIT": "`quorate stake show` tells in which epoch it may move on",
    "COMMISSION_STEP": "take a smaller step, or wait: commission changes slowly",
    "NOTHING_TO_CLAIM": "`quorate stake show` tells what may be claimed when",
    "NOT_JAILED": "it can be elected as it is",
    "JAILED_STILL": "`quorate candidate show` tells in which epoch the wait ends",
}


def find_next_step(reason: str) -> str:
    """Return what to do about a failure; "" where nothing more can be said."""
    return _NEXT.get(reason, "")
