"""Reads of tokens, locks and changes by vote: what is there, pages, typed errors."""

import grpc
import pytest

from quorate.api.ledger.v1 import ledger_pb2 as pb
from quorate.core.governance.parameters import CHANGEABLE
from quorate.core.governance.upgrades import KNOWN_VERSIONS
from quorate.core.locks.payloads import LockTransfer
from quorate.core.locks.records import compute_lock_id
from quorate.core.tokens.payloads import CreateToken, SetTokenPolicy
from quorate.core.tokens.records import compute_token_id
from quorate.kit.faults import from_rpc_error
from tests.unit.quorate.storage.council import decide


async def fails(call):
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await call
    return from_rpc_error(raised.value)


async def commit(node, *raws):
    forge, head = node.forge, node.chain.head
    batches = [forge.batch(list(raws), epoch=forge.starts[head.digest].epoch)]
    await node.commit([(forge.block(head, batches), batches)])


async def make_tokens(node, count):
    """Let user 0 make tokens; returns their ids."""
    owner = node.forge.addresses[0]
    makes = [CreateToken(owner, f"T{n}", f"Token {n}", n, 0, 100 + n, True, False)
             for n in range(count)]  # fmt: skip
    raw = node.forge.act(*makes)
    await commit(node, raw)
    return [compute_token_id(node.forge.identify(raw), n) for n in range(count)]


async def test_a_token_reads_with_its_policy(node, forge):
    (token,) = await make_tokens(node, 1)
    owner, heir = forge.addresses[:2]
    await commit(node, forge.act(SetTokenPolicy(owner, token, heir, 500, False, False, True)))
    answer = await node.ledger.GetToken(pb.GetTokenRequest(token=token))
    expected = pb.Token(
        token=token, owner=heir, symbol="T0", name="Token 0", decimals=0, cap=500, supply=100,
        is_final=True,
    )  # fmt: skip
    assert (answer.token, answer.height) == (expected, 2)


async def test_what_is_not_there_or_no_id_has_its_reason(node):
    calls = {
        "NO_TOKEN": node.ledger.GetToken(pb.GetTokenRequest(token=b"?" * 32)),
        "NO_LOCK": node.ledger.GetLock(pb.GetLockRequest(lock=b"?" * 32)),
    }
    for reason, call in calls.items():
        assert (await fails(call)).reason == reason
    for call in (
        node.ledger.GetToken(pb.GetTokenRequest(token=b"?")),
        node.ledger.GetLock(pb.GetLockRequest()),
        node.ledger.ListTokenBalances(pb.ListTokenBalancesRequest(holder=b"?" * 33)),
    ):
        assert (await fails(call)).reason == "MALFORMED"


async def test_balances_come_in_pages_without_gaps_or_repeats(node, forge):
    tokens = await make_tokens(node, 7)
    holder, found, page = forge.addresses[0], [], ""
    for expected in (3, 3, 1):
        answer = await node.ledger.ListTokenBalances(
            pb.ListTokenBalancesRequest(holder=holder, page_size=3, page_token=page)
        )
        assert len(answer.balances) == expected
        found, page = [*found, *answer.balances], answer.next_page_token
    assert page == ""
    assert [each.token for each in found] == sorted(tokens)
    assert {(each.symbol, each.decimals, each.balance) for each in found} == {
        (f"T{n}", n, 100 + n) for n in range(7)
    }
    whole = await node.ledger.ListTokenBalances(pb.ListTokenBalancesRequest(holder=holder))
    assert list(whole.balances) == found
    other = pb.ListTokenBalancesRequest(holder=forge.addresses[1])
    assert not (await node.ledger.ListTokenBalances(other)).balances


@pytest.mark.parametrize("token", ["?", "Yg==", "dA==", "dAAA", "ä"])
async def test_a_page_token_that_is_not_ours_is_refused(node, forge, token):
    request = pb.ListTokenBalancesRequest(holder=forge.addresses[0], page_token=token)
    assert (await fails(node.ledger.ListTokenBalances(request))).reason == "MALFORMED_BYTES"


async def test_a_lock_reads_until_it_is_opened(node, forge):
    sender, to = forge.addresses[:2]
    raw = forge.act(LockTransfer(sender, to, 7, b"", b"#" * 32, 3, 90))
    await commit(node, raw)
    lock = compute_lock_id(forge.identify(raw), 0)
    answer = await node.ledger.GetLock(pb.GetLockRequest(lock=lock))
    assert answer.lock == pb.Lock(
        lock=lock, sender=sender, to=to, amount=7, hash=b"#" * 32, from_height=3, until_height=90
    )


async def test_proposals_read_with_their_votes_until_they_pass(node, forge):
    blocks, identity = decide(forge, node.chain.head, "slash_bp", 700, "", 0, votes=1)
    await node.commit(blocks)
    answer = await node.ledger.ListProposals(pb.ListProposalsRequest())
    assert (answer.quorum, answer.seats, answer.epoch, answer.height) == (3, 4, 0, 2)
    (found,) = answer.proposals
    assert (found.proposal, found.parameter, found.value) == (identity, "slash_bp", 700)
    assert (found.approving, found.last_epoch) == (2, 144)
    voters = sorted([forge.owner(0), forge.owner(1)])
    assert [(each.candidate, each.approve) for each in found.votes] == [(v, True) for v in voters]
    more, _ = decide(forge, node.chain.head, "jail_epochs", 9, "", 0)
    await node.commit(more)
    answer = await node.ledger.ListProposals(pb.ListProposalsRequest())
    assert [each.proposal for each in answer.proposals] == [identity]


async def test_parameters_read_as_in_force_and_as_they_come(make_node, make_forge):
    forge = make_forge(epoch_blocks=4)
    node = await make_node("voting", of=forge)
    blocks, _ = decide(forge, forge.root, "slash_bp", 700, "", 0)
    await node.commit(blocks)
    answer = await node.ledger.GetParams(pb.GetParamsRequest())
    found = {each.name: each for each in answer.parameters}
    assert set(CHANGEABLE) == {name for name, each in found.items() if each.is_changeable}
    slash = found["slash_bp"]
    assert (slash.value, slash.next_value, slash.genesis_value) == (500, 700, 500)
    await node.commit(forge.extend(2, node.chain.head))
    answer = await node.ledger.GetParams(pb.GetParamsRequest())
    slash = {each.name: each for each in answer.parameters}["slash_bp"]
    assert (answer.epoch, slash.value, slash.next_value, slash.genesis_value) == (1, 700, 700, 500)


async def test_a_plan_reads_until_its_version_is_in_force(make_node, make_forge):
    forge = make_forge(execution_lag_max=1)
    node = await make_node("planning", of=forge)
    answer = await node.ledger.GetParams(pb.GetParamsRequest())
    assert (answer.version, answer.next_version) == ("v1", "")
    assert list(answer.known_versions) == list(KNOWN_VERSIONS)
    blocks, _ = decide(forge, forge.root, "", 0, "v2", 5)
    await node.commit([*blocks, *forge.extend(1, blocks[-1][0])])
    answer = await node.ledger.GetParams(pb.GetParamsRequest())
    assert (answer.version, answer.next_version, answer.next_version_height) == ("v1", "v2", 5)
    await node.commit(forge.extend(1, node.chain.head))
    answer = await node.ledger.GetParams(pb.GetParamsRequest())
    assert (answer.height, answer.version, answer.next_version) == (4, "v2", "")
