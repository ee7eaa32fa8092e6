"""Reads of stake against a real storage node: one height each, pages, figures, typed errors."""

import grpc
import pytest

from quorate.api.ledger.v1 import ledger_pb2 as pb
from quorate.core.crypto import TAG_SEAT, SigningKey
from quorate.core.errors import InvalidInput, NotFound
from quorate.core.staking.payloads import (
    ClaimRewards,
    Delegate,
    Redelegate,
    RegisterCandidate,
    Resign,
    Undelegate,
)
from quorate.kit.faults import from_rpc_error
from quorate.kit.metrics import VIEWS_LEFT
from quorate.sdk.keys import Key
from quorate.sdk.payloads import SENDER
from quorate.sdk.transactions import Options, sign_payloads

STAKE = 10**9


class Books:
    """Signs payloads of the forge's users, and commits a block per transaction."""

    def __init__(self, node, forge):
        self.node, self.forge, self.head = node, forge, forge.root
        self.sequences = {}

    async def do(self, user, *payloads):
        sequence = self.sequences.get(user, 0)
        self.sequences[user] = sequence + 1
        options = Options(sequence=sequence, valid_until_height=10_000, fee_limit=10**6)
        key = Key(self.forge.users[user].seed)
        signed = sign_payloads(self.forge.genesis.domain, [key], payloads, options)
        batch = self.forge.batch([signed.raw])
        self.head = self.forge.block(self.head, [batch])
        await self.node.commit([(self.head, [batch])])
        receipt = await self.node.ledger.GetReceipt(pb.GetReceiptRequest(id=signed.id))
        return receipt.receipt.reason

    async def register(self, user, stake=STAKE):
        seat, owner = SigningKey(bytes([50 + user]) * 32), self.forge.addresses[user]
        proof = seat.sign(TAG_SEAT, self.forge.genesis.domain, owner)
        return await self.do(
            user,
            RegisterCandidate(SENDER, owner, seat.public_key, proof, f"c{user}", "", 500, stake),
        )


@pytest.fixture
def books(node, forge):
    return Books(node, forge)


async def refused(call):
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await call
    return from_rpc_error(raised.value)


async def test_candidates_come_by_stake_in_pages_with_what_keeps_them_from_a_seat(books, node):
    for user, stake in ((0, STAKE), (1, 3 * STAKE), (2, 2 * STAKE)):
        assert await books.register(user, stake) == ""
    whole = await node.ledger.ListCandidates(pb.ListCandidatesRequest())
    assert [each.name for each in whole.candidates][:3] == ["c1", "c2", "c0"]
    assert (whole.height, whole.total, whole.electable, whole.epoch) == (3, 7, 0, 0)
    assert {each.chances.obstacle for each in whole.candidates[:3]} == {pb.OBSTACLE_NOT_READY}
    assert {each.chances.obstacle for each in whole.candidates[3:]} == {pb.OBSTACLE_SELF_STAKE}
    seated = [each.chances for each in whole.candidates[3:]]
    assert sorted(each.seat_elected for each in seated) == [0, 1, 2, 3], "nobody is electable"
    assert {each.views_left for each in seated} == {500}
    paged, token = [], ""
    while True:
        request = pb.ListCandidatesRequest(page_size=2, page_token=token)
        page = await node.ledger.ListCandidates(request)
        paged += page.candidates
        token = page.next_page_token
        if not token:
            break
    assert paged == list(whole.candidates)


async def test_a_candidate_is_read_as_it_is_also_when_it_has_gone(books, node, forge):
    owner = forge.addresses[0]
    request = pb.GetCandidateRequest(candidate=owner)
    error = await refused(node.ledger.GetCandidate(request))
    assert isinstance(error, NotFound)
    assert error.reason == "NO_CANDIDATE"
    assert await books.register(0) == ""
    found = await node.ledger.GetCandidate(request)
    assert (found.height, found.candidate.chances.height) == (1, 1)
    assert (found.candidate.stake, found.candidate.commission_bp) == (STAKE, 500)
    assert await books.do(0, Resign(SENDER, owner)) == ""
    found = await node.ledger.GetCandidate(request)
    assert found.candidate.resigned
    assert found.candidate.chances.obstacle == pb.OBSTACLE_RESIGNED
    listed = await node.ledger.ListCandidates(pb.ListCandidatesRequest())
    assert owner not in [each.owner for each in listed.candidates]


