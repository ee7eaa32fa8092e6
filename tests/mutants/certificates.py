"""Mutants of what makes a certificate, and of what a message must show to be counted."""

from quorate.core.bft import quorum
from quorate.core.bft.engine import Engine
from quorate.core.bft.receiving import Receiver
from quorate.core.bft.views import View
from tests.mutants import plans
from tests.mutants import stories_forged as forged
from tests.mutants.edit import Patch, both, edit
from tests.mutants.entry import SAFETY, Plans, Story, mutant

SHORT = ("< compute_quorum", "+ 1 < compute_quorum")
SHORT_CHECK = ("len(voters) < compute_quorum", "len(voters) + 1 < compute_quorum")


@mutant(SAFETY, Plans(plans.calm))
def quorum_one_short() -> Patch:
    """One vote less than a quorum makes a certificate, made or taken (docs/protocol.md#R1)."""
    return both(
        edit(quorum.build_certificate, *SHORT), edit(quorum.check_certificate, *SHORT_CHECK)
    )


@mutant(SAFETY, Plans(plans.lossy))
def rebroadcast_counted_again() -> Patch:
    """A vote that is sent again counts as another one (docs/protocol.md#R1)."""
    return both(
        edit(View.has_vote, "return", "return False and"),
        edit(
            View.add_vote,
            "votes.setdefault(vote.seat, vote)",
            "votes[-len(votes) if vote.seat in votes else vote.seat] = vote",
        ),
    )


@mutant(SAFETY, Plans(plans.seat_repeaters, 20), Story(forged.one_seat_signs_thrice))
def repeated_seats_accepted() -> Patch:
    """A certificate may name a seat as often as it likes (docs/protocol.md#R1)."""
    return edit(quorum.check_certificate, "len(set(voters)) != len(voters) or", "")


@mutant(SAFETY, Plans(plans.seat_repeaters, 20), Story(forged.signatures_are_made_up))
def certificate_signatures_unchecked() -> Patch:
    """Signatures in certificates from others are not verified (docs/protocol.md#R1)."""
    return edit(quorum.check_certificate, "if not crypto", "if False and not crypto")


@mutant(SAFETY, Story(forged.votes_in_other_names))
def vote_signatures_unchecked() -> Patch:
    """Votes and proposals count without a look at their signatures (docs/protocol.md#S2)."""
    return edit(Receiver._is_authentic, "return crypto", "return True or crypto")


@mutant(SAFETY, Story(forged.votes_of_the_next_epoch))
def votes_of_another_epoch_counted() -> Patch:
    """A vote that a seat signed for another epoch counts in this one (docs/protocol.md#R1)."""
    return both(
        edit(
            Engine._receive,
            "if epoch == current:",
            "if epoch == current or hasattr(event.message, 'seat'):",
        ),
        edit(Receiver._receive_vote, "vote.epoch != replica.setup.epoch", "False"),
        edit(
            Receiver._is_authentic,
            "self._replica.setup.epoch, get_view",
            "getattr(message, 'epoch', 0), get_view",
        ),
    )


@mutant(SAFETY, Story(forged.two_seats_sign_for_three))
def short_certificates_accepted() -> Patch:
    """A certificate from others may lack a signature of its quorum (docs/protocol.md#R1)."""
    return edit(quorum.check_certificate, *SHORT_CHECK)


@mutant(SAFETY, Story(forged.a_block_out_of_turn))
def anyone_proposes() -> Patch:
    """A proposal counts whoever leads the view (docs/protocol.md#R4)."""
    return edit(
        Receiver._receive_proposal,
        "or header.proposer != replica.leader(header.view)",
        "",
    )
