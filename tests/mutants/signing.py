"""Mutants of what a seat may sign (services/quorate/core/bft/signing.py)."""

from quorate.core.bft.receiving import Receiver
from quorate.core.bft.replica import Replica
from quorate.core.bft.signing import Signing
from quorate.core.bft.views import View
from tests.mutants import plans
from tests.mutants import stories_forged as forged
from tests.mutants import stories_lost as lost
from tests.mutants.edit import Patch, both, edit
from tests.mutants.entry import SAFETY, Plans, Story, mutant


@mutant(SAFETY, Plans(plans.splits))
def finalize_after_nullify() -> Patch:
    """A seat finalizes a view that it has given up on (docs/protocol.md#R8)."""
    return edit(Signing.may_finalize, " and Kind.NULLIFY not in signed", "")


@mutant(
    SAFETY,
    Story(lost.a_log_without_its_certificates),
    note="A finalize is signed on a notarization that the log holds as soon as the vote does (one "
    "atomic write, or an earlier one). So who has signed it, restarted or not, stands in a later "
    "view, and a seat nullifies the view it stands in only: with a whole log the rule is a second "
    "line that no schedule reaches. The story takes the certificates out of a log.",
)
def nullify_after_finalize() -> Patch:
    """A seat nullifies a view that it has finalized (docs/protocol.md#R8)."""
    return edit(Signing.may_nullify, " and Kind.FINALIZE not in signed", "")


@mutant(SAFETY, Plans(plans.equivocators))
def finalize_another_than_notarized() -> Patch:
    """A seat finalizes another block of the view than it has notarized (docs/protocol.md#R8)."""
    return edit(Signing.may_finalize, " and signed.get(Kind.NOTARIZE, digest) == digest", "")


@mutant(SAFETY, Story(forged.both_blocks_are_shown_to_all))
def notarize_twice() -> Patch:
    """A seat notarizes each block that a leader shows in a view (docs/protocol.md#R4)."""
    return both(
        edit(Signing.may_notarize, "kind is Kind.PROPOSAL for", "kind is not Kind.NULLIFY for"),
        edit(Signing._sign, "assert kind not in signed", "assert kind"),
        edit(Receiver._receive_proposal, "wanted = ", "wanted = True or "),
        edit(
            View.add_proposal,
            "if self.proposal is None:", "if True:",
            "self.touched = True", "self.judgement = Judgement.UNDECIDED",
        ),
    )  # fmt: skip


@mutant(SAFETY, Plans(plans.splits))
def finalize_without_notarization() -> Patch:
    """A seat finalizes what it has notarized before others have (docs/protocol.md#R5)."""
    return edit(
        Replica._finalize,
        "notarization = view.certificates.get(Kind.NOTARIZE)",
        "notarization = view.own.get(Kind.NOTARIZE)",
    )
