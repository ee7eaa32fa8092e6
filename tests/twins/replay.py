"""One scenario by itself, from its name: nothing shared, nothing remembered, shown if asked to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from quorate.core.bft import effects as do
from quorate.core.bft import events as on
from quorate.core.bft.messages import Certificate, Message, Proposal, Vote
from tests.twins.instance import Instance, Leaders
from tests.twins.scenario import Scenario
from tests.twins.turn import Rules, Trace
from tests.twins.world import State, heal, light_engine, make_start, play_turn


def replay(scenario: Scenario, *, shown: bool = False) -> tuple[State, int]:
    """Return a scenario's last state and how long healing took; raises Violation if it fails."""
    trace: Trace | None = show if shown else None
    leaders = Leaders(tuple(turn.leader for turn in scenario.turns))
    rules = Rules(0, leaders, scenario.backwards, trace=trace)
    with light_engine():
        state = make_start(leaders)
        for number, turn in enumerate(scenario.turns, 1):
            if turn.partition:
                if shown:
                    print(f"-- turn {number}: {turn}")
                state = play_turn(state, turn.partition, replace(rules, number=number))
        if shown:
            print("-- healed")
        return state, heal(state, rules)


def show(instance: Instance, event: on.Event, sent: Sequence[do.Effect]) -> None:
    """Print one step: instance, its clock, its view and final view after it, cause and effects."""
    replica = instance.replica
    name = f"{instance.seat}{'ab'[instance.index - 3]}" if instance.index >= 3 else instance.index
    what = type(event).__name__
    if isinstance(event, on.MessageReceived):
        what = f"{event.node[-1]}> {describe(event.message)}"
    effects = [each for each in map(_describe_effect, sent) if each]
    where = f"view {replica.view} final {replica.final_view}"
    print(f"{name!s:>2} {event.now_ms:>6} ms {where:<16} {what:<28} -> {', '.join(effects)}")


def describe(message: Message) -> str:
    """Return a message in short: N1@2/abc is seat 2's notarize in view 1 of the block abc…"""
    match message:
        case Vote():
            short = message.digest.hex()[:3]
            return f"{message.kind.name[:2]}{message.view}@{message.seat}/{short}"
        case Certificate():
            seats = "".join(str(seat) for seat, _ in message.signatures)
            return f"[{message.kind.name[:2]}{message.view}@{seats}/{message.digest.hex()[:3]}]"
        case Proposal():
            header = message.block.header
            return f"P{header.view}<-{header.parent_view}/{message.block.digest.hex()[:3]}"
    return type(message).__name__


def _describe_effect(effect: do.Effect) -> str:
    match effect:
        case do.Broadcast(message):
            return describe(message)
        case do.SendToNode(_, message) | do.SendToSeat(_, message):
            return f"one: {describe(message)}"
        case do.CommitBlocks():
            return f"COMMIT {effect.certificate.view}"
        case do.RecordEvidence():
            return f"EVIDENCE against {effect.seat}"
    return ""
