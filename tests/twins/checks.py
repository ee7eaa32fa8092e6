"""What must hold after every step of a scenario; each rule is checked where it can first break.

An instance's *facts* are (what, which view or height, digest) that it has proof of: certificates it
formed or took, blocks it made final. Whatever the twins do, the facts of all five must agree.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from quorate.core.bft import effects as do
from quorate.core.bft.messages import Certificate, Kind, Proposal, Vote
from tests.sim.checkers.violation import expect
from tests.twins.scenario import QUORUM, SEATS, TWIN_SEAT

if TYPE_CHECKING:
    from tests.twins.instance import Instance

Fact = tuple[str, int, bytes]

_WHAT = {Kind.NOTARIZE: "notarized", Kind.NULLIFY: "nullified", Kind.FINALIZE: "final"}


def take_certificate(instance: Instance, certificate: Certificate) -> None:
    """Note a certificate that an instance formed or took."""
    seats = {seat for seat, _ in certificate.signatures}
    proper = len(seats) == len(certificate.signatures) and max(seats) < SEATS
    fact = (_WHAT[certificate.kind], certificate.view, certificate.digest)
    expect(proper and len(seats) >= QUORUM, "a quorum of distinct seats", (*fact[:2], seats))
    instance.facts |= {fact}


def take_commit(instance: Instance, commit: do.CommitBlocks) -> None:
    """Note blocks that an instance made final."""
    take_certificate(instance, commit.finality.certificate)
    headers = [(block.header, block.digest) for block in commit.blocks]
    instance.facts |= {("at height", header.height, digest) for header, digest in headers}
    instance.facts |= {("committed in", header.view, digest) for header, digest in headers}


def check_facts(facts: Iterable[Fact]) -> None:
    """Compare what instances have proof of; all instances together, at any time."""
    known: dict[str, dict[int, bytes]] = {}
    for what, number, digest in facts:
        first = known.setdefault(what, {}).setdefault(number, digest)
        expect(first == digest, f"one block {what} {number}", (first.hex()[:8], digest.hex()[:8]))
    nullified, notarized = known.get("nullified", {}), known.get("notarized", {})
    committed = known.get("committed in", {})
    for view, digest in known.get("final", {}).items():
        expect(view not in nullified, "no nullification and finalization in one view", view)
        alone = notarized.get(view, digest) == digest
        expect(alone, "no second notarization beside a final block", view)
        expect(committed.get(view, digest) == digest, "one final block per view", view)


def check_signed(instance: Instance, message: Vote | Proposal) -> None:
    """Take an own message of an honest instance: each kind once, nothing that is evidence."""
    view, kind, digest = _read(message)
    signed = instance.signed.setdefault(view, {})
    first = signed.setdefault(kind, digest)
    where = f"instance {instance.index} in view {view}"
    expect(first == digest, f"one {Kind(kind).name} per view", where)
    for other in signed.items():
        expect(not _is_evidence(other, (kind, digest)), "no honest seat signs evidence", where)
    if kind == Kind.FINALIZE:
        proved = ("notarized", view, digest) in instance.facts
        expect(proved, "finalize only after notarization", where)


def hear_twins(instance: Instance, message: Vote | Proposal) -> None:
    """Note a message of the twins' seat that an honest instance is about to take."""
    view, kind, digest = _read(message)
    instance.heard[view] = instance.heard.get(view, frozenset()) | {(kind, digest)}


def hear_certificate(instance: Instance, certificate: Certificate) -> None:
    """Note the twins' vote in a certificate that an honest instance is about to take."""
    if any(seat == TWIN_SEAT for seat, _ in certificate.signatures):
        vote = Vote(
            certificate.kind,
            certificate.epoch,
            certificate.view,
            certificate.digest,
            TWIN_SEAT,
            b"",
        )
        hear_twins(instance, vote)


def check_accusations(instance: Instance, view: int) -> None:
    """Have an honest instance that saw evidence against the twins in a view say so."""
    heard = instance.heard.get(view, frozenset())
    if len(heard) < 2 or view in instance.accused:
        return
    guilty = any(_is_evidence(one, two) for one in heard for two in heard)
    shown = [f"{Kind(kind).name} {digest.hex()[:6]}" for kind, digest in sorted(heard)]
    where = f"instance {instance.index}, view {view}: {shown}"
    expect(not guilty, "evidence is recorded by who saw both messages", where)


def take_evidence(instance: Instance, evidence: do.RecordEvidence) -> None:
    """Take an accusation: it must name the twins, and hold by the letter of the rule."""
    expect(evidence.seat == TWIN_SEAT, "no evidence against who is honest", evidence)
    view, kind, digest = _read(evidence.first)
    other_view, other_kind, other = _read(evidence.second)
    holds = view == other_view and _is_evidence((kind, digest), (other_kind, other))
    expect(holds, "evidence is two messages that conflict", evidence)
    instance.accused |= {view}


def _read(message: Vote | Proposal) -> tuple[int, int, bytes]:
    if isinstance(message, Proposal):
        return message.block.header.view, int(Kind.PROPOSAL), message.block.digest
    return message.view, int(message.kind), message.digest


def _is_evidence(one: tuple[int, bytes], two: tuple[int, bytes]) -> bool:
    # Written anew from docs/protocol.md#V1, so that the engine's own reading is checked too.
    kinds = {one[0], two[0]}
    if kinds == {Kind.FINALIZE, Kind.NULLIFY}:
        return True
    return one[1] != two[1] and (len(kinds) == 1 or kinds == {Kind.FINALIZE, Kind.NOTARIZE})
