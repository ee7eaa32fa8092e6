"""Mutants of the vote log: what is persisted, when, and what a restarted seat makes of it."""

from quorate.consensus.driver import Driver
from quorate.core.bft import restoring
from quorate.core.bft.committing import Committer
from quorate.core.bft.helping import Helper
from quorate.core.bft.judging import Judge
from quorate.core.bft.replica import Replica
from quorate.core.bft.signing import Signing
from tests.mutants import plans, story_driver
from tests.mutants import stories_lost as lost
from tests.mutants.edit import Patch, both, edit
from tests.mutants.entry import LIVENESS, SAFETY, Plans, Story, mutant
from tests.sim import test_stories
from tests.sim.node import Node

# What a restarted seat signs in views that its log has votes of.
REOPENED = ("view > self.logged_view_max", "True")
CLOSED = ("self.may_sign()", "self.may_sign() and view > self.logged_view_max")


@mutant(SAFETY, Plans(plans.calm))
def send_before_persist() -> Patch:
    """Votes leave before the log that holds them is synced (docs/protocol.md#L1)."""
    return edit(
        Node._finish_turn,
        "if synced:", "if False:",
        "self._busy = bool(self._inbox)",
        "_ = synced and self.disk.sync(); self._busy = bool(self._inbox)",
    )  # fmt: skip


@mutant(SAFETY, Story(story_driver.a_driver_syncs_before_it_sends))
def driver_sends_first() -> Patch:
    """The real driver does what a turn wants before it has written it (docs/protocol.md#L1)."""
    return edit(
        Driver.run,
        "await self._persist([effect for effect, _ in turn])", "pass",
        "metrics.VIEW.set(self.engine.replica.view)",
        "await self._persist([effect for effect, _ in turn])",
    )  # fmt: skip


@mutant(SAFETY, Plans(plans.calm))
def votes_without_a_sync() -> Patch:
    """The engine does not ask for a sync when it votes (docs/protocol.md#L1)."""
    return edit(Replica.vote, "self._synced = True", "pass")


@mutant(SAFETY, Plans(plans.calm))
def block_not_persisted_with_its_notarize() -> Patch:
    """A notarize is logged without the block it is for (docs/protocol.md#L2)."""
    return edit(Judge.judge, "replica.record(log.record_block(view.proposal))", "pass")


@mutant(LIVENESS, Story(lost.a_restarted_finalizer_can_prove_why))
def certificates_not_persisted() -> Patch:
    """Certificates are not logged with the votes that depend on them (docs/protocol.md#L2)."""
    return edit(Replica.certify, "self.record(log.record_certificate(certificate))", "pass")


@mutant(SAFETY, Plans(plans.power_cuts))
def own_nullify_forgotten() -> Patch:
    """A restarted seat does not know that it has given up on a view (docs/protocol.md#L3)."""
    return edit(
        restoring._restore_own,
        "number = get_view(message)",
        "number = get_view(message) if get_kind(message) is not Kind.NULLIFY else 0",
    )


@mutant(
    SAFETY,
    Plans(plans.crashing_equivocators),
    note="To forget the bound of the highest logged view alone changes nothing: a whole log leads "
    "the seat back into the view of its newest vote, and that vote is restored with it.",
)
def notarize_again_after_a_restart() -> Patch:
    """A restarted seat notarizes in views where it has done so before (docs/protocol.md#L3)."""
    return both(
        edit(
            restoring._restore_own,
            "number = get_view(message)",
            "number = get_view(message) if get_kind(message) is not Kind.NOTARIZE else 0",
        ),
        edit(restoring.restore_replica, "in restored.blocks", "in ()"),
        edit(Signing.may_notarize, *REOPENED),
    )


@mutant(SAFETY, Plans(plans.power_cuts))
def propose_again_after_a_restart() -> Patch:
    """A restarted leader proposes in a view where it has proposed before (docs/protocol.md#L3)."""
    return both(
        edit(
            restoring._restore_own,
            "number = get_view(message)",
            "number = get_view(message) if get_kind(message) is not Kind.PROPOSAL else 0",
        ),
        edit(restoring.restore_replica, "in restored.blocks", "in ()"),
        edit(Signing.may_propose, *REOPENED),
    )


@mutant(LIVENESS, Plans(plans.all_at_once), Story(lost.all_restart_in_a_view_that_is_split))
def all_logged_views_closed() -> Patch:
    """A restarted seat signs nothing at all up to its highest logged view (docs/protocol.md#L3)."""
    return both(
        edit(Signing.may_nullify, *CLOSED),
        edit(Signing.may_finalize, *CLOSED),
    )


@mutant(SAFETY, Story(test_stories.test_an_old_copy_of_the_log_is_found_out_and_never_signs_again))
def stale_log_not_detected() -> Patch:
    """A seat whose log is an old copy votes on (docs/protocol.md#L5)."""
    return edit(Helper.is_missing_from_log, "data in self._logged", "True")


@mutant(SAFETY, Story(lost.no_answers_no_votes))
def votes_before_the_answers() -> Patch:
    """A seat that starts signs before the others have said what they saw (docs/protocol.md#L4)."""
    return edit(Signing.may_sign, "and not self.blocks", "and not set(self.blocks) - {WAITING}")


@mutant(SAFETY, Plans(plans.slow_power_cuts))
def log_pruned_too_early() -> Patch:
    """The log forgets a view before storage has its final block (docs/protocol.md#L2)."""
    return edit(
        Committer.commit,
        "self._moved()",
        "self._moved(); self.prune(replica.chain.head.header.height)",
    )
