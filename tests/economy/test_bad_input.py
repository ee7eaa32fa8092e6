"""Whatever is refused in the present state has its reason, and changes fee and sequence alone.

Each case runs on two equal worlds: in one the bad payloads, in the other a transfer of more than
there is, by the same sender. Afterwards both states are the same bytes, and both are the
reference's (world.py compares).
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from quorate.core import crypto
from quorate.core.params import Params
from quorate.core.values import UINT64_MAX
from tests.economy.actors import WEIGHT_SENT, Accusation, get_address, get_key
from tests.economy.founding import Founding
from tests.economy.world import World

PARAMS = Params(
    validity_max_blocks=10, epoch_blocks=4, epoch_ms=10**9, seats_max=5, seats_min=1,
    candidates_max=7, self_stake_min=100, stake_min=10, unbonding_epochs=2, jail_epochs=2,
    missed_views_max=0, slash_bp=1_000, commission_step_bp=100, commission_interval_ms=100,
)  # fmt: skip
RICH, STAKE = 10_000_000, 1_000
A, B, C, D, E = (get_address(number) for number in range(5))
OPERATOR = get_address(100)
NEW, OTHER, STRANGER = get_address(7), get_address(8), get_address(9)
DELEGATOR, NOBODY = get_address(50), get_address(99)
KEYS = [get_key(number).public_key for number in range(5)]
FRESH, SPARE = get_key(300).public_key, get_key(301).public_key
Payload = tuple[Any, ...]
Prepare = Callable[[World], None]


def build_world(**params: int) -> World:
    """Return a world with candidates A to E, of which the first four have seats."""
    people = [get_address(number) for number in (*range(10), *range(50, 53), 100)]
    balances = dict.fromkeys(people, RICH)
    founding = Founding(replace(PARAMS, **params), [500] * 5, [STAKE] * 5, 4, balances=balances)
    return World(founding)


# ---- what comes before ---------------------------------------------------------------------------


def nothing(world: World) -> None:
    """The genesis."""


def do(*payloads: Payload) -> Prepare:
    """Return what executes payloads, which must succeed."""

    def prepare(world: World) -> None:
        assert [reason for reason, _ in world.play([world.make_sent(*payloads)])] == [""]

    return prepare


def wait(epochs: int) -> Prepare:
    """Return what lets epochs pass."""

    def prepare(world: World) -> None:
        until = world.epoch + epochs
        while world.epoch < until:
            world.play([])

    return prepare


def slash(seat: int) -> Prepare:
    """Return what proves a seat of the running epoch a liar, and waits until it is slashed."""

    def prepare(world: World) -> None:
        assert [reason for reason, _ in world.play([accuse(world, seat=seat)])] == [""]
        wait(1)(world)

    return prepare


def jail(seat: int) -> Prepare:
    """Return what passes a seat over in one epoch, at the end of which it is jailed."""

    def prepare(world: World) -> None:
        wait(1)(world)
        epoch = world.epoch
        while world.epoch == epoch:
            view = world.head.view + 1
            world.play([], views=2 if world.get_leader(view) == seat else 1)
        owner = world.expected.sets[epoch][seat].candidate
        assert world.expected.tables.candidates[owner].jailed_until

    return prepare


def chain(*steps: Prepare) -> Prepare:
    """Return steps one after the other."""

    def prepare(world: World) -> None:
        for step in steps:
            step(world)

    return prepare


def repeat(epochs: int, *payloads: Payload) -> Prepare:
    """Return what executes payloads once in each of so many epochs."""
    return chain(*[chain(do(*payloads), wait(1)) for _ in range(epochs)])


# ---- payloads ------------------------------------------------------------------------------------


def register(
    owner: bytes = NEW, key: bytes = FRESH, stake: int = 100, operator: bytes = OPERATOR
) -> Payload:
    """Return a registration, sound unless a field says otherwise."""
    return "RegisterCandidate", owner, operator, key, "name", "", 500, stake


def update(commission_bp: int, signer: bytes = A, address: bytes = A) -> Payload:
    """Return an update that changes the commission."""
    return "UpdateCandidate", signer, address, "name", "", commission_bp


def list_candidates_own(signer: bytes, address: bytes) -> list[Payload]:
    """Return each payload that only owner and operator of a standing candidate may send."""
    return [
        update(500, signer, address), ("Resign", signer, address),
        ("RotateSeatKey", signer, address, FRESH), ("Unjail", signer, address),
    ]  # fmt: skip


def list_needing_standing(address: bytes) -> list[Payload]:
    """Return each payload that needs a candidate to stand."""
    return [
        *list_candidates_own(address, address), ("Ready", STRANGER, address, 0, KEYS[0]),
        ("Delegate", STRANGER, address, 50), ("Redelegate", D, D, address, 50),
    ]  # fmt: skip


def list_naming_nobody() -> list[Payload]:
    """Return each payload with a candidate that there is not."""
    return [
        *list_candidates_own(A, NOBODY), ("Ready", A, NOBODY, 0, KEYS[0]),
        ("Delegate", A, NOBODY, 50), ("Undelegate", A, NOBODY, 50), ("ClaimRewards", A, NOBODY),
        ("Redelegate", A, NOBODY, B, 50), ("Redelegate", A, A, NOBODY, 50),
    ]  # fmt: skip


DELEGATED = do(("Delegate", DELEGATOR, A, 100))
MOVED = chain(DELEGATED, do(("Redelegate", DELEGATOR, A, B, 50)))
ROTATED = do(("RotateSeatKey", A, A, FRESH))
RESIGNED, SLASHED = do(("Resign", A, A)), slash(0)
FULL = do(register(), register(OTHER, SPARE))
A_LITTLE = ("Undelegate", DELEGATOR, A, 10)

Case = tuple[Prepare, list[Payload], str]
CASES: list[Case] = [
    *[(nothing, [each], "NO_CANDIDATE") for each in list_naming_nobody()],
    *[(nothing, [each], "NOT_ENTITLED") for each in list_candidates_own(STRANGER, A)],
    *[(DELEGATED, [each], "NOT_ENTITLED") for each in list_candidates_own(DELEGATOR, A)],
    *[(nothing, [each], "NOT_ENTITLED") for each in list_candidates_own(B, A)],
    *[(RESIGNED, [each], "CANDIDATE_RESIGNED") for each in list_needing_standing(A)],
    *[(SLASHED, [each], "CANDIDATE_SLASHED") for each in list_needing_standing(A)],
    (chain(RESIGNED, SLASHED), [("Delegate", B, A, 50)], "CANDIDATE_SLASHED"),
    # Registering
    (nothing, [register(A)], "CANDIDATE_EXISTS"),
    (do(register()), [register(key=SPARE)], "CANDIDATE_EXISTS"),
    (nothing, [register(), register(key=SPARE)], "CANDIDATE_EXISTS"),
    (RESIGNED, [register(A)], "CANDIDATE_EXISTS"),
    (SLASHED, [register(A)], "CANDIDATE_EXISTS"),
    (FULL, [register(STRANGER, get_key(302).public_key)], "CANDIDATES_FULL"),
    (FULL, [register(NEW)], "CANDIDATE_EXISTS"),
    (nothing, [register(key=KEYS[0])], "SEAT_KEY_USED"),
    (nothing, [register(), register(OTHER)], "SEAT_KEY_USED"),
    (do(register()), [register(OTHER)], "SEAT_KEY_USED"),
    (RESIGNED, [register(key=KEYS[0])], "SEAT_KEY_USED"),
    (ROTATED, [register()], "SEAT_KEY_USED"),
    (nothing, [register(stake=99)], "STAKE_TOO_SMALL"),
    (nothing, [register(stake=1)], "STAKE_TOO_SMALL"),
    (nothing, [register(stake=RICH + 1)], "INSUFFICIENT_BALANCE"),
    (nothing, [register(stake=UINT64_MAX)], "INSUFFICIENT_BALANCE"),
    # Seat keys
    (nothing, [("RotateSeatKey", A, A, KEYS[0])], "SEAT_KEY_USED"),
    (nothing, [("RotateSeatKey", A, A, KEYS[1])], "SEAT_KEY_USED"),
    (ROTATED, [("RotateSeatKey", A, A, FRESH)], "SEAT_KEY_USED"),
    (ROTATED, [("RotateSeatKey", B, B, FRESH)], "SEAT_KEY_USED"),
    (chain(ROTATED, do(("RotateSeatKey", A, A, SPARE))), [("Ready", A, A, 0, FRESH)],
     "SEAT_KEY_UNKNOWN"),
    (chain(ROTATED, do(("Ready", A, A, 0, FRESH))), [("Ready", A, A, 0, KEYS[0])],
     "SEAT_KEY_UNKNOWN"),
    (nothing, [("Ready", A, A, 0, KEYS[1])], "SEAT_KEY_UNKNOWN"),
    (nothing, [("Ready", A, A, 0, bytes(32))], "SEAT_KEY_UNKNOWN"),
    (nothing, [("Ready", A, A, 1, KEYS[0])], "READY_UNTIMELY"),
    (nothing, [("Ready", A, A, UINT64_MAX, KEYS[0])], "READY_UNTIMELY"),
    (wait(2), [("Ready", A, A, 0, KEYS[0])], "READY_UNTIMELY"),
    # Commission
    (wait(40), [update(601)], "COMMISSION_STEP"),
    (wait(40), [update(399)], "COMMISSION_STEP"),
    (wait(40), [update(10_000)], "COMMISSION_STEP"),
    (nothing, [update(501)], "COMMISSION_STEP"),
    (chain(wait(40), do(update(501))), [update(500)], "COMMISSION_STEP"),
    (wait(40), [update(550), update(600)], "COMMISSION_STEP"),
    # Delegating
    (nothing, [("Delegate", A, A, 9)], "STAKE_TOO_SMALL"),
    (nothing, [("Delegate", A, B, 1)], "STAKE_TOO_SMALL"),
    (nothing, [("Delegate", A, B, RICH)], "INSUFFICIENT_BALANCE"),
    (nothing, [("Delegate", A, A, UINT64_MAX)], "INSUFFICIENT_BALANCE"),
    (nothing, [("Delegate", A, A, 2**63)], "INSUFFICIENT_BALANCE"),
    (nothing, [("Delegate", A, B, RICH // 2), ("Delegate", A, A, RICH // 2)],
     "INSUFFICIENT_BALANCE"),
    # A loop through one's own stake makes nothing: what is taken back is not there yet.
    (nothing, [("Undelegate", A, A, STAKE), ("Delegate", A, A, RICH)], "INSUFFICIENT_BALANCE"),
    (nothing, [("Undelegate", A, A, STAKE), ("Undelegate", A, A, STAKE)], "INSUFFICIENT_STAKE"),
    (nothing, [("Redelegate", A, A, B, STAKE), ("Undelegate", A, A, 10)], "INSUFFICIENT_STAKE"),
    # Taking back
    (nothing, [("Undelegate", A, A, STAKE + 1)], "INSUFFICIENT_STAKE"),
    (nothing, [("Undelegate", A, A, UINT64_MAX)], "INSUFFICIENT_STAKE"),
    (nothing, [("Undelegate", DELEGATOR, A, 10)], "INSUFFICIENT_STAKE"),
    (DELEGATED, [("Undelegate", DELEGATOR, B, 100)], "INSUFFICIENT_STAKE"),
    (DELEGATED, [("Undelegate", DELEGATOR, A, 95)], "STAKE_TOO_SMALL"),
    (DELEGATED, [("Undelegate", DELEGATOR, A, 9)], "STAKE_TOO_SMALL"),
    (chain(DELEGATED, do(("Delegate", DELEGATOR, A, 100)), repeat(16, A_LITTLE)), [A_LITTLE],
     "UNBONDING_LIMIT"),
    # Moving
    (SLASHED, [("Redelegate", A, A, B, 100)], "CANDIDATE_SLASHED"),
    (nothing, [("Redelegate", A, A, B, STAKE + 1)], "INSUFFICIENT_STAKE"),
    (nothing, [("Redelegate", A, A, B, UINT64_MAX)], "INSUFFICIENT_STAKE"),
    (nothing, [("Redelegate", DELEGATOR, A, B, 10)], "INSUFFICIENT_STAKE"),
    (DELEGATED, [("Redelegate", DELEGATOR, A, B, 95)], "STAKE_TOO_SMALL"),
    (DELEGATED, [("Redelegate", DELEGATOR, A, B, 5)], "STAKE_TOO_SMALL"),
    (MOVED, [("Redelegate", DELEGATOR, B, A, 50)], "REDELEGATION_IN_TRANSIT"),
    (MOVED, [("Redelegate", DELEGATOR, B, C, 50)], "REDELEGATION_IN_TRANSIT"),
    (chain(MOVED, wait(1)), [("Redelegate", DELEGATOR, B, C, 50)], "REDELEGATION_IN_TRANSIT"),
    (DELEGATED, [("Redelegate", DELEGATOR, A, B, 50), ("Redelegate", DELEGATOR, B, A, 50)],
     "REDELEGATION_IN_TRANSIT"),
    # Claiming
    (nothing, [("ClaimRewards", DELEGATOR, A)], "NOTHING_TO_CLAIM"),
    (chain(DELEGATED, do(A_LITTLE), wait(1)),
     [("ClaimRewards", DELEGATOR, A), ("ClaimRewards", DELEGATOR, A)], "NOTHING_TO_CLAIM"),
    (do(("Undelegate", E, E, 100)), [("ClaimRewards", E, E)], "NOTHING_TO_CLAIM"),
    (chain(do(("Undelegate", E, E, 100)), wait(1)), [("ClaimRewards", E, E)], "NOTHING_TO_CLAIM"),
    # Jail
    (nothing, [("Unjail", A, A)], "NOT_JAILED"),
    (jail(0), [("Unjail", A, A)], "JAILED_STILL"),
    (chain(jail(0), wait(1)), [("Unjail", OPERATOR, A)], "JAILED_STILL"),
    (chain(jail(0), wait(3), do(("Unjail", A, A))), [("Unjail", A, A)], "NOT_JAILED"),
    # All or nothing
    (nothing, [register(), ("Delegate", A, NEW, 500), ("Ready", B, NEW, 0, FRESH),
               ("Undelegate", A, NEW, 500), ("Resign", NEW, NEW), ("Unjail", NEW, NEW)],
     "CANDIDATE_RESIGNED"),
    (DELEGATED, [("Transfer", DELEGATOR, NOBODY, 7), ("Redelegate", DELEGATOR, A, B, 100),
                 ("RotateSeatKey", C, C, FRESH), update(500), ("Delegate", B, D, 9)],
     "STAKE_TOO_SMALL"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("prepare", "payloads", "reason"),
    CASES,
    ids=[f"{index}-{case[1][-1][0]}-{case[2]}" for index, case in enumerate(CASES)],
)
def test_what_fails_changes_fee_and_sequence_alone(
    prepare: Prepare, payloads: list[Payload], reason: str
) -> None:
    bad, plain = build_world(), build_world()
    for world in (bad, plain):
        prepare(world)
    too_much = ("Transfer", payloads[0][1], A, UINT64_MAX)
    fee = WEIGHT_SENT * bad.build_header().base_fee
    assert bad.play([bad.make_sent(*payloads)]) == [(reason, fee)]
    assert plain.play([plain.make_sent(too_much)]) == [("INSUFFICIENT_BALANCE", fee)]
    assert bad.real == plain.real


def test_redelegations_are_limited_by_what_is_still_slashable() -> None:
    move = ("Redelegate", A, A, B, 10)
    world = build_world(unbonding_epochs=20)
    repeat(16, move)(world)
    for epochs, reason in ((0, "REDELEGATION_LIMIT"), (3, "REDELEGATION_LIMIT"), (1, "")):
        wait(epochs)(world)
        assert world.play([world.make_sent(move)])[0][0] == reason


# ---- evidence ------------------------------------------------------------------------------------


def accuse(
    world: World,
    *,
    seat: int = 0,
    epoch: int | None = None,
    reporter: int = 1,
    forged: bool = False,
) -> Accusation:
    """Return a report by a seat against another of an epoch, of this one if none is given."""
    epoch = world.epoch if epoch is None else epoch
    seats = world.expected.sets[world.epoch]
    sender = crypto.compute_address(crypto.SCHEME_ED25519, seats[reporter].key)
    owners = [get_address(number) for number in range(5)]
    number = owners.index(seats[seat].candidate) if seat < len(seats) else 0
    sequence, until = world.expected.lanes.get((sender, 0), 0), world.head.height + 1
    accused, key = (epoch, seat), number + 1_000 if forged else number
    return Accusation(sender, 0, sequence, until, reporter, accused, not forged, key)


def accuse_as(sender: bytes, world: World) -> Accusation:
    """Return a report by somebody who is no seat."""
    return accuse(world)._replace(sender=sender, sequence=0)


EVIDENCE = [
    (wait(2), partial(accuse, epoch=0), "EVIDENCE_UNTIMELY"),
    (wait(1), partial(accuse, epoch=2), "EVIDENCE_UNTIMELY"),
    (nothing, partial(accuse, epoch=1), "EVIDENCE_UNTIMELY"),
    (nothing, partial(accuse, epoch=UINT64_MAX), "EVIDENCE_UNTIMELY"),
    (nothing, partial(accuse, forged=True), "EVIDENCE_INVALID"),
    (wait(1), partial(accuse, epoch=0, forged=True), "EVIDENCE_INVALID"),
    (nothing, partial(accuse, seat=4, forged=True), "EVIDENCE_INVALID"),
    (nothing, partial(accuse, seat=1), "NOT_A_REPORTER"),
    (nothing, partial(accuse_as, A), "NOT_A_REPORTER"),
    (slash(0), partial(accuse, epoch=0), "EVIDENCE_KNOWN"),
]


@pytest.mark.parametrize(("prepare", "build", "reason"), EVIDENCE)
def test_evidence_that_is_refused_changes_nothing(
    prepare: Prepare, build: Callable[[World], Accusation], reason: str
) -> None:
    bad, plain = build_world(), build_world()
    for world in (bad, plain):
        prepare(world)
    assert bad.play([build(bad)]) == [(reason, 0)]
    plain.play([])
    assert bad.real == plain.real


def test_who_was_found_to_report_falsely_is_not_heard_again_in_that_block() -> None:
    world = build_world()
    false, true = accuse(world, forged=True), accuse(world, seat=2)
    outcomes = world.play([false, true])
    assert [reason for reason, _ in outcomes] == ["EVIDENCE_INVALID", "EVIDENCE_LIMIT"]
    assert world.play([accuse(world, seat=2)]) == [("", 0)]
