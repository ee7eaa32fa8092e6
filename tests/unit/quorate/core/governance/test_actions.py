"""Changes by vote: who counts, when it passes, when it takes effect, what is refused."""

import pytest

from quorate.core.errors import InvalidTransaction
from quorate.core.governance.actions import count_approving
from quorate.core.governance.parameters import (
    CHANGEABLE,
    CHANGES_KEY,
    keeps_promise,
    load_params,
)
from quorate.core.governance.payloads import ProposeChange, VoteChange
from quorate.core.governance.records import (
    OPEN_KEY,
    PROPOSAL_EPOCHS,
    PROPOSALS_EACH_MAX,
    PROPOSALS_MAX,
    compute_proposal_id,
    compute_proposal_key,
    decode_opened,
    decode_proposal,
)
from quorate.core.governance.upgrades import (
    FIRST_VERSION,
    UPGRADES_KEY,
    Upgrade,
    decode_upgrades,
    find_unknown,
    find_version,
)
from quorate.core.locks.payloads import LockTransfer
from quorate.core.params import find_bounds
from quorate.core.seats import SeatSet
from quorate.core.staking.payloads import Delegate, Undelegate
from quorate.core.state import EPOCH_START_KEY, compute_set_key
from quorate.core.values import compute_quorum
from tests.unit.quorate.core.worlds import OWNERS, A, B, World, build_seats

P, Q, R, S = OWNERS[:4]


class Council(World):
    """A world whose seats vote."""

    def propose(self, signer=P, parameter="slash_bp", value=700):
        reason = self.act(ProposeChange(signer, parameter, value, "", 0))
        self.id = compute_proposal_id(self.last_id, 0)
        return reason

    def plan(self, version="v2", height=500, signer=P):
        reason = self.act(ProposeChange(signer, "", 0, version, height))
        self.id = compute_proposal_id(self.last_id, 0)
        return reason

    def vote(self, signer, approve=True):
        return self.act(VoteChange(signer, self.id, approve))

    def pass_change(self, **change):
        assert self.propose(**change) == ""
        return [self.vote(signer) for signer in (Q, R)]

    def in_force(self):
        return load_params(self.state, self.params)

    def is_open(self):
        listed = self.id in [each.id for each in decode_opened(self.state[OPEN_KEY])]
        assert listed == (compute_proposal_key(self.id) in self.state)
        return listed


def test_three_of_four_seats_change_a_parameter_from_the_next_epoch_on():
    world = Council()
    assert world.propose() == ""
    assert world.vote(Q) == ""
    assert world.is_open()
    assert world.vote(R) == ""
    assert not world.is_open()
    assert world.in_force().slash_bp == 500
    world.apply()
    assert world.in_force().slash_bp == 500
    world.end_epoch()
    assert world.in_force().slash_bp == 700
    world.end_epoch()
    assert world.in_force().slash_bp == 700


def test_execution_goes_by_what_is_in_force():
    world = Council({A: 10})
    lock = LockTransfer(A, B, 1, b"", b"#" * 32, 0, 60)
    assert world.pass_change(parameter="lock_blocks_max", value=40) == ["", ""]
    assert world.act(lock) == ""
    world.end_epoch()
    assert world.act(lock) == "LOCK_TOO_LONG"


def test_a_parameter_that_changes_twice_has_what_is_in_force_and_what_comes():
    world = Council()
    assert world.pass_change(value=100) == ["", ""]
    assert world.pass_change(value=200) == ["", ""]
    world.end_epoch()
    assert world.in_force().slash_bp == 200
    assert world.pass_change(value=300) == ["", ""]
    assert world.pass_change(parameter="jail_epochs", value=9) == ["", ""]
    assert (world.in_force().slash_bp, world.in_force().jail_epochs) == (200, 6)
    world.end_epoch()
    assert (world.in_force().slash_bp, world.in_force().jail_epochs) == (300, 9)
    world.end_epoch()
    assert world.pass_change(value=500) == ["", ""]
    # What the genesis said, what is in force, and of slash_bp what comes.
    assert len(world.state[CHANGES_KEY]) == 3 * (20 + 8) + 2 * (20 + 11)


@pytest.mark.parametrize("count", range(1, 8))
def test_exactly_a_quorum_of_the_running_set_passes(count):
    owners = OWNERS[:count]
    world = Council(seats=build_seats(owners))
    assert world.propose() == ""
    needed = compute_quorum(count)
    for number, owner in enumerate(owners[1:], 2):
        if not world.is_open():
            break
        assert number <= needed
        assert world.vote(owner) == ""
    assert not world.is_open()
    assert world.state[CHANGES_KEY]


def test_a_seat_may_change_its_vote_and_counts_once():
    world = Council()
    assert world.propose() == ""
    assert [world.vote(Q), world.vote(Q), world.vote(Q, False), world.vote(R)] == ["", "", "", ""]
    assert world.is_open()
    record = world.state[compute_proposal_key(world.id)]
    assert decode_proposal(record).votes == {P: True, Q: False, R: True}
    assert world.vote(S) == ""
    assert not world.is_open()


