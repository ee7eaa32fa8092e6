"""Mutants of what becomes final, and in which order it is handed to storage."""

from quorate.core.bft.committing import Committer
from quorate.core.bft.replica import Replica
from tests.mutants import plans
from tests.mutants.edit import Patch, edit
from tests.mutants.entry import SAFETY, Plans, mutant


@mutant(SAFETY, Plans(plans.lossy))
def ancestors_not_committed() -> Patch:
    """A finalization commits its block without the ancestors (docs/protocol.md#R7)."""
    return edit(Committer.commit, "CommitBlocks(tuple(blocks)", "CommitBlocks(tuple(blocks[-1:])")


@mutant(SAFETY, Plans(plans.lossy))
def committed_newest_first() -> Patch:
    """Ancestors are committed after their descendants (docs/protocol.md#R7)."""
    return edit(Committer.commit, "CommitBlocks(tuple(blocks)", "CommitBlocks(tuple(blocks[::-1])")


@mutant(SAFETY, Plans(plans.calm))
def notarization_makes_final() -> Patch:
    """A block is committed as soon as it is notarized (docs/protocol.md#R7)."""
    return edit(
        Replica.certify,
        "if certificate.kind is Kind.FINALIZE:",
        "if certificate.kind is not Kind.NULLIFY:",
    )
