"""A dry run gives the receipt that the next block gives, and leaves no trace."""

import asyncio

import grpc
import pytest

from quorate.api.transaction.v1 import transaction_pb2 as tx
from quorate.api.transaction.v1 import transaction_pb2_grpc
from quorate.core import crypto
from quorate.core.errors import InvalidTransaction, Overloaded
from quorate.core.outcomes import OUTCOMES
from quorate.core.state import compute_account_key, decode_account
from quorate.core.transactions import Signature, Transfer
from quorate.kit.convert import decode_transaction, encode_body, encode_envelope
from quorate.kit.faults import from_rpc_error
from quorate.storage.contract_calls import Booth
from quorate.storage.contract_link import ContractLink
from quorate.storage.simulation import WAITING_MAX, Simulator, complete
from tests.unit.quorate.storage.forge import BALANCE, Forge


def stub(node) -> transaction_pb2_grpc.SimulationServiceStub:
    return transaction_pb2_grpc.SimulationServiceStub(node.channel)


async def simulate(node, raw: bytes) -> tx.SimulateResponse:
    return await stub(node).Simulate(tx.SimulateRequest(transaction=raw))


async def refuse(node, raw: bytes) -> str:
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await simulate(node, raw)
    assert raised.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    return from_rpc_error(raised.value).reason


def strip(raw: bytes, keep: int = 0) -> bytes:
    """Return a transaction with only so many of its signatures."""
    transaction = decode_transaction(raw, bytes(32))
    return encode_envelope(transaction.body, list(transaction.signatures[:keep]))


async def commit_one(node, forge: Forge, raws: list[bytes]):
    batch = forge.batch(raws)
    block = forge.block(node.chain.head, [batch])
    await node.commit([(block, [batch])])
    return block


KEY = {"idempotency_key": b"once"}
CASES = {
    "": {},
    "INSUFFICIENT_BALANCE": {"amount": 2 * BALANCE},
    "SEQUENCE_PAST": {"sequence": 0},
    "SEQUENCE_GAP": {"sequence": 9},
    "FEE_TOO_LOW": {"fee_limit": 10},
    "FEE_NOT_COVERED": {"tip": 2 * BALANCE},
    "EXPIRED": {"valid_until_height": 0},
    "DUPLICATE": KEY,
    "IDEMPOTENCY_CONFLICT": {**KEY, "amount": 7},
}


@pytest.mark.parametrize("reason", CASES)
async def test_the_receipt_is_that_of_the_next_block(node, forge, reason) -> None:
    await commit_one(node, forge, [forge.transfer(0, amount=3, tip=5, **KEY)])
    raw = forge.transfer(0, **{"sequence": 1, "amount": 3, "tip": 5, **CASES[reason]})
    answer = await simulate(node, raw)
    digest, height = node.chain.write_digest, node.chain.height
    block = await commit_one(node, forge, [raw])
    assert (answer.height, answer.base_fee) == (height, block.header.base_fee)
    receipts = node.chain.store.load_receipts(height + 1)
    outcome, expected = OUTCOMES[receipts.codes[0]]
    assert expected == reason
    assert (answer.receipt.outcome, answer.receipt.reason) == (outcome, reason)
    assert answer.receipt.fee == receipts.fees[0]
    assert answer.receipt.id == forge.identify(raw)
    assert answer.receipt.height == height + 1
    assert digest != node.chain.write_digest or reason


async def test_nothing_is_written_and_no_cache_is_changed(node, forge) -> None:
    await commit_one(node, forge, [forge.transfer(0)])
    keys = [compute_account_key(address) for address in forge.addresses]
    before = node.chain.head, node.chain.write_digest, await node.chain.reader.read(keys)
    for sequence in range(1, 4):
        answer = await simulate(node, forge.transfer(0, sequence=sequence, **KEY))
        assert answer.receipt.outcome == (tx.OUTCOME_SUCCEEDED if sequence == 1 else 3)
    assert before == (node.chain.head, node.chain.write_digest, await node.chain.reader.read(keys))
    assert node.chain.reader._store.load_state(keys)[1] == before[2][1]


async def test_balances_are_told_before_and_after(node, forge) -> None:
    raw = forge.transfer(2, to=b"n" * 32, amount=77, tip=5)
    answer = await simulate(node, raw)
    changes = {each.address: (each.before, each.after) for each in answer.balances}
    fee = answer.receipt.fee
    assert fee == answer.weight * answer.base_fee + 5
    assert changes == {
        b"n" * 32: (0, 77),
        forge.addresses[2]: (BALANCE, BALANCE - 77 - fee),
    }
    await commit_one(node, forge, [raw])
    _, values = await node.chain.reader.read([compute_account_key(forge.addresses[2])])
    assert decode_account(values[0]).balance == BALANCE - 77 - fee


