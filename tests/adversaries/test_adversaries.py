"""Each adversary really attacks, does no harm, and would do harm but for one rule (defences.py)."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from random import Random

import pytest

from quorate.core.bft import effects as do
from quorate.core.bft.evidence import is_conflict
from quorate.core.bft.messages import Kind, Proposal, SeatAnswer
from quorate.core.bft.receiving import VIEWS_AHEAD_MAX
from quorate.core.bft.replica import Replica
from quorate.core.bft.waiting import Waiter
from quorate.core.values import compute_faults
from tests.adversaries import ADVERSARIES
from tests.adversaries.defences import BASE, COSTS, DEFENCES, SEAT, make_plan, trust_logs
from tests.conftest import SEED
from tests.mutants.edit import edit
from tests.sim.checkers import Violation
from tests.sim.checkers.innocence import Innocence
from tests.sim.node import Node
from tests.sim.payload import Payload
from tests.sim.plan import draw
from tests.sim.world import World, run_plan
from tests.unit.quorate.core.bft.bench import Bench, make_batch, sent

SEEDS = range(1, 65)
MIXES = {7: 3, 10: 2}
# Seats and view numbers that the flood brings must not stay; what the chain itself needs may.
FLOODED_MORE_MAX = 400


def count_forged(world: World) -> int:
    """Return how many things a run's adversaries did that no honest seat does."""
    return sum(node.adversary.forged for node in world.nodes if node.adversary is not None)


@pytest.mark.parametrize("name", sorted(ADVERSARIES))
def test_beside_it_the_network_stays_safe_and_goes_on(name: str) -> None:
    wire = sorted(ADVERSARIES).index(name) % 2 == 0
    world = run_plan(replace(make_plan(name), wire=wire))
    assert count_forged(world) > 0, "it attacked"
    assert min(node.storage.height for node in world.list_honest()) >= 10


@pytest.mark.parametrize("name", sorted(DEFENCES))
def test_without_the_rule_it_does_harm_and_a_checker_says_so(name: str) -> None:
    remove, rules = DEFENCES[name]
    found = None
    for seed in SEEDS:
        try:
            with remove():
                run_plan(make_plan(name, seed))
        except Violation as violation:
            found = violation
            break
    assert found is not None, f"{name} survived seeds {SEEDS}"
    assert found.rule in rules, str(found)


@pytest.mark.parametrize("name", sorted(COSTS))
def test_without_the_rule_everybody_pays_for_it(name: str) -> None:
    remove, times = COSTS[name]
    cheap = dear = 0
    for seed in SEEDS[:2]:
        cheap += run_plan(make_plan(name, seed)).network.sent
        with remove():
            dear += run_plan(make_plan(name, seed)).network.sent
    assert dear > times * cheap, f"{dear} messages instead of {cheap}"


def test_an_amnesiac_is_found_out_and_halts(monkeypatch: pytest.MonkeyPatch) -> None:
    halted: set[str] = set()

    def note(checker: Innocence, node: Node, report: do.ReportState) -> None:
        if report.state == "halted":
            assert node.index == SEAT
            halted.add(report.detail.partition(":")[0])

    monkeypatch.setattr(Innocence, "reported", note)
    run_plan(make_plan("amnesiac"))
    assert halted == {"STALE_VOTE_LOG"}


def test_without_the_rule_an_amnesiac_signs_against_itself() -> None:
    def propose_twice() -> list[Proposal]:
        bench = Bench(seat=Bench().leader(1))
        bench.hold(make_batch(1))
        (first,) = sent(bench.done, Kind.PROPOSAL)
        bench.now_ms += 100
        bench.log.clear()  # the copy is of before the first signature
        bench.start(answered=False)
        for seat in bench.others():
            bench.hear(seat, SeatAnswer(0, bench.seat or 0, first.encode()))
        bench.hold(make_batch(2))
        return list(dict.fromkeys(sent(bench.done, Kind.PROPOSAL)))

    assert len(propose_twice()) == 1
    with trust_logs():
        first, second = propose_twice()
    assert is_conflict(first, second)