def test_a_proposal_that_nobody_approves_any_more_is_gone():
    world = Council()
    assert world.propose() == ""
    assert world.vote(P, False) == ""
    assert not world.is_open()
    assert world.vote(Q) == "NO_PROPOSAL"


def test_votes_count_while_their_candidate_holds_a_seat():
    world = Council()
    assert world.propose() == ""
    assert world.vote(Q) == ""
    # R, S and others go on without P and Q.
    later = build_seats((R, S, *OWNERS[4:6]), epoch=world.epoch)
    world.state[compute_set_key(world.epoch)] = later.encode()
    assert world.vote(P) == "NOT_SEATED"
    assert world.vote(R) == ""
    proposal = decode_proposal(world.state[compute_proposal_key(world.id)])
    assert proposal.votes == {R: True}
    assert count_approving(proposal, later) == 1
    assert [world.vote(S), world.vote(OWNERS[4])] == ["", ""]
    assert not world.is_open()


def test_who_holds_no_seat_has_no_say():
    world = Council({A: 10})
    before = world.digest()
    assert world.propose(A) == "NOT_SEATED"
    assert world.propose(OWNERS[5]) == "NOT_SEATED"
    assert world.digest() == before
    assert world.propose() == ""
    before = world.digest()
    assert world.vote(A) == "NOT_SEATED"
    assert world.digest() == before


def test_a_proposal_takes_votes_for_its_epochs_and_then_makes_room():
    world = Council()
    assert world.propose() == ""
    old = world.id
    for _ in range(PROPOSAL_EPOCHS):
        world.end_epoch()
    assert world.vote(Q) == ""
    world.end_epoch()
    assert world.vote(R) == "PROPOSAL_EXPIRED"
    assert world.propose(Q) == ""
    assert compute_proposal_key(old) not in world.state
    assert [each.id for each in decode_opened(world.state[OPEN_KEY])] == [world.id]


def test_one_proposer_has_few_open_and_all_together_a_bounded_number():
    owners = tuple(bytes([60 + i]) * 32 for i in range(20))
    seats = SeatSet(0, build_seats(owners[:4]).seats)
    world = Council(seats=seats)
    crowd = build_crowd(owners)
    world.state[compute_set_key(0)] = crowd.encode()
    for owner in owners[: PROPOSALS_MAX // PROPOSALS_EACH_MAX]:
        for value in range(PROPOSALS_EACH_MAX):
            assert world.propose(owner, value=value) == ""
        assert world.propose(owner) == "PROPOSER_LIMIT"
    assert world.propose(owners[-1]) == "PROPOSALS_FULL"
    world.id = decode_opened(world.state[OPEN_KEY])[0].id
    assert world.vote(owners[0], False) == ""
    assert world.propose(owners[-1]) == ""


def build_crowd(owners):
    seat = build_seats().seats[0]
    return SeatSet(0, tuple(
        type(seat)(i, f"v{i}", bytes([i + 1]) * 32, owner) for i, owner in enumerate(owners)
    ))  # fmt: skip


def test_parameters_must_fit_one_another_when_they_pass():
    world = Council()
    assert world.propose(parameter="seats_max", value=3) == "PARAMETERS_CONTRADICT"
    assert world.propose(parameter="seats_max", value=5) == ""
    first = world.id
    assert world.propose(Q, parameter="seats_min", value=6) == ""
    assert [world.vote(P), world.vote(R)] == ["", ""]
    world.id = first
    assert world.vote(Q) == ""
    before = world.digest()
    assert world.vote(R) == "PARAMETERS_CONTRADICT"
    assert world.digest() == before


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (ProposeChange(P, "slash_bp", 10_001, "", 0), "PARAMETER_OUT_OF_RANGE"),
        (ProposeChange(P, "unbonding_epochs", 1, "", 0), "PARAMETER_OUT_OF_RANGE"),
        (ProposeChange(P, "seats_max", 0, "", 0), "PARAMETER_OUT_OF_RANGE"),
        (ProposeChange(P, "seats_max", 513, "", 0), "PARAMETER_OUT_OF_RANGE"),
        (ProposeChange(P, "commission_interval_ms", 2**64 - 1, "", 0), "PARAMETER_OUT_OF_RANGE"),
        (ProposeChange(P, "block_interval_ms", 1, "", 0), "UNKNOWN_PARAMETER"),
        (ProposeChange(P, "validity_max_blocks", 1, "", 0), "UNKNOWN_PARAMETER"),
        (ProposeChange(P, "execution_lag_max", 1, "", 0), "UNKNOWN_PARAMETER"),
        (ProposeChange(P, "speed" * 99, 1, "", 0), "UNKNOWN_PARAMETER"),
        (ProposeChange(P, "", 0, "", 0), "PROPOSAL_FORM"),
        (ProposeChange(P, "", 5, "", 0), "PROPOSAL_FORM"),
        (ProposeChange(P, "slash_bp", 5, "v2", 900), "PROPOSAL_FORM"),
        (ProposeChange(P, "slash_bp", 5, "", 900), "PROPOSAL_FORM"),
        (ProposeChange(P, "", 5, "v2", 900), "PROPOSAL_FORM"),
        (ProposeChange(P, "", 0, "v 2", 900), "VERSION_FORM"),
        (ProposeChange(P, "", 0, "", 900), "VERSION_FORM"),
        (ProposeChange(P, "", 0, "v" * 33, 900), "VERSION_FORM"),
        (ProposeChange(P, "", 0, "v2", 0), "OUT_OF_RANGE"),
        (ProposeChange(P, "", 0, "v2", 2**63), "OUT_OF_RANGE"),
        (ProposeChange(b"short", "slash_bp", 5, "", 0), "MALFORMED"),
        (VoteChange(P, b"short", True), "MALFORMED"),
    ],
)
def test_what_is_no_proposal_is_refused_whatever_the_state(payload, reason):
    world = Council()
    before = world.digest()
    with pytest.raises(InvalidTransaction) as caught:
        world.act(payload)
    assert caught.value.reason == reason
    if len(payload.signer) == 32:
        (receipt,) = world.apply(world.make(payload))
        assert receipt.code == 128
        assert {k: v for k, v in world.digest().items() if k[:1] in b"gpv"} == {
            k: v for k, v in before.items() if k[:1] in b"gpv"
        }


