"""What must not be signed or certified, planted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from quorate.core.bft import effects as do
from quorate.core.bft import events as on
from quorate.core.bft.messages import Kind, Proposal
from tests.sim.planted.scene import (
    get_block,
    make_certificate,
    make_twin,
    make_vote,
    planted,
)
from tests.sim.world import World


@planted("FinalOrNull", "never finalize and nullify in one view")
def a_finalize_after_the_nullify(world: World, checker: Any) -> None:
    checker.signed(world.nodes[0], make_vote(Kind.NULLIFY, 5))
    checker.signed(world.nodes[0], make_vote(Kind.FINALIZE, 5, bytes(32)))


@planted("FinalOrNull", "never finalize and nullify in one view")
def a_nullify_after_the_finalize(world: World, checker: Any) -> None:
    checker.signed(world.nodes[0], make_vote(Kind.FINALIZE, 5, bytes(32)))
    checker.signed(world.nodes[0], make_vote(Kind.NULLIFY, 5))


@planted("Finalizing", "finalize only after notarization")
def a_finalize_without_any_notarization(world: World, checker: Any) -> None:
    checker.sent(world.nodes[0], make_vote(Kind.FINALIZE, 5, bytes(32)))


@planted("Finalizing", "finalize only with the notarization at hand")
def a_finalize_with_the_notarization_elsewhere(world: World, checker: Any) -> None:
    engine = world.nodes[0].replica
    assert engine is not None
    view, digest = engine.view + 1, b"d" * 32
    engine.get_view(view)
    checker.certified(world.nodes[1], make_certificate(Kind.NOTARIZE, view, digest))
    checker.sent(world.nodes[0], make_vote(Kind.FINALIZE, view, digest))


@planted("Innocence", "no evidence against who is honest")
def evidence_against_an_honest_seat(world: World, checker: Any) -> None:
    votes = make_vote(Kind.NULLIFY, 5, seat=1), make_vote(Kind.FINALIZE, 5, bytes(32), seat=1)
    checker.accused(world.nodes[0], do.RecordEvidence(1, *votes))


@planted("Innocence", "no honest seat halts")
def an_honest_seat_that_halts(world: World, checker: Any) -> None:
    checker.reported(world.nodes[0], do.ReportState("halted", "STATE_DIVERGED"))


@planted("Notarizations", "no second notarization in a view")
def two_notarizations_in_a_view(world: World, checker: Any) -> None:
    checker.certified(world.nodes[0], make_certificate(Kind.NOTARIZE, 5, b"a" * 32))
    checker.certified(world.nodes[1], make_certificate(Kind.NOTARIZE, 5, b"b" * 32))


@planted("Notarizations", "no second notarization beside a final block")
def a_notarization_beside_a_final_block(world: World, checker: Any) -> None:
    checker.certified(world.nodes[0], make_certificate(Kind.FINALIZE, 5, b"a" * 32))
    checker.certified(world.nodes[1], make_certificate(Kind.NOTARIZE, 5, b"b" * 32))


@planted("OneBlock", "never finalize one block having notarized another")
def a_finalize_of_another_block(world: World, checker: Any) -> None:
    checker.signed(world.nodes[0], make_vote(Kind.NOTARIZE, 5, b"a" * 32))
    checker.signed(world.nodes[0], make_vote(Kind.FINALIZE, 5, b"b" * 32))


@planted("Opposed", "no nullification and finalization in one view")
def a_nullification_beside_a_finalization(world: World, checker: Any) -> None:
    checker.certified(world.nodes[0], make_certificate(Kind.NULLIFY, 5))
    checker.certified(world.nodes[1], make_certificate(Kind.FINALIZE, 5, bytes(32)))


@planted("Persisted", "persist before send")
def a_vote_that_no_disk_has(world: World, checker: Any) -> None:
    checker.signed(world.nodes[0], make_vote(Kind.NOTARIZE, 10**6, bytes(32)))


@planted("Persisted", "one persist, in front")
def a_persist_behind_a_send(world: World, checker: Any) -> None:
    node, vote = world.nodes[0], make_vote(Kind.NOTARIZE, 5)
    world.checkers[:] = []
    world.add_checker(checker)
    world.watch(node, on.TimerFired(0, 0), [do.Broadcast(vote), do.Persist((), True)])


@planted("Quorums", "a quorum of distinct seats")
def a_certificate_with_a_repeated_seat(world: World, checker: Any) -> None:
    certificate = make_certificate(Kind.NULLIFY, 5)
    signatures = (*certificate.signatures[:2], certificate.signatures[0])
    checker.certified(world.nodes[0], replace(certificate, signatures=signatures))


@planted("Quorums", "a quorum of distinct seats")
def a_certificate_below_the_quorum(world: World, checker: Any) -> None:
    certificate = make_certificate(Kind.NULLIFY, 5)
    checker.certified(world.nodes[0], replace(certificate, signatures=certificate.signatures[:2]))


@planted("Quorums", "seats of the epoch's set")
def a_certificate_of_foreign_seats(world: World, checker: Any) -> None:
    signatures = tuple((seat, bytes(64)) for seat in (0, 1, 4))
    certificate = replace(make_certificate(Kind.NULLIFY, 5), signatures=signatures)
    checker.certified(world.nodes[0], certificate)


@planted("Quorums", "a certificate verifies")
def a_certificate_whose_signatures_do_not_hold(world: World, checker: Any) -> None:
    checker.certified(world.nodes[0], make_certificate(Kind.NULLIFY, 5))
    checker.finished(world)


@planted("SignedOnce", "one NOTARIZE per view")
def two_notarizes_in_a_view(world: World, checker: Any) -> None:
    checker.signed(world.nodes[0], make_vote(Kind.NOTARIZE, 5, b"a" * 32))
    checker.signed(world.nodes[0], make_vote(Kind.NOTARIZE, 5, b"b" * 32))


@planted("SignedOnce", "one PROPOSAL per view")
def two_proposals_in_a_view(world: World, checker: Any) -> None:
    block = get_block(world)
    leader = world.nodes[block.header.proposer]
    checker.signed(leader, Proposal(block, bytes(64)))
    checker.signed(leader, Proposal(make_twin(block), bytes(64)))