async def test_a_delegator_reads_what_is_bonded_earned_waits_moved_and_is_at_risk(
    books, node, forge
):
    seats = forge.genesis.sets[0].seats
    first, second, me = seats[0].candidate, seats[1].candidate, forge.addresses[3]
    for seat in seats:
        assert await books.do(3, Delegate(SENDER, seat.candidate, 100 * STAKE)) == ""
    assert await books.do(3, Undelegate(SENDER, first, 10 * STAKE)) == ""
    assert await books.do(3, Redelegate(SENDER, first, second, 20 * STAKE)) == ""
    request = pb.ListDelegationsRequest(delegator=me)
    found = await node.ledger.ListDelegations(request)
    assert (found.height, found.epoch, len(found.delegations)) == (6, 0, 4)
    by_owner = {each.candidate: each for each in found.delegations}
    assert list(by_owner) == sorted(by_owner)
    left, right = by_owner[first], by_owner[second]
    assert (left.amount, right.amount) == (70 * STAKE, 120 * STAKE)
    assert [(e.epoch, e.amount, e.claimable_epoch) for e in left.unbonding] == [
        (0, 10 * STAKE, 144)
    ]
    assert [(e.target, e.amount, e.safe_epoch) for e in left.moved] == [(second, 20 * STAKE, 2)]
    assert (left.at_risk, right.at_risk) == (5 * STAKE, 6 * STAKE)
    assert (left.movable_epoch, right.movable_epoch) == (0, 144)
    pages = [
        await node.ledger.ListDelegations(pb.ListDelegationsRequest(delegator=me, page_size=3))
    ]
    token = pages[0].next_page_token
    last = pb.ListDelegationsRequest(delegator=me, page_size=3, page_token=token)
    pages.append(await node.ledger.ListDelegations(last))
    assert [e.candidate for page in pages for e in page.delegations] == list(by_owner)
    assert pages[1].next_page_token == ""
    rewards = {each.candidate: each.rewards for each in found.delegations}
    earning = max(rewards, key=rewards.__getitem__)
    before = (await node.ledger.GetAccount(pb.GetAccountRequest(address=me))).account.balance
    assert await books.do(3, ClaimRewards(SENDER, earning)) == ""
    answer = await node.ledger.GetAccount(pb.GetAccountRequest(address=me))
    fee = forge.genesis.params.base_fee_min
    assert before + rewards[earning] > answer.account.balance > before - 10_000 * fee
    assert rewards[earning] > 0


async def test_supply_epoch_and_spread_are_of_one_height(books, node, forge):
    assert await books.register(0) == ""
    found = await node.ledger.GetEconomy(pb.GetEconomyRequest())
    assert (found.height, found.candidates) == (1, 5)
    assert (found.supply.genesis, found.supply.issued) == (forge.genesis.supply, 0)
    assert found.supply.treasury > 0, "no stake is behind the seats, so fees are the treasury's"
    assert (found.epoch.epoch, found.epoch.start_height, found.epoch.end_height) == (0, 0, 10_000)
    spread = found.concentration
    assert (spread.seats, spread.faults, spread.holders, spread.holders_to_stop) == (4, 1, 4, 2)


async def test_seats_tell_candidate_stake_and_missed_views_of_the_running_epoch_only(node, forge):
    head = forge.block(forge.root)
    # Views 2 and 3 were missed.
    later = forge.block(head, view=4, proposer=0)
    await node.commit([(head, []), (later, [])])
    running = await node.ledger.ListSeats(pb.ListSeatsRequest())
    assert sum(seat.missed for seat in running.seats) == 2
    assert all(seat.views_left == 500 - seat.missed for seat in running.seats)
    assert [seat.candidate for seat in running.seats] == [
        seat.candidate for seat in forge.genesis.sets[0].seats
    ]
    for seat in running.seats:
        shown = VIEWS_LEFT.labels(str(seat.seat), seat.name)._value.get()
        assert shown == seat.views_left
    coming = await node.ledger.ListSeats(pb.ListSeatsRequest(epoch=1))
    assert not any(seat.missed or seat.HasField("views_left") for seat in coming.seats)


@pytest.mark.parametrize("token", ["x", "AAAA", "ZA==", "Y" * 400, "é"])
async def test_what_is_no_address_or_page_token_is_refused(node, token):
    calls = [
        node.ledger.ListCandidates(pb.ListCandidatesRequest(page_token=token)),
        node.ledger.ListDelegations(
            pb.ListDelegationsRequest(delegator=bytes(32), page_token=token)
        ),
        node.ledger.ListDelegations(pb.ListDelegationsRequest(delegator=bytes(31))),
        node.ledger.GetCandidate(pb.GetCandidateRequest(candidate=bytes(33))),
    ]
    for call in calls:
        assert isinstance(await refused(call), InvalidInput)
