"""Finality receipts out of a real store: each transaction is proven, by whatever is certified."""

import asyncio

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from quorate.api.ledger.v1 import ledger_pb2 as pb
from quorate.core.errors import NotFound, NotYet, Overloaded, Rejected
from quorate.core.outcomes import SEQUENCE_GAP, SUCCEEDED
from quorate.core.proofs_verify import Trust, verify
from quorate.core.results import compute_claim
from quorate.kit.faults import from_rpc_error
from quorate.storage import proofs
from quorate.storage.proofs import RETRY_MS, Prover
from tests.unit.quorate.storage.forge import Forge


def claim(node, parent):
    """Return the claim of all that the node has executed, as a leader makes it."""
    height, above = node.chain.height, parent.header.executed
    results = {each.height: each for each in node.chain.store.load_results(1, height)}
    return compute_claim(above, height, results)


async def grow(node, count, transfers=2, *, together=False):
    """Commit blocks with true claims, in one run each or all together; return their ids."""
    forge, made, runs = node.forge, [], []
    parent = node.chain.head
    for _ in range(count):
        raws = [forge.transfer(n % 8) for n in range(transfers)]
        batches = [forge.batch(raws, epoch=forge.starts[parent.digest].epoch)] if raws else []
        parent = forge.block(parent, batches, executed=claim(node, parent))
        made += [(parent.header.height, n, forge.identify(raw)) for n, raw in enumerate(raws)]
        runs.append((parent, batches))
        if not together:
            await node.commit(runs[-1:])
    if together:
        await node.commit(runs, together=True)
    return made


async def prove(node, identity, from_epoch=None):
    request = pb.GetFinalityReceiptRequest(id=identity, from_epoch=from_epoch)
    return (await node.ledger.GetFinalityReceipt(request)).finality_receipt


def trust_of(node, point=None):
    return Trust(node.forge.genesis.hash, point)


async def refuse(call):
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await call
    return raised.value


async def test_every_transaction_of_several_epochs_is_proven(short):
    made = await grow(short, 11)
    await grow(short, 1, transfers=0)
    for height, position, identity in made:
        proven = verify(await prove(short, identity), trust_of(short))
        assert (proven.height, proven.position, proven.receipt.id) == (height, position, identity)
        assert proven.receipt.code == SUCCEEDED
        # The first header that claims it is the next block's: its epoch is as early as can be.
        assert proven.header.height == height + 1
        assert proven.links == max(proven.header.epoch - 1, 0)


async def test_a_run_that_only_its_last_block_is_certified_of_proves_all_the_same(node):
    await grow(node, 3)
    made = await grow(node, 40, together=True)
    await grow(node, 1)
    for height, position, identity in made[::7]:
        proven = verify(await prove(node, identity), trust_of(node))
        assert (proven.height, proven.position) == (height, position)
        assert proven.header.height == 44


async def test_what_no_final_header_claims_yet_is_said_to_come(node):
    made = await grow(node, 2)
    error = await refuse(prove(node, made[-1][2]))
    assert error.code() is grpc.StatusCode.NOT_FOUND
    back = from_rpc_error(error)
    assert isinstance(back, NotYet)
    assert (back.reason, back.retry_after_ms) == ("NOT_CLAIMED_YET", RETRY_MS)
    retry = error_details_pb2.RetryInfo()
    assert any(detail.Unpack(retry) for detail in rpc_status.from_call(error).details)
    await grow(node, 1, transfers=0)
    assert verify(await prove(node, made[-1][2]), trust_of(node)).height == 2


async def test_unknown_and_malformed_ids_are_told_apart(node):
    await grow(node, 1)
    unknown = from_rpc_error(await refuse(prove(node, bytes(32))))
    assert isinstance(unknown, NotFound) and not isinstance(unknown, NotYet)
    for identity in (b"", bytes(31), bytes(33)):
        error = await refuse(prove(node, identity))
        assert error.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_a_skipped_transaction_is_proven_to_be_skipped(node, forge):
    raw = forge.transfer(sequence=9)
    batch = forge.batch([raw])
    await node.commit([(forge.block(forge.root, [batch]), [batch])])
    await grow(node, 1)
    proven = verify(await prove(node, forge.identify(raw)), trust_of(node))
    assert (proven.receipt.code, proven.receipt.fee) == (SEQUENCE_GAP, 0)


