"""What delegators' payloads do (docs/protocol.md#D8 to D12)."""

from quorate.core.context import Call, Ledger
from quorate.core.outcomes import Failed
from quorate.core.staking.candidates import check_standing, load_candidate, put_candidate
from quorate.core.staking.payloads import ClaimRewards, Delegate, Redelegate, Undelegate
from quorate.core.staking.records import (
    Candidate,
    Delegation,
    Entry,
    add_entry,
    compute_cut,
    compute_delegation_key,
    compute_moved_key,
    compute_unbonding_key,
    decode_delegation,
    decode_entries,
    encode_entries,
)
from quorate.core.values import TREASURY


class Holding:
    """A delegator's stake at one candidate while a payload works on it: both records, settled."""

    def __init__(self, ledger: Ledger, delegator: bytes, owner: bytes) -> None:
        self.candidate: Candidate = load_candidate(ledger, owner)
        self._ledger, self._delegator, self._owner = ledger, delegator, owner
        self._key = compute_delegation_key(delegator, owner)
        self.delegation: Delegation = decode_delegation(ledger.get(self._key))
        self.delegation.settle(self.candidate)

    @property
    def is_own(self) -> bool:
        """Whether the delegator is the candidate's owner."""
        return self._delegator == self._owner

    def add(self, amount: int) -> None:
        """Bond more."""
        self.delegation.amount += amount
        self.candidate.stake += amount
        if self.is_own:
            self.candidate.self_stake += amount

    def remove(self, amount: int) -> None:
        """Bond less."""
        self.delegation.amount -= amount
        self.candidate.stake -= amount
        if self.is_own:
            self.candidate.self_stake -= amount

    def save(self) -> None:
        """Write both records back."""
        put_candidate(self._ledger, self._owner, self.candidate)
        self._ledger.put(self._key, self.delegation.encode())


def apply_delegate(payload: Delegate, ledger: Ledger, call: Call) -> None:
    """Bond balance to a candidate; raises Failed."""
    holding = Holding(ledger, payload.signer, payload.candidate)
    check_standing(holding.candidate)
    if payload.amount < call.params.stake_min:
        raise Failed("STAKE_TOO_SMALL")
    account = ledger.get_account(payload.signer)
    if account.balance < payload.amount:
        raise Failed("INSUFFICIENT_BALANCE")
    account.balance -= payload.amount
    holding.add(payload.amount)
    holding.save()


def apply_undelegate(payload: Undelegate, ledger: Ledger, call: Call) -> None:
    """Begin to unbond stake; raises Failed."""
    holding = Holding(ledger, payload.signer, payload.candidate)
    _check_part(holding.delegation.amount, payload.amount, call.params.stake_min)
    key = compute_unbonding_key(payload.signer, payload.candidate)
    entries = decode_entries(ledger.get(key))
    if not add_entry(entries, call.epoch, payload.amount):
        raise Failed("UNBONDING_LIMIT")
    ledger.put(key, encode_entries(entries))
    holding.remove(payload.amount)
    holding.save()


def apply_redelegate(payload: Redelegate, ledger: Ledger, call: Call) -> None:
    """Move stake to another candidate, where it stays slashable for the first; raises Failed."""
    source = Holding(ledger, payload.signer, payload.source)
    target = Holding(ledger, payload.signer, payload.target)
    if source.candidate.is_slashed:
        raise Failed("CANDIDATE_SLASHED")
    check_standing(target.candidate)
    params, epoch = call.params, call.epoch
    _check_part(source.delegation.amount, payload.amount, params.stake_min)
    if payload.amount < params.stake_min:
        raise Failed("STAKE_TOO_SMALL")
    moved_epoch = source.delegation.moved_epoch
    if moved_epoch and moved_epoch - 1 + params.unbonding_epochs > epoch:
        raise Failed("REDELEGATION_IN_TRANSIT")
    key = compute_moved_key(payload.source, payload.signer, payload.target)
    entries = [
        entry
        for entry in decode_entries(ledger.get(key))
        if entry.epoch + params.unbonding_epochs > epoch
    ]
    if not add_entry(entries, epoch, payload.amount):
        raise Failed("REDELEGATION_LIMIT")
    ledger.put(key, encode_entries(entries))
    source.remove(payload.amount)
    source.save()
    target.add(payload.amount)
    target.delegation.moved_epoch = epoch + 1
    target.save()


def apply_claim(payload: ClaimRewards, ledger: Ledger, call: Call) -> None:
    """Pay out rewards, commission and what has unbonded; raises Failed."""
    holding = Holding(ledger, payload.signer, payload.candidate)
    candidate, delegation = holding.candidate, holding.delegation
    paid, delegation.due = delegation.due, 0
    candidate.pot -= paid
    if holding.is_own:
        paid += candidate.commission_due
        candidate.commission_due = 0
    key = compute_unbonding_key(payload.signer, payload.candidate)
    entries = decode_entries(ledger.get(key))
    over = [e for e in entries if e.epoch + call.params.unbonding_epochs <= call.epoch]
    cuts = sum([compute_unbonding_cut(candidate, entry) for entry in over])
    amount = sum([entry.amount for entry in over])
    if not paid + amount:
        raise Failed("NOTHING_TO_CLAIM")
    if over:
        ledger.put(key, encode_entries(entries[len(over) :]))
    ledger.get_account(payload.signer).balance += paid + amount - cuts
    if cuts:
        ledger.get_account(TREASURY).balance += cuts
    holding.save()


def compute_unbonding_cut(candidate: Candidate, entry: Entry) -> int:
    """Return what a candidate's slash takes of stake that unbonds (docs/protocol.md#J2)."""
    is_meant = candidate.is_slashed and candidate.slash_from <= entry.epoch <= candidate.slash_epoch
    return compute_cut(entry.amount, candidate.slash_bp) if is_meant else 0


def _check_part(held: int, amount: int, stake_min: int) -> None:
    if amount > held:
        raise Failed("INSUFFICIENT_STAKE")
    if amount < held and (amount < stake_min or held - amount < stake_min):
        raise Failed("STAKE_TOO_SMALL")
