"""Mutants that cost liveness: timers, repeats, and help for who is behind."""

from quorate.core.bft.helping import Helper
from quorate.core.bft.judging import Judge
from quorate.core.bft.replica import Replica
from quorate.core.bft.timers import Timers
from quorate.core.bft.waiting import Waiter
from tests.mutants import plans
from tests.mutants import stories_lost as lost
from tests.mutants.edit import Patch, edit
from tests.mutants.entry import LIVENESS, Plans, Story, mutant
from tests.sim import test_stories


@mutant(LIVENESS, Story(lost.a_parent_that_one_seat_never_saw))
def proof_requests_unanswered() -> Patch:
    """Nobody answers who asks for what an ancestry lacks (docs/protocol.md#R6)."""
    return edit(
        Helper.answer_proof,
        "if request.epoch != self._replica.setup.epoch:",
        "if True:",
    )


@mutant(LIVENESS, Story(lost.a_parent_that_one_seat_never_saw))
def proofs_never_asked_for() -> Patch:
    """Nobody asks for what an ancestry lacks (docs/protocol.md#R6)."""
    return edit(Helper.ask_proof, "if replica.now_ms - asked_ms < ASK_EVERY_MS:", "if True:")


@mutant(
    LIVENESS,
    Story(lost.the_last_vote_of_an_idle_chain_is_lost),
    note="Heartbeats, repeats of others and storage's own catch-up free a late seat too, some "
    "seconds later; so random worlds, which ask for a block within many seconds, do not see it.",
)
def no_help_for_who_is_late() -> Patch:
    """Who still votes in a view that has ended is not told how it did (docs/protocol.md#R6)."""
    return edit(Helper.help_late, "if not _may_send", "if True or not _may_send")


@mutant(LIVENESS, Plans(plans.silent_leaders))
def views_without_a_timer() -> Patch:
    """A view that has no end is never given up (docs/protocol.md#W1)."""
    return edit(Timers.is_view_over, "return", "return False and")


@mutant(LIVENESS, Plans(plans.lossy))
def nothing_is_sent_again() -> Patch:
    """Messages that were lost are not repeated (docs/protocol.md#W4)."""
    return edit(Timers.is_retry_due, "now_ms < self.retry_ms", "True")


@mutant(LIVENESS, Story(lost.links_slower_than_the_time_out))
def time_outs_never_grow() -> Patch:
    """A view may take as long after many failed ones as after none (docs/protocol.md#W4)."""
    return edit(Timers.compute_timeout_ms, "timeout_ms * 3 // 2", "timeout_ms")


@mutant(LIVENESS, Story(lost.no_view_ends_well_for_a_minute))
def time_outs_grow_without_a_cap() -> Patch:
    """Time-outs grow beyond their cap (docs/protocol.md#W4)."""
    return edit(
        Timers.compute_timeout_ms, "min(timeout_ms, self._params.view_timeout_ms_max)", "timeout_ms"
    )


@mutant(LIVENESS, Plans(plans.very_lossy))
def own_messages_never_repeated() -> Patch:
    """A seat does not say again what it said before a restart or time-out (docs/protocol.md#L3)."""
    return edit(Waiter.resend_own, "self._replica.views[number].own.values()", "()")


@mutant(
    LIVENESS, Story(test_stories.test_a_dead_leader_costs_one_time_out_once_and_is_then_skipped)
)
def dead_leaders_waited_for() -> Patch:
    """A leader that is gone costs a time-out in each of its views (docs/protocol.md#W3)."""
    return edit(Replica._is_silent, "missed_ms < 0:", "True:")


@mutant(LIVENESS, Story(lost.a_leader_that_says_it_will_not))
def leaders_refusal_ignored() -> Patch:
    """A view is waited for though its leader has given up on it (docs/protocol.md#W3)."""
    return edit(Judge._give_up_early, "leader in view.votes[Kind.NULLIFY]", "False")
