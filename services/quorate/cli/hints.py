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
    "NO_CONTRACT": "`quorate contract list` shows those there are",
    "NO_METHOD": "`quorate contract inspect` lists a contract's methods",
    "BAD_MODULE": "`quorate contract inspect FILE` says which rule a module breaks",
    "OUT_OF_FUEL": "leave --fuel out, and a dry run tells how much it takes; at the most there is, "
    "do less in one call",
    "TRAPPED": "`quorate contract trace` shows the way there",
    "REENTERED": "a contract that runs can't be entered again, unless deployed with --reentrant",
    "CALL_TOO_DEEP": "contracts call each other up to 8 deep",
    "LIMIT_EXCEEDED": "docs/contract-abi.md, section 6, has the limits",
    "READ_ONLY": "a view changes nothing: use `quorate contract call`",
    "DEPOSIT_NOT_COVERED": "stored bytes take a deposit: `quorate account` shows the balance",
    "POISONED": "it killed the contract-runner, and is never run again: change the contract",
    "NO_ENGINE": "this chain runs no contracts yet: `quorate gov list` shows its parameters",
    "JAILED_STILL": "`quorate candidate show` tells in which epoch the wait ends",
}


def find_next_step(reason: str) -> str:
    """Return what to do about a failure; "" where nothing more can be said."""
    return _NEXT.get(reason, "")
