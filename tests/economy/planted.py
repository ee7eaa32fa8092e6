"""Defects planted on purpose: each must be found, or the comparison proves nothing."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from quorate.core import applying
from quorate.core.governance import actions as governance
from quorate.core.locks import actions as locks
from quorate.core.staking import candidates, delegations, election, rewards, slashing
from quorate.core.staking.delegations import Holding
from quorate.core.staking.election import Election
from quorate.core.staking.performance import Performance
from quorate.core.staking.records import Delegation
from quorate.core.tokens import actions as tokens
from tests.mutants.edit import Patch, edit

Plant = Callable[[], Patch]


def swap(find: Callable[[], Callable[..., Any]], *swaps: str) -> Plant:
    """Return what replaces fragments of the function that `find` returns: old, new, …"""
    return lambda: edit(find(), *swaps)


PLANTED: Final[dict[str, Plant]] = {
    # Rewards
    "commission rounds up": swap(
        lambda: rewards.apply_reward,
        "reward * candidate.commission_bp // SHARE_BP",
        "-(-reward * candidate.commission_bp // SHARE_BP)",
    ),
    "pot not reduced": swap(
        lambda: delegations.apply_claim, "candidate.pot -= paid", "candidate.pot -= 0"
    ),
    "commission paid twice": swap(
        lambda: delegations.apply_claim, "candidate.commission_due = 0", "pass"
    ),
    "slashed candidate earns": swap(lambda: rewards.apply_reward, "candidate.is_slashed", "False"),
    "halving a block late": swap(lambda: rewards.compute_issue, "(height - 1)", "height"),
    "rewards of stake added since": swap(
        lambda: Delegation.settle, "self.index = candidate.index", "pass"
    ),
    # Stake
    "delegation for nothing": swap(
        lambda: delegations.apply_delegate, "account.balance -= payload.amount", "pass"
    ),
    "unbonds an epoch early": swap(
        lambda: delegations.apply_claim,
        "e.epoch + call.params.unbonding_epochs <= call.epoch",
        "e.epoch + call.params.unbonding_epochs <= call.epoch + 1",
    ),
    "self-stake not counted": swap(lambda: Holding.remove, "if self.is_own:", "if False:"),
    "dust may be left": swap(
        lambda: delegations._check_part, "held - amount < stake_min", "held - amount < 0"
    ),
    "moves on in transit": swap(
        lambda: delegations.apply_redelegate, "moved_epoch - 1 + params", "moved_epoch - 2 + params"
    ),
    "seventeen entries": swap(
        lambda: delegations.add_entry,
        "len(entries) <= ENTRIES_MAX",
        "len(entries) <= ENTRIES_MAX + 1",
    ),
    "a failure leaves a part": swap(
        lambda: applying.Applying._apply_together,
        "return failed.code",
        "draft.commit(); return failed.code",
    ),
    # Candidates
    "key reuse allowed": swap(lambda: candidates._use_seat_key, "if ledger.get(key):", "if False:"),
    "commission in leaps": swap(
        lambda: candidates.apply_update, "change > params.commission_step_bp or ", ""
    ),
    "anyone governs": swap(
        lambda: candidates._load_entitled,
        "(payload.candidate, candidate.operator)",
        "(payload.candidate, candidate.operator, payload.signer)",
    ),
    "ready for the epoch to come": swap(
        lambda: candidates.apply_ready,
        "payload.epoch <= call.epoch",
        "payload.epoch <= call.epoch + 1",
    ),
    "released early": swap(
        lambda: candidates.apply_unjail, "call.epoch < candidate", "call.epoch + 1 < candidate"
    ),
    # Slashes
    "unbonding not slashed": swap(
        lambda: delegations.compute_unbonding_cut,
        "if is_meant else 0",
        "if is_meant and False else 0",
    ),
    "redelegation not slashed": swap(
        lambda: slashing._slash_moved, "owed += compute_cut", "owed += 0 * compute_cut"
    ),
    "redelegation slashed once too early": swap(
        lambda: slashing._slash_moved,
        "source.slash_from <= entry.epoch",
        "source.slash_from < entry.epoch",
    ),
    "cut twice": swap(lambda: Delegation.settle, "self.is_cut = True", "pass"),
    "slashed twice": swap(
        lambda: slashing.apply_slash,
        "if candidate.is_slashed:",
        "if candidate.is_slashed and False:",
    ),
    # Elections
    "ties by the other end": swap(
        lambda: Election.iter_steps,
        "sorted([*elected, *electable])",
        "sorted([*elected, *electable], key=lambda r: (r.less_stake, [-b for b in r.owner]))",
    ),
    "limit f not applied": swap(
        lambda: Election.iter_steps,
        "leavers[: self._faults], leavers[self._faults :]",
        "leavers, []",
    ),
    "below seats_min": swap(
        lambda: Election._count_least,
        "min(self._params.seats_min, len(self._following.seats))",
        "0",
    ),
    "seats without machines": swap(
        lambda: Election._is_ready, "is_seated or found", "True or is_seated or found"
    ),
    "missed views off by one": swap(
        lambda: Performance.count_missed,
        "header.view - header.parent_view - 1",
        "header.view - header.parent_view",
    ),
    "window of one epoch": swap(
        lambda: election.compute_window, "candidate.missed_epoch + 1 == epoch", "False"
    ),
    "kept and jailed": swap(
        lambda: Election._jail, "owner in left or ", "True or owner in left or "
    ),
    # Tokens, locks, votes
    "minted over the cap": swap(
        lambda: tokens.apply_mint, "token.supply > compute_cap(token.cap)", "False"
    ),
    "frozen in part": swap(lambda: tokens.apply_transfer, "load_moving", "_load"),
    "burnt and still counted": swap(
        lambda: tokens.apply_burn, "token.supply -= payload.amount", "pass"
    ),
    "a lock open on both sides": swap(
        lambda: locks.apply_refund,
        "call.height < lock.until_height",
        "call.height + 1 < lock.until_height",
    ),
    "a vote for ever": swap(
        lambda: governance._settle,
        "for each, vote in proposal.votes.items() if each in seated",
        "for each, vote in proposal.votes.items()",
    ),
    "a change at once": swap(lambda: governance._take_effect, "call.epoch + 1", "call.epoch"),
}


@contextmanager
def plant(name: str) -> Iterator[None]:
    """Break a rule while it lasts."""
    with PLANTED[name]():
        yield
