"""Engines that each lack one rule, and how a recorded run shows that the rule was needed."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
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
from tests.spec.recorder import BASE, Recorder, Step
from tests.spec.replay import draw_plan, record

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
def sends_before_persist() -> Iterator[None]:
    """Lack L1: what is logged comes last in a batch of effects."""
    handle = Replica.handle

    def handle_late(self: Replica, event: on.Event) -> list[do.Effect]:
        effects = handle(self, event)
        return sorted(effects, key=lambda effect: isinstance(effect, do.Persist))

    with patch.object(Replica, "handle", handle_late):
        yield


def find_both_votes(steps: list[Step]) -> int | None:
    """Return where a seat finalizes what it nullified, or the other way round."""
    signed: dict[tuple[int, int], set[str]] = {}
    for index, step in enumerate(steps):
        if step.act in ("nullify", "finalize"):
            kinds = signed.setdefault((step.seat, step.one // BASE), set())
            kinds.add(step.act)
            if len(kinds) == 2:
                return index
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
    waiting: set[tuple[int, int, str]] = set()
    acts = ("propose", "notarize", "nullify", "finalize")
    for index, step in enumerate(steps):
        if step.act in acts:
            waiting.add((step.seat, step.one, step.act))
        elif step.act == "persist":
            waiting = {each for each in waiting if each[0] != step.seat}
        elif step.act == "send" and (step.seat, step.one, acts[step.two]) in waiting:
            return index
    return None


class Broken(NamedTuple):
    """How to break an engine, how to see it in a run, and the adversary that it takes."""

    breaking: Callable[[], AbstractContextManager[None]]
    find: Callable[[list[Step]], int | None]
    adversary: str | None = None


BROKEN = {
    "finalizes_after_nullify": Broken(finalizes_after_nullify, find_both_votes),
    "forgets_nullify_on_restart": Broken(forgets_nullify_on_restart, find_both_votes),
    "ignores_ancestry": Broken(ignores_ancestry, find_unproved, "skipper"),
    "sends_before_persist": Broken(sends_before_persist, find_unsynced),
}


def find_fault(name: str, first: int) -> Found:
    """Return the first run of a broken engine, from a seed on, in which it does wrong."""
    broken = BROKEN[name]
    with broken.breaking():
        for seed in range(first, first + SEEDS_MAX):
            recorder = record(draw_plan(seed, broken.adversary))
            index = broken.find(recorder.steps)
            if index is not None:
                del recorder.steps[index + 3 :]
                return Found(seed, recorder, index)
    raise AssertionError(f"{name} does nothing wrong in {SEEDS_MAX} runs from seed {first}")
