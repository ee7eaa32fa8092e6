"""Mutants of what a block may hold: batches, claims about execution, and its header."""

from quorate.core import results
from quorate.core.bft import rules
from quorate.core.bft.chain import Chain
from quorate.core.bft.pool import Pool
from quorate.core.bft.proposing import Proposer
from tests.mutants import plans
from tests.mutants import stories_forged as forged
from tests.mutants.edit import Patch, both, edit
from tests.mutants.entry import SAFETY, Plans, Story, mutant
from tests.sim import test_stories


@mutant(SAFETY, Plans(plans.false_results))
def result_not_checked() -> Patch:
    """A claim that differs from the own result is notarized (docs/protocol.md#X2)."""
    return edit(rules.judge_block, "if claim is INVALID:", "if False:")


@mutant(SAFETY, Plans(plans.early_results))
def result_not_awaited() -> Patch:
    """A claim about what is not executed here yet is notarized (docs/protocol.md#X2)."""
    return edit(
        results.judge_claim,
        "return Judgement.UNDECIDED\n    expected",
        "return Judgement.VALID\n    expected",
    )


@mutant(SAFETY, Story(test_stories.test_a_false_executor_halts_itself_and_nobody_else))
def divergence_unnoticed() -> Patch:
    """A seat whose state a quorum has proved wrong votes on (docs/protocol.md#X4)."""
    return edit(Chain.is_diverged, "return self._diverged", "return False")


@mutant(SAFETY, Plans(plans.slow_executors))
def lag_ignored() -> Patch:
    """Blocks name batches however far execution is behind (docs/protocol.md#X3)."""
    return both(
        edit(rules._list_header_rules, "lag > params.execution_lag_max", "False"),
        edit(Proposer._is_lagging, "> self._replica.params.execution_lag_max", "< 0"),
        edit(Proposer._build_on, "<= params.execution_lag_max", ">= 0"),
    )


@mutant(SAFETY, Plans(plans.late_batches))
def notarize_without_the_batches() -> Patch:
    """A block is notarized though its batches are not held here (docs/protocol.md#B3)."""
    return edit(
        rules._judge_batches,
        'return Verdict(UNDECIDED, "BATCHES_MISSING", missing)',
        "return Verdict(VALID)",
    )


@mutant(SAFETY, Plans(plans.long_ways))
def batch_of_an_ancestor_named_again() -> Patch:
    """A block names batches that its ancestors name (docs/protocol.md#B4)."""
    return both(
        edit(Chain.collect_names, "in branch for", "in () for"),
        edit(rules._judge_batches, "or chain.is_recent(name) for", "for"),
    )


@mutant(SAFETY, Story(forged.a_batch_twice_in_one_block))
def batch_named_twice_in_a_block() -> Patch:
    """A block names one batch twice (docs/protocol.md#B4)."""
    return edit(rules._judge_batches, " or len(set(names)) != len(names)", "")


@mutant(SAFETY, Plans(plans.short_lives))
def expired_batches_named() -> Patch:
    """A block names batches that have expired (docs/protocol.md#B4)."""
    return both(
        edit(Pool.is_timely, "height <= header.expiry_height <=", "header.expiry_height <="),
        edit(Pool.expire, "h.expiry_height < height", "False"),
    )


@mutant(SAFETY, Plans(plans.calm))
def weight_unlimited() -> Patch:
    """A block may weigh more than its limit (docs/protocol.md#R4)."""
    return both(
        edit(Pool.select, "> self._params.block_weight_max", "< 0"),
        edit(rules._list_header_rules, "header.weight > params.block_weight_max", "False"),
    )


@mutant(SAFETY, Story(forged.a_block_older_than_its_parent))
def header_unchecked() -> Patch:
    """A header's height, time, fee and version may be anything (docs/protocol.md#R4)."""
    return edit(rules.judge_block, "if broken:", "if broken and not reason:")
