"""Mutants of what is evidence against a seat."""

from quorate.core.bft import evidence
from quorate.core.bft.receiving import Receiver
from tests.mutants import plans
from tests.mutants import stories_forged as forged
from tests.mutants.edit import Patch, edit
from tests.mutants.entry import SAFETY, Plans, Story, mutant


@mutant(SAFETY, Plans(plans.double_voters))
def finalize_beside_nullify_unnoticed() -> Patch:
    """Finalize and nullify of one seat in one view are no evidence (docs/protocol.md#V1)."""
    return edit(evidence.is_conflict, "return True", "return False")


@mutant(SAFETY, Plans(plans.equivocators))
def two_votes_unnoticed() -> Patch:
    """Two different votes of one kind are no evidence (docs/protocol.md#V1)."""
    return edit(
        evidence.is_conflict,
        "if one is not two:",
        "if one is two is not Kind.PROPOSAL:\n        return False\n    if one is not two:",
    )


@mutant(SAFETY, Story(forged.two_blocks_and_not_a_vote))
def two_proposals_unnoticed() -> Patch:
    """Two proposals of one leader in one view are no evidence (docs/protocol.md#V1)."""
    return edit(Receiver._receive_proposal, "self._note_seen", "(lambda *_: None)")


@mutant(SAFETY, Plans(plans.splits))
def lawful_nullify_accused() -> Patch:
    """Notarize and then nullify is taken for evidence (docs/protocol.md#V1)."""
    return edit(
        evidence.is_conflict,
        "if one is not Kind.FINALIZE and two is not Kind.FINALIZE:",
        "if Kind.PROPOSAL in (one, two):",
    )