async def test_unsigned_ones_weigh_the_same_and_tell_who_must_sign(node, forge) -> None:
    sender, other = forge.addresses[:2]
    payloads = [Transfer(sender, b"n" * 32, 5), Transfer(other, b"n" * 32, 6)]
    body = encode_body(sender, 0, 0, payloads, valid_until_height=100, fee_limit=10**6)
    signatures = [
        Signature(1, key.public_key, key.sign(crypto.TAG_TRANSACTION, forge.genesis.domain, body))
        for key in forge.users[:2]
    ]
    whole = await simulate(node, encode_envelope(body, signatures))
    assert (list(whole.signers), list(whole.unsigned)) == ([sender, other], [])
    for given, missing in (([], [sender, other]), (signatures[1:], [sender])):
        answer = await simulate(node, encode_envelope(body, given))
        assert list(answer.unsigned) == missing
        assert (answer.receipt, answer.weight) == (whole.receipt, whole.weight)
    assert whole.weight == decode_transaction(encode_envelope(body, signatures), bytes(32)).weight


async def test_an_idempotency_key_is_free_again_when_its_time_is_over(make_node) -> None:
    forge = Forge(validity_max_blocks=2)
    node = await make_node(of=forge)
    until = {"valid_until_height": 2}
    await commit_one(node, forge, [forge.transfer(0, **KEY, **until)])
    for _ in range(2):
        answer = await simulate(node, forge.transfer(0, sequence=1, **KEY, valid_until_height=4))
        reason = answer.receipt.reason
        await commit_one(node, forge, [forge.transfer(1, valid_until_height=4)])
    assert reason == "DUPLICATE"
    answer = await simulate(node, forge.transfer(0, sequence=1, **KEY, valid_until_height=4))
    assert answer.receipt.reason == ""


async def test_what_no_state_would_make_right_is_refused_with_its_reason(node, forge) -> None:
    good = forge.transfer(0)
    foreign = Signature(1, forge.users[5].public_key, bytes(64))
    body = decode_transaction(good, bytes(32)).body
    assert await refuse(node, b"\xff" * 40) == "MALFORMED"
    assert await refuse(node, b"") in ("MALFORMED", "PAYLOAD_COUNT")
    assert await refuse(node, good + b"\x78\x01") == "NON_CANONICAL"
    assert await refuse(node, forge.transfer(0, amount=0)) == "AMOUNT_ZERO"
    assert await refuse(node, strip(forge.transfer(0, amount=0))) == "AMOUNT_ZERO"
    assert await refuse(node, strip(forge.transfer(0, lane=16))) == "LANE_OUT_OF_RANGE"
    assert await refuse(node, strip(forge.transfer(0, memo=b"m" * 300))) == "OVERSIZED"
    assert await refuse(node, encode_envelope(body, [foreign])) == "SIGNERS_DIFFER"
    assert await refuse(node, good[:-1] + bytes((good[-1] ^ 1,))) == "BAD_SIGNATURE"
    other = Forge("another-chain")
    assert await refuse(node, other.transfer(0)) == "BAD_SIGNATURE"
    twice = list(decode_transaction(good, bytes(32)).signatures) * 2
    assert await refuse(node, encode_envelope(body, twice)) == "SIGNERS_DIFFER"


def test_a_signature_that_is_there_is_checked_though_others_are_missing(forge) -> None:
    sender, other = forge.addresses[:2]
    body = encode_body(
        sender, 0, 0, [Transfer(other, sender, 5)], valid_until_height=100, fee_limit=10**6
    )
    bad = Signature(1, forge.users[1].public_key, bytes(64))
    with pytest.raises(InvalidTransaction) as caught:
        complete(encode_envelope(body, [bad]), forge.genesis)
    assert caught.value.reason == "BAD_SIGNATURE"


async def test_more_than_may_wait_are_refused_at_once_and_all_others_answered(node, forge) -> None:
    booth = Booth(ContractLink(node.channel), node.chain.store, forge.genesis)
    simulator, raw = Simulator(node.chain, forge.genesis, booth), forge.transfer(0)
    tasks = [asyncio.create_task(simulator.simulate(raw)) for _ in range(WAITING_MAX + 5)]
    results = await asyncio.gather(*tasks, return_exceptions=True)
    refused = [each for each in results if isinstance(each, Overloaded)]
    assert len(refused) == 5
    assert len([each for each in results if isinstance(each, tuple)]) == WAITING_MAX


async def test_blocks_go_on_while_dry_runs_are_asked_for(node, forge) -> None:
    stop = asyncio.Event()

    async def ask() -> int:
        count = 0
        while not stop.is_set():
            answer = await simulate(node, forge.transfer(7, sequence=0))
            assert answer.receipt.outcome == tx.OUTCOME_SUCCEEDED
            count += 1
        return count

    asking = asyncio.create_task(ask())
    await node.commit(forge.extend(10))
    stop.set()
    assert await asking > 0
    assert node.chain.height == 10
