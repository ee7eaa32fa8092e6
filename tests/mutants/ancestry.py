"""Mutants of what a block's ancestry must show before it is notarized."""

from quorate.core.bft.chain import Chain
from quorate.core.bft.helping import Helper
from quorate.core.bft.judging import Judge
from quorate.core.bft.proposing import Proposer
from tests.mutants import plans
from tests.mutants import stories_forged as forged
from tests.mutants.edit import Patch, edit
from tests.mutants.entry import SAFETY, Plans, Story, mutant


@mutant(SAFETY, Plans(plans.skippers))
def no_ancestry_check() -> Patch:
    """A block on any known parent is notarized (docs/protocol.md#R4)."""
    return edit(
        Judge._judge_block,
        "if ancestry.judgement is not Judgement.VALID:",
        "if replica.chain.find(header.parent) is None:",
    )


@mutant(SAFETY, Story(forged.a_view_leapt_over))
def missing_nullifications_unnoticed() -> Patch:
    """Views between parent and block need not be nullified (docs/protocol.md#R4)."""
    return edit(
        Helper.judge_ancestry,
        "Kind.NULLIFY not in views[number].certificates",
        "False",
        "number not in views or",
        "",
    )


@mutant(SAFETY, Story(forged.a_block_on_one_that_nobody_notarized))
def parent_need_not_be_notarized() -> Patch:
    """A block is notarized on a parent that is only known (docs/protocol.md#R4)."""
    return edit(Helper.judge_ancestry, "gap is not None or digest is None", "gap is not None")


@mutant(SAFETY, Plans(plans.lossy))
def lost_grandparent() -> Patch:
    """Only the parent must be known, not what it is built on (docs/protocol.md#R4)."""
    return edit(
        Chain.find_gap,
        "digest, view = block.header.parent, block.header.parent_view",
        "return None",
    )


@mutant(SAFETY, Plans(plans.lossy))
def leader_leaps_over_open_views() -> Patch:
    """A leader builds on an old block without proof for doing so (docs/protocol.md#R2)."""
    return edit(Proposer._find_parent, "if not is_nullified:", "if False:")