@pytest.mark.parametrize("name", ["bad_sealer", "withholder"])
def test_a_batch_that_nobody_could_check_is_never_final(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = run_plan(make_plan(name))
    assert not [batch for batch in list_final(world) if is_bad(world, batch)]
    if name == "bad_sealer":
        monkeypatch.setattr(Payload, "is_valid", lambda payload, batch: True)
        world = run_plan(make_plan(name))
        assert [batch for batch in list_final(world) if is_bad(world, batch)], "it was no attack"


def list_final(world: World) -> list[bytes]:
    """Return the batches that a final block of an honest node names."""
    return [name for block in world.nodes[0].storage.blocks for name in block.batches]


def is_bad(world: World, name: bytes) -> bool:
    """Tell whether a batch is invalid, or was kept back by its author all the time."""
    header = world.payload.headers[name]
    adversary = world.nodes[SEAT].adversary
    withheld = adversary is not None and not adversary.gives(name)
    return name in world.payload.invalid or (withheld and header.author == SEAT)


def test_a_flood_of_far_views_leaves_nothing_behind() -> None:
    flooded, calm = run_plan(make_plan("future_flooder")), run_plan(BASE)
    for node, other in zip(flooded.nodes, calm.nodes, strict=True):
        assert node.replica is not None and other.replica is not None
        more = measure(node.replica) - measure(other.replica)
        assert node.index == SEAT or more <= FLOODED_MORE_MAX, node.index
    assert count_forged(flooded) > 1_000


def measure(replica: Replica) -> int:
    """Return how many entries all containers hold that an engine reaches by itself."""
    count, seen = 0, set[int]()
    open_: list[object] = [replica]
    while open_:
        each = open_.pop()
        if id(each) in seen or isinstance(each, bytes | str | int):
            continue
        seen.add(id(each))
        if isinstance(each, dict):
            count += len(each)
            open_ += [*each.keys(), *each.values()]
        elif isinstance(each, list | tuple | set | frozenset | deque):
            count += len(each)
            open_ += each
        elif type(each).__module__.startswith("quorate.core.bft"):
            names = [*getattr(each, "__dict__", ()), *getattr(type(each), "__slots__", ())]
            open_ += [getattr(each, name, None) for name in names]
    return count


@pytest.mark.parametrize("seats", list(MIXES))
def test_up_to_f_of_them_in_any_mix_do_no_harm(seats: int) -> None:
    first = Random(SEED).randrange(10**6)
    for seed in range(first, first + MIXES[seats]):
        rng = Random(f"mix {seed}")
        mixed = rng.sample(range(seats), compute_faults(seats))
        names = [rng.choice(sorted(ADVERSARIES)) for _ in mixed]
        made = make_plan(names[0], seed)
        plan = replace(
            made, seats=seats, partitions=(), faulty_ms=1_500, wire=bool(seed % 2),
            adversaries=tuple(zip(mixed, names, strict=True)), epoch_blocks=rng.choice((None, 3)),
        )  # fmt: skip
        print(f"replay: run_plan({plan})")
        run_plan(plan)


def test_drawn_plans_have_all_of_them_alone_and_mixed() -> None:
    plans = [draw(seed) for seed in range(2_000)]
    assert {name for plan in plans for _, name in plan.adversaries} == set(ADVERSARIES)
    mixes = {tuple(sorted(name for _, name in plan.adversaries)) for plan in plans}
    assert sum(len(set(mix)) >= 2 for mix in mixes) >= 20


def repeat_in_a_flood() -> set[int]:
    """Return the views of whose nullify a seat reminds the others while one of them floods it."""
    bench = Bench()
    for ahead in range(1, VIEWS_AHEAD_MAX + 1):
        bench.hear(3, bench.sign(3, Kind.NULLIFY, bench.replica.view + ahead))
    bench.wait(bench.params.view_timeout_ms)
    assert [vote.view for vote in sent(bench.done, Kind.NULLIFY)] == [1]
    return {vote.view for vote in sent(bench.wait(bench.params.view_timeout_ms), Kind.NULLIFY)}


def test_a_flood_of_later_views_does_not_stop_a_seat_from_repeating_itself() -> None:
    # Found by seed 700722 of an early world: what was lost was then lost for ever.
    assert repeat_in_a_flood() == {1}
    fragment = "for number, view in self._replica.views.items() if view.own"
    with edit(Waiter.resend_own, fragment, "for number in self._replica.views"):
        assert repeat_in_a_flood() == set()