async def test_every_position_of_a_large_block_is_proven(node):
    made = await grow(node, 1, transfers=300)
    await grow(node, 1)
    for position in (0, 1, 127, 128, 255, 256, 298, 299):
        encoded = await prove(node, made[position][2])
        assert verify(encoded, trust_of(node)).position == position
        assert len(encoded) < 4_096


async def test_a_reader_starts_from_the_epoch_it_trusts(short):
    made = await grow(short, 14)
    late = verify(await prove(short, made[-4][2]), trust_of(short))
    assert (late.start_epoch, late.links) == (1, 3)
    for _, _, identity in made[:-2]:
        encoded = await prove(short, identity, late.trust.epoch)
        proven = verify(encoded, trust_of(short, late.trust))
        assert (proven.receipt.id, proven.links, proven.start_epoch) == (identity, 0, 4)
    # From the very first set, which is in the genesis too.
    proven = verify(await prove(short, made[-4][2], 0), trust_of(short))
    assert (proven.start_epoch, proven.links) == (0, 4)


async def test_an_epoch_that_has_not_begun_is_refused(short):
    made = await grow(short, 4)
    error = from_rpc_error(await refuse(prove(short, made[0][2], 2)))
    assert isinstance(error, NotFound) and not isinstance(error, NotYet)
    proven = verify(await prove(short, made[0][2], 1), trust_of(short))
    assert proven.header.epoch == 1


async def test_an_epoch_whose_last_block_a_tail_made_final_hands_over_too(short):
    forge = short.forge
    made = await grow(short, 2)
    for end in (3, 6, 9):
        parent, epoch = short.chain.head, short.chain.start.epoch
        batch = forge.batch([forge.transfer(3)], epoch=epoch)
        last = forge.block(parent, [batch], executed=claim(short, parent))
        tail = forge.certify_by_tail(last)
        await short.put([batch])
        async with short.attach() as engine:
            await engine.send([last], tail)
            await engine.wait_synced(end)
        handed = forge.block(last, [], handover=tail, executed=claim(short, last))
        await short.commit([(handed, [])])
        made += [(end, 0, forge.identify(batch.transactions()[0])), *await grow(short, 1)]
    for height, _, identity in made[:-2]:
        assert verify(await prove(short, identity), trust_of(short)).height == height
    assert verify(await prove(short, made[-3][2]), trust_of(short)).links == 2


async def test_after_a_restart_the_same_bytes_are_given(short):
    made = await grow(short, 8)
    before = [await prove(short, identity) for *_, identity in made[:-2]]
    await short.stop()
    await short.start()
    await grow(short, 3)
    assert [await prove(short, identity) for *_, identity in made[:-2]] == before


async def test_nodes_that_got_the_chain_in_other_runs_give_equal_roots(make_node):
    roots = []
    for name, together in (("one", False), ("run", True)):
        node = await make_node(name, of=Forge())
        blocks = node.forge.extend(9)
        await node.commit(blocks, together=together)
        roots.append([each.receipts_root for each in node.chain.store.load_results(1, 9)])
    assert roots[0] == roots[1] and len(set(roots[0])) == 9


async def test_what_would_be_too_long_names_the_way_out(short, monkeypatch):
    made = await grow(short, 14)
    monkeypatch.setattr(proofs, "RECEIPT_BYTES_MAX", 2_500)
    error = from_rpc_error(await refuse(prove(short, made[-4][2])))
    assert isinstance(error, Rejected)
    assert (error.reason, error.fields()) == ("TOO_MANY_EPOCHS", {"first": "1", "last": "4"})
    assert await prove(short, made[-4][2], 4)


async def test_requests_that_wait_are_bounded(node):
    made = await grow(node, 2)
    prover, count = Prover(node.chain), proofs.PROOFS_MAX
    async with prover._turn, asyncio.timeout(30):
        asked = [asyncio.create_task(prover.prove(made[0][2], None)) for _ in range(count + 3)]
        refused = await asyncio.gather(*asked[count:], return_exceptions=True)
    assert [type(each) for each in refused] == [Overloaded] * 3
    assert len(set(await asyncio.gather(*asked[:count]))) == 1
    for _ in range(2 * proofs.PROOFS_MAX):
        with pytest.raises(NotYet):
            await prover.prove(made[-1][2], None)
    assert await prover.prove(made[0][2], None)
