"""Plans that make one kind of trouble likely, for mutants that show in it; a seed draws the rest.

All have short time-outs, so that a seed costs a fraction of a second.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random

from quorate.core.params import Params
from tests.sim.plan import POINTS, Crash, Partition, Pause, Plan

PARAMS = Params(
    block_weight_max=1_000,
    block_batches_max=8,
    batch_validity_blocks=32,
    block_interval_ms=20,
    heartbeat_ms=500,
    view_timeout_ms=200,
    view_timeout_ms_max=1_000,
    execution_lag_max=8,
)


def calm(seed: int) -> Plan:
    """Four seats, no trouble but delays that vary."""
    return Plan(
        seed=seed, params=PARAMS, delay_ms=(1, 20), batch_every_ms=40, validity=(10, 32),
        faulty_ms=1_500, fifo=False,
    )  # fmt: skip


def lossy(seed: int) -> Plan:
    """A quarter of all messages is lost, and no stream breaks to be greeted anew."""
    return replace(
        calm(seed), loss_percent=25, duplicate_percent=10, reconnects=False, faulty_ms=3_000
    )


def late_batches(seed: int) -> Plan:
    """Batches come much later at some than at others."""
    return replace(calm(seed), loss_percent=10, late_ms_max=800)


def long_ways(seed: int) -> Plan:
    """Messages take so long that the next block is proposed before the last one is final."""
    return replace(calm(seed), delay_ms=(40, 80), batch_every_ms=30, faulty_ms=3_000)


def very_lossy(seed: int) -> Plan:
    """Most messages are lost, until none is."""
    return replace(lossy(seed), loss_percent=60, faulty_ms=1_500)


def silent_leaders(seed: int) -> Plan:
    """One leader never proposes, and otherwise does all it should."""
    return _with_one(calm(seed), "silent_leader")


def splits(seed: int) -> Plan:
    """The network falls apart and comes together many times a second."""
    rng, plan = Random(f"splits {seed}"), lossy(seed)
    partitions = []
    for at_ms in range(100, plan.faulty_ms, 150):
        groups = tuple(rng.randrange(2) for _ in range(plan.seats))
        partitions.append(Partition(at_ms, at_ms + rng.randint(30, 250), groups))
    return replace(plan, partitions=tuple(partitions), loss_percent=10)


def power_cuts(seed: int) -> Plan:
    """One after the other loses power, at every point of a turn, while messages are lost."""
    rng, plan = Random(f"power {seed}"), splits(seed)
    crashes = tuple(
        Crash(at_ms, rng.randrange(plan.seats), "power", rng.choice(POINTS), rng.choice((1, 30)))
        for at_ms in range(50, plan.faulty_ms, 40)
    )
    return replace(plan, crashes=crashes, turn_ms_max=4)


def all_at_once(seed: int) -> Plan:
    """All are killed at the same moment, amid views that take a while, and are back in no time."""
    plan = lossy(seed)
    crashes = tuple(
        Crash(at_ms, node, "kill", "anywhere", 3)
        for at_ms in range(150, plan.faulty_ms, 300)
        for node in range(plan.seats)
    )
    return replace(plan, crashes=crashes, loss_percent=40)


def equivocators(seed: int) -> Plan:
    """One leader shows two blocks, while messages are lost."""
    return _with_one(replace(lossy(seed), loss_percent=10), "equivocator")


def double_voters(seed: int) -> Plan:
    """One seat votes for all it sees."""
    return _with_one(splits(seed), "double_voter")


def skippers(seed: int) -> Plan:
    """One leader builds on old parents."""
    return _with_one(long_ways(seed), "skipper")


def false_results(seed: int) -> Plan:
    """One leader claims what is not so."""
    return _with_one(calm(seed), "false_result")


def crashing_equivocators(seed: int) -> Plan:
    """One leader shows two blocks, and the others lose power."""
    return _with_one(replace(power_cuts(seed), partitions=()), "equivocator")


def slow_executors(seed: int) -> Plan:
    """Executing takes longer than the lag that is allowed."""
    plan = calm(seed)
    params = replace(plan.params, execution_lag_max=2)
    return replace(plan, params=params, execute_ms=(50, 300), batch_every_ms=15)


def short_lives(seed: int) -> Plan:
    """Batches expire within a few blocks."""
    return replace(lossy(seed), validity=(2, 5), batch_every_ms=15)


def slow_power_cuts(seed: int) -> Plan:
    """Power is cut while final blocks wait to be executed."""
    return replace(power_cuts(seed), execute_ms=(20, 200), loss_percent=0, partitions=())


def early_results(seed: int) -> Plan:
    """One leader claims what is not so, and some are late to know better."""
    return replace(false_results(seed), execute_ms=(1, 200))


def twice_namers(seed: int) -> Plan:
    """One leader names batches again that are named already."""
    return _with_one(long_ways(seed), "twice_namer")


def seat_repeaters(seed: int) -> Plan:
    """One seat makes certificates all by itself."""
    return _with_one(lossy(seed), "seat_repeater")


def _with_one(plan: Plan, adversary: str) -> Plan:
    seat = Random(f"{adversary} {plan.seed}").randrange(plan.seats)
    return replace(plan, adversaries=((seat, adversary),))


def short_epochs(seed: int) -> Plan:
    """Epochs of two blocks among six nodes; the network falls apart now and then."""
    return replace(splits(seed), epoch_blocks=2, joining=2, faulty_ms=3_000)


def stalling_epochs(seed: int) -> Plan:
    """Epochs of two blocks while executors stand still, one after the other and all at once."""
    stalls = tuple(Pause(at, at + 900, node) for node in range(4) for at in (200, 1_500))
    return replace(short_epochs(seed), stalls=stalls)
