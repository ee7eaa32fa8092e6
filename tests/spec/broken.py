"""Engines that each lack one rule, and how a recorded run shows that the rule was needed."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import NamedTuple
from unittest.mock import patch

from quorate.core.bft import effects as do
from quorate.core.bft import events as on
from quorate.core.bft.helping import Helper
from quorate.core.bft.messages import Kind
from quorate.core.bft.replica import Replica
from quorate.core.bft.rules import VALID, Verdict
from quorate.core.bft.signing import Signing
from quorate.core.blocks import Header
from tests.spec.recorder import ACTS, BASE, Recorder, Step
from tests.spec.replay import draw_plan, harden, record

SEEDS_MAX = 400


class Found(NamedTuple):
    """A run of a broken engine, cut behind the step that no correct engine makes."""

    seed: int
    recorder: Recorder
    index: int


@contextmanager
def finalizes_after_nullify() -> Iterator[None]:
    """Lack the half of R8 that a nullify forbids a finalize."""

    def may_finalize(self: Signing, view: int, digest: bytes) -> bool:
        signed = self.signed.get(view, {})
        fresh = Kind.FINALIZE not in signed
        return self.may_sign() and fresh and signed.get(Kind.NOTARIZE, digest) == digest

    with patch.object(Signing, "may_finalize", may_finalize):
        yield


@contextmanager
def forgets_nullify_on_restart() -> Iterator[None]:
    """Lack L3 for nullifies."""
    restore = Signing.restore

    def restore_others(self: Signing, view: int, kind: Kind, digest: bytes) -> None:
        restore(self, view, kind, digest)
        if kind is Kind.NULLIFY:
            del self.signed[view][kind]

    with patch.object(Signing, "restore", restore_others):
        yield


@contextmanager
def ignores_ancestry() -> Iterator[None]:
    """Lack the part of R4 that asks for the parent's notarization and the nullifications."""

    def judge_ancestry(self: Helper, header: Header) -> Verdict:
        known = self._replica.chain.find(header.parent) is not None
        return Verdict(VALID) if known else judge(self, header)

    judge = Helper.judge_ancestry
    with patch.object(Helper, "judge_ancestry", judge_ancestry):
        yield


@contextmanager
def sends_unsynced() -> Iterator[None]:
    """Lack L1: own messages are written, but nobody waits until they are synced."""
    handle = Replica.handle

    def handle_fast(self: Replica, event: on.Event) -> list[do.Effect]:
        effects = handle(self, event)
        return [replace(e, synced=False) if isinstance(e, do.Persist) else e for e in effects]

    with patch.object(Replica, "handle", handle_fast):
        yield


class Signed:
    """What seats have signed at a place of a run, and which of it a crash would lose."""

    def __init__(self) -> None:
        self.durable: set[Step] = set()
        self.waiting: set[Step] = set()

    def take(self, step: Step) -> None:
        """Go on by one step."""
        if step.act in ACTS:
            self.waiting.add(step._replace(two=0))
        if step.act == "persist" or (step.act == "restart" and step.two):
            self.durable |= {each for each in self.waiting if each.seat == step.seat}
        if step.act in ("persist", "restart"):
            self.waiting = {each for each in self.waiting if each.seat != step.seat}


def find_both_votes(steps: list[Step]) -> int | None:
    """Return where a seat finalizes what it nullified, or the other way round."""
    signed, other = Signed(), {"nullify": "finalize", "finalize": "nullify"}
    for index, step in enumerate(steps):
        for each in signed.durable | signed.waiting if step.act in other else ():
            same = (each.seat, each.one // BASE) == (step.seat, step.one // BASE)
            if same and each.act == other[step.act]:
                return index
        signed.take(step)
    return None


def find_unproved(steps: list[Step]) -> int | None:
    """Return where a seat notarizes a block above views that it holds no nullification of."""
    parents = {s.one: s.two for s in steps if s.act in ("propose", "show")}
    held: set[tuple[int, int]] = set()
    for index, step in enumerate(steps):
        if step.act == "certify" and step.two == 2:
            held.add((step.seat, step.one // BASE))
        if step.act == "restart":  # what is held then is not told apart here
            return None
        if step.act == "notarize":
            between = range(parents[step.one] // BASE + 1, step.one // BASE)
            if any((step.seat, view) not in held for view in between):
                return index
    return None


def find_unsynced(steps: list[Step]) -> int | None:
    """Return where something leaves that its seat has not synced."""
    signed = Signed()
    for index, step in enumerate(steps):
        if step.act == "send" and Step(ACTS[step.two], step.seat, step.one) in signed.waiting:
            return index
        signed.take(step)
    return None


class Broken(NamedTuple):
    """How to break an engine, how to see it in a run, and which runs show it."""

    breaking: Callable[[], AbstractContextManager[None]]
    find: Callable[[list[Step]], int | None]
    adversary: str | None = None
    is_hard: bool = True


BROKEN = {
    "finalizes_after_nullify": Broken(finalizes_after_nullify, find_both_votes),
    "forgets_nullify_on_restart": Broken(forgets_nullify_on_restart, find_both_votes),
    "ignores_ancestry": Broken(ignores_ancestry, find_unproved, "skipper", is_hard=False),
    "sends_unsynced": Broken(sends_unsynced, find_unsynced),
}


def find_fault(name: str, first: int) -> Found:
    """Return the first run of a broken engine, from a seed on, in which it does wrong."""
    broken = BROKEN[name]
    with broken.breaking():
        for seed in range(first, first + SEEDS_MAX):
            plan = draw_plan(seed, broken.adversary)
            recorder = record(harden(plan) if broken.is_hard else plan)
            index = broken.find(recorder.steps)
            if index is not None:
                del recorder.steps[index + 3 :]
                return Found(seed, recorder, index)
    raise AssertionError(f"{name} does nothing wrong in {SEEDS_MAX} runs from seed {first}")
