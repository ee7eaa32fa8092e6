"""Stories of lost messages and lost lives, each led to the one schedule where a rule matters."""

from __future__ import annotations

from dataclasses import replace

from quorate.core.bft.log import Restored
from quorate.core.bft.messages import Kind, Message, Proposal, SeatAnswer, Vote
from tests.mutants.stage import (
    PARAMS,
    TIMEOUT_MS,
    Stage,
    is_proposal,
    is_vote,
    let_all,
    let_none,
)
from tests.sim.checkers import Violation

FOR_GOOD_MS = 10**9


def _finalize_alone(stage: Stage) -> tuple[int, int, list[int]]:
    """Lead to one seat that has finalized view 1 on a notarization that nobody else can make.

    Its third voter never comes back, and the two that are left have given up on the view.
    """
    final = stage.leader(1)
    third, second, last = stage.others(final)

    def gate(source: int, target: int, message: Message) -> bool:
        if isinstance(message, Proposal):
            return target != last
        return target == final and isinstance(message, Vote)

    stage.gate = gate
    stage.make_batch(final)
    stage.run(TIMEOUT_MS // 2)
    assert stage.engine(final).view == 2, "it has seen the notarization"
    stage.node(third).crash("kill", FOR_GOOD_MS)
    stage.gate = let_none
    stage.node(final).crash("kill", 2 * TIMEOUT_MS)
    stage.run(3 * TIMEOUT_MS)
    return final, third, [second, last]


def a_restarted_finalizer_can_prove_why() -> None:
    """All depends on one seat's log: the certificate must be in it (docs/adr/003)."""
    stage = Stage(blind=("Finalizing",))
    final, _, left = _finalize_alone(stage)
    stage.gate = let_all
    stage.await_block(final, *left)


def a_log_without_its_certificates() -> None:
    """A log that holds a finalize but not what it was made on; the seat is back in that view."""
    stage = Stage(blind=("Finalizing",))
    final = stage.leader(1)
    disk = stage.node(final).disk
    read = disk.read

    def strip() -> Restored:
        restored = read()
        restored.certificates.clear()
        return restored

    disk.read = strip  # type: ignore[method-assign]
    _finalize_alone(stage)
    assert stage.engine(final).view == 1, "it has forgotten why it left"
    stage.gate = let_all
    stage.run(10 * TIMEOUT_MS)


def all_restart_in_a_view_that_is_split() -> None:
    """One has notarized, two have given up, the leader is gone; then all lose their memory."""
    stage = Stage()
    traitor = stage.leader(1)
    forger = stage.betray(traitor)
    one, *rest = stage.others(traitor)
    stage.gate = lambda source, target, message: is_proposal(message, 1) and target == one
    stage.make_batch(traitor)
    stage.run(TIMEOUT_MS // 4)
    for seat in rest:
        stage.tell(seat, traitor, forger.sign_vote(Kind.NULLIFY, 1))
    stage.run(TIMEOUT_MS // 4)
    assert set(stage.engine(one).views[1].own) == {Kind.NOTARIZE}
    assert all(set(stage.engine(seat).views[1].own) == {Kind.NULLIFY} for seat in rest)
    stage.node(traitor).crash("kill", FOR_GOOD_MS)
    for seat in (one, *rest):
        stage.node(seat).crash("kill", 10)
    stage.gate = let_all
    stage.run(1_000)
    stage.make_batch(one)
    stage.await_block(one, *rest)


def a_parent_that_one_seat_never_saw() -> None:
    """A seat that all depend on lacks a notarization, and can only ask for it.

    View 1 is notarized and not final, since its third finalize is missing; its third voter helped
    to nullify view 2 and is gone. The seat that missed it all has no vote in either view, so it is
    not helped as a late one, and no own message of others makes up for the vote that is gone.
    """
    stage = Stage()
    gone = stage.leader(2)
    lead = stage.leader(1)
    lacking, other = stage.others(gone, lead)
    forger = stage.betray(gone)

    def gate(source: int, target: int, message: Message) -> bool:
        return target != lacking and not is_vote(message, Kind.FINALIZE, 1)

    stage.gate = gate
    stage.make_batch(lead)
    stage.run(TIMEOUT_MS // 10)
    assert {stage.engine(seat).view for seat in (lead, other, gone)} == {2}
    nullify = forger.sign_vote(Kind.NULLIFY, 2)
    for seat in (lead, other):
        stage.tell(seat, gone, nullify)
    stage.gate = lambda source, target, message: is_vote(message, Kind.NULLIFY, 2)
    stage.tell(lacking, gone, nullify)
    stage.run(TIMEOUT_MS // 10)
    assert stage.engine(lacking).view == 3 and not stage.engine(lacking).signing.signed
    stage.node(gone).crash("kill", FOR_GOOD_MS)
    stage.gate = let_all
    stage.await_block(lead, other, lacking)


def the_last_vote_of_an_idle_chain_is_lost() -> None:
    """A seat misses how a view ended, and the chain falls quiet: its own repeat must be answered.

    Its executor is busy, so that storage does not catch up in the engine's place.
    """
    stage = Stage()
    late = stage.others(stage.leader(1))[0]
    stage.gate = lambda source, target, message: target != late or is_proposal(message, 1)
    stage.node(late).storage.stalled_ms = 100 * TIMEOUT_MS
    stage.make_batch(stage.leader(1))
    stage.run(3 * TIMEOUT_MS)
    views = {stage.engine(seat).view for seat in stage.others(late)}
    assert len(views) == 1 and views != {1}, "the chain is idle again"
    assert stage.engine(late).view == 1
    stage.gate = let_all
    stage.await_that(
        lambda: stage.engine(late).view in views, 3 * TIMEOUT_MS, "who is behind leaves its view"
    )


def links_slower_than_the_time_out() -> None:
    """A view takes longer than the first time-outs, always; not longer than the cap."""
    params = replace(PARAMS, view_timeout_ms=TIMEOUT_MS // 4)
    stage = Stage(delay_ms=(450, 450), params=params)
    stage.make_batch(0)
    stage.await_that(
        lambda: min(node.storage.height for node in stage.world.nodes) >= 1, 60_000, "a block"
    )


def no_answers_no_votes() -> None:
    """A restarted seat hears everything but what the others saw of it."""
    stage = Stage()
    seat = stage.others(stage.leader(1))[0]
    stage.node(seat).crash("kill", 10)
    stage.gate = lambda source, target, message: not isinstance(message, SeatAnswer)
    stage.run(100)
    stage.make_batch(stage.leader(1))
    stage.run(5 * TIMEOUT_MS)
    if stage.engine(seat).signing.signed:
        raise Violation("nothing is signed before the answers", f"seat {seat}")


def no_view_ends_well_for_a_minute() -> None:
    """All proposals are lost for so long that time-outs stand at their cap; then a leader dies."""
    stage = Stage(params=replace(PARAMS, view_timeout_ms_max=TIMEOUT_MS))
    stage.gate = lambda source, target, message: not isinstance(message, Proposal)
    stage.make_batch(0)
    stage.run(90_000)
    stage.gate = let_all
    gone = stage.leader(max(stage.engine(seat).view for seat in range(4)) + 1)
    stage.node(gone).crash("kill", FOR_GOOD_MS)
    stage.await_block(*stage.others(gone))


def a_leader_that_says_it_will_not() -> None:
    """A leader gives up on its own view at once; nobody needs to wait for the time-out."""
    stage = Stage()
    leader = stage.leader(1)
    stage.gate = lambda source, target, message: source != leader
    nullify = stage.betray(leader).sign_vote(Kind.NULLIFY, 1)
    for seat in stage.others(leader):
        stage.tell(seat, leader, nullify)
    stage.await_that(
        lambda: all(stage.engine(seat).view == 2 for seat in stage.others(leader)),
        TIMEOUT_MS // 2,
        "the next view",
    )
