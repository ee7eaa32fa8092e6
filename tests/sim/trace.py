"""A run as a person reads it: view by view, who did what and sent what to whom.

One line per turn that changed anything: virtual time, node, what came in, what it did. A rule is
drawn when the highest view of all nodes rises; what happens to nodes and links stands between.

    ── view 7 of epoch 0, led by seat 2 ──────────────────────
      1310 ms  n2 v7   timer                        > P7<-6 1f9c (2 batches), N7 1f9c by 2
      1320 ms  n0 v7   n2: P7<-6 1f9c (2 batches)   > N7 1f9c by 0

P is a proposal (view <- parent's view, digest), N notarize, X nullify, F finalize; in brackets with
the number of seats it is a certificate: [N7 1f9c 3/4]. `@2` is to seat or node 2 alone, `final 12`
hands the block at height 12 to storage.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from quorate.core.bft import effects as do
from quorate.core.bft import events as on
from quorate.core.bft.messages import (
    Certificate,
    Kind,
    ProofRequest,
    Proposal,
    SeatAnswer,
    SeatQuery,
    Vote,
)

if TYPE_CHECKING:
    from tests.sim.node import Node
    from tests.sim.world import World

LETTERS = {Kind.NOTARIZE: "N", Kind.NULLIFY: "X", Kind.FINALIZE: "F"}
WIDTH = 78


class Trace:
    """Turns what a world tells into lines."""

    def __init__(self, world: World, write: Callable[[str], None]) -> None:
        self._world, self._write = world, write
        self._view = 0
        plan = world.plan
        faulty = [*plan.adversaries, *((seat, "false executor") for seat, _ in plan.liars)]
        faulty += [(seat, "dead for good") for seat in plan.dead]
        self._write(
            f"seed {plan.seed}: {plan.seats} seats, {plan.observers} observers"
            f"{', full nodes' if plan.full else ''}; faulty: "
            f"{', '.join(f'n{seat} {what}' for seat, what in sorted(faulty)) or 'none'}; "
            f"delay {plan.delay_ms[0]} to {plan.delay_ms[1]} ms, loss {plan.loss_percent} %, "
            f"duplicates {plan.duplicate_percent} %; trouble ends at {plan.faulty_ms} ms"
        )

    def turn(self, node: Node, event: on.Event, effects: list[do.Effect]) -> None:
        """Tell one event and its effects, if there are any besides bookkeeping."""
        done = [text for text in map(describe_effect, effects) if text]
        if not done or node.replica is None:
            return
        view = node.replica.view
        self._open_view(node, view)
        came = describe_event(event)
        self._write(f"{self._when()}  n{node.index} v{view:<4} {came:<30} > {', '.join(done)}")

    def note(self, node: Node | None, what: str) -> None:
        """Tell what happens to a node, or to the network."""
        who = "the network" if node is None else f"n{node.index}"
        self._write(f"{self._when()}  ** {who} {what}")

    def _when(self) -> str:
        return f"{self._world.scheduler.now_ms:>7} ms"

    def _open_view(self, node: Node, view: int) -> None:
        if view > self._view and node.replica is not None:
            self._view = view
            epoch, leader = node.epoch, node.replica.leader(view)
            title = f"── view {view} of epoch {epoch}, led by seat {leader} "
            self._write(title + "─" * (WIDTH - len(title)))


def describe_event(event: on.Event) -> str:
    """Return what came in, in short."""
    if isinstance(event, on.MessageReceived):
        return f"n{event.node[-1]}: {describe_message(event.message)}"
    match event:
        case on.TimerFired():
            return "timer"
        case on.BatchesHeld(batches=batches):
            return f"holds {_list_names(name for name, _ in batches)}"
        case on.BatchesReported(seat=seat, names=names):
            return f"n{seat} holds {_list_names(names)}"
        case on.BlocksExecuted(results=results):
            return "executed " + ",".join(str(r.height) for r in results)
        case on.BlocksSynced(height=height):
            return f"synced {height}"
        case on.CaughtUp(block=block):
            return f"caught up to {block.header.height}"
        case on.PeerConnected(node=peer):
            return f"n{peer[-1]} connected"
        case on.RunnerDied(suspect=suspect):
            return f"runner dies in {suspect.height}"
        case on.RunnerSurvived(height=height):
            return f"runner survives {height}"
        case on.StorageFaulted(reason=reason):
            return f"storage: {reason or 'works'}"
    return type(event).__name__.lower()


def describe_message(message: Any) -> str:
    """Return a message as the legend has it."""
    match message:
        case Proposal(block=block):
            header = block.header
            count = f" ({len(block.batches)} batches)" if block.batches else ""
            return f"P{header.view}<-{header.parent_view} {_short(block.digest)}{count}"
        case Vote(kind=kind, view=view, digest=digest, seat=seat):
            return f"{_state(kind, view, digest)} by {seat}"
        case Certificate(kind=kind, view=view, digest=digest):
            share = f"{len(message.signatures)}/{message.seats}"
            return f"[{_state(kind, view, digest)} {share}]"
        case ProofRequest(from_view=first, to_view=last):
            return f"proof {first}..{last}?"
        case SeatQuery(seat=seat):
            return f"seen of {seat}?"
        case SeatAnswer(seat=seat, message=data):
            return f"of {seat} seen {'something' if data else 'nothing'}"
    return str(message)


def describe_effect(effect: do.Effect) -> str:
    """Return an effect in short; nothing for bookkeeping."""
    match effect:
        case do.Broadcast(SeatQuery()) | do.SendToNode(_, SeatQuery() | SeatAnswer()):
            return ""
        case do.Broadcast(message):
            return describe_message(message)
        case do.SendToSeat(seat, message):
            return f"@{seat} {describe_message(message)}"
        case do.SendToNode(node, message):
            return f"@{node[-1]} {describe_message(message)}"
        case do.CommitBlocks(blocks):
            return "final " + ",".join(str(block.header.height) for block in blocks)
        case do.FetchBatches(names):
            return f"fetch {_list_names(names)}"
        case do.ReleaseBlock():
            return "released"
        case do.RecordEvidence(seat, first, second):
            return f"EVIDENCE on {seat}: {describe_message(first)} / {describe_message(second)}"
        case do.ReportState(state, detail):
            return f"is {state} {detail.partition(':')[0]}".rstrip()
    return ""


def _state(kind: Kind, view: int, digest: bytes) -> str:
    block = "" if kind is Kind.NULLIFY else f" {_short(digest)}"
    return f"{LETTERS[kind]}{view}{block}"


def _short(digest: bytes) -> str:
    return digest.hex()[:4]


def _list_names(names: Any) -> str:
    return "+".join(_short(name) for name in names) or "nothing"