@pytest.mark.parametrize("name", CHANGEABLE)
def test_every_parameter_of_the_table_has_bounds_and_can_be_set_to_both(name):
    world = Council()
    least, most = find_bounds(name)
    assert least < most
    for value in (least, most):
        fits = {"seats_min": value <= 31, "seats_max": value >= 4}.get(name, True)
        kept = keeps_promise(name, value, getattr(world.params, name))
        expected = "PARAMETERS_CONTRADICT" if not fits else "" if kept else "GENESIS_PROMISE"
        assert world.propose(parameter=name, value=value) == expected


def test_no_vote_frees_stake_earlier_than_the_genesis_says():
    world = Council()
    assert world.propose(parameter="unbonding_epochs", value=143) == "GENESIS_PROMISE"
    assert world.pass_change(parameter="unbonding_epochs", value=200) == ["", ""]
    world.end_epoch()
    assert world.in_force().unbonding_epochs == 200
    assert world.propose(parameter="unbonding_epochs", value=143) == "GENESIS_PROMISE"
    assert world.pass_change(parameter="unbonding_epochs", value=144) == ["", ""]


def test_an_upgrade_that_passed_is_on_record_and_needs_its_version_from_its_height_on():
    world = Council()
    assert world.plan("v2", 500) == ""
    assert [world.vote(Q), world.vote(R)] == ["", ""]
    record = world.state[UPGRADES_KEY]
    assert decode_upgrades(record) == (Upgrade(500, "v2"),)
    assert (find_version(record, 499), find_version(record, 500)) == (FIRST_VERSION, "v2")
    assert (find_unknown(record, 499), find_unknown(record, 500)) == ("", "v2")
    assert find_unknown(record, 10**9) == "v2"


def test_a_plan_replaces_one_that_has_not_come_and_keeps_what_runs():
    world = Council()
    for version, height in (("v2", 80), ("v3", 900), (FIRST_VERSION, 800)):
        assert world.plan(version, height) == ""
        assert [world.vote(Q), world.vote(R)] == ["", ""]
        if version == "v2":
            world.skip_to(81)
    plans = decode_upgrades(world.state[UPGRADES_KEY])
    assert plans == (Upgrade(80, "v2"), Upgrade(800, FIRST_VERSION))


def test_an_upgrade_gives_notice_when_it_is_proposed_and_when_it_passes():
    world = Council()
    assert world.plan(height=1 + 64) == "UPGRADE_TOO_SOON"
    assert world.plan(height=2 + 64 + 3) == ""
    assert world.vote(Q) == ""
    world.apply()
    world.apply()
    before = world.digest()
    assert world.vote(R) == "UPGRADE_TOO_SOON"
    assert world.digest() == before


def test_genesis_parameters_are_given_as_they_are_while_nothing_has_passed():
    world = Council()
    assert load_params(world.state, world.params) is world.params
    del world.state[EPOCH_START_KEY]
    assert load_params(world.state, world.params) is world.params


def test_what_stakers_must_bond_follows_the_vote():
    world = Council({A: 10**9})
    assert world.pass_change(parameter="stake_min", value=10) == ["", ""]
    assert world.act(Delegate(A, P, 20)) == "STAKE_TOO_SMALL"
    world.end_epoch()
    assert world.act(Delegate(A, P, 20)) == ""
    assert world.act(Undelegate(A, P, 15)) == "STAKE_TOO_SMALL"
