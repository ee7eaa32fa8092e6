"""A chain that was cut off goes on: its root is written whole or not at all, and served as such."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from grpc import StatusCode
from grpc.aio import AioRpcError

from quorate.api.ledger.v1 import ledger_pb2
from quorate.api.storage.v1 import storage_pb2
from quorate.core.errors import InvalidGenesis, RefusedToStart
from quorate.core.genesis import (
    Parent,
    build_genesis,
    build_seat_entry,
    compute_first_epoch,
    parse_genesis,
)
from quorate.core.genesis_fork import Cut, apply_cut
from quorate.core.genesis_records import Tally, get_state_name
from quorate.core.proofs_verify import Trust, verify
from quorate.core.state import compute_account_key, decode_account
from quorate.storage import database as db
from quorate.storage.database import Database
from quorate.storage.replay import Replay
from quorate.storage.roots import prepare
from quorate.storage.store import GENESIS_KEY
from tests.unit.quorate.storage.forge import CHAIN, Forge

MakeNode = Callable[..., Awaitable[Any]]
HEIGHT = 5


class ForkedForge(Forge):
    """A forge of the chain that goes on from another one's block."""

    def __init__(self, text: str, lines: list[bytes], sequences: dict[Any, int]) -> None:
        super().__init__()
        self.text, self.lines = text, lines
        self.genesis = parse_genesis(text)
        self.root, self.sequences = self.genesis.root, sequences
        self.starts = {self.root.digest: self.genesis.start}
        assert self.genesis.state is not None
        self.state_name = get_state_name(self.genesis.state)

    def put_state(self, home: Path, lines: list[bytes] | None = None) -> None:
        """Write the state file into a home."""
        home.mkdir(parents=True, exist_ok=True)
        (home / self.state_name).write_bytes(b"".join(self.lines if lines is None else lines))


@pytest.fixture
async def forked(make_node: MakeNode, forge: Forge, directory: Path) -> ForkedForge:
    """Cut a chain of 8 blocks off at HEIGHT; its seats keep their keys."""
    node = await make_node("parent")
    await node.commit(forge.extend(HEIGHT))
    kept = dict(forge.sequences)
    await node.commit(forge.extend(3, node.chain.head))
    await node.stop()
    replay = Replay(node.home, directory / "scratch", forge.genesis)
    found = await replay.run(HEIGHT)
    changes = found.open_state()
    entries = [
        build_seat_entry(CHAIN, f"v{i}", key, fork_epoch=1) for i, key in enumerate(forge.seats)
    ]
    params, time_ms = forge.genesis.params, found.block.header.time_ms
    cut = Cut(chain_id=CHAIN, fork_epoch=1, time_ms=time_ms, params=params, entries=entries)
    result = apply_cut(changes, cut)
    found.take(changes)
    tally = Tally(compute_first_epoch(result.epoch))
    lines = [tally.add(key, value) for key, value in found.iter_state()]
    parent = Parent(
        forge.genesis.hash, 0, HEIGHT, result.epoch, found.block.digest, found.write_digest
    )
    text = build_genesis(
        CHAIN, time_ms, params, result.seats, {}, fork_epoch=1, parent=parent, state=tally.finish()
    )
    replay.close()
    made = ForkedForge(text, lines, kept)
    # Seats stand in another order than in the parent.
    by_key = {key.public_key: key for key in forge.seats}
    made.seats = made.next_seats = [by_key[seat.public_key] for seat in made.genesis.seats]
    return made


async def start(make_node: MakeNode, forge: ForkedForge, directory: Path, name: str) -> Any:
    home = directory / f"home-{name}"
    forge.put_state(home)
    return await make_node(name, of=forge, home=home)


async def test_the_root_holds_the_state_at_the_cut(
    make_node: MakeNode, forked: ForkedForge, directory: Path
) -> None:
    node = await start(make_node, forked, directory, "a")
    assert (node.chain.height, node.chain.certified_height) == (HEIGHT, HEIGHT)
    response, begun, sets = await node.open_chain()
    assert (begun.epoch, begun.height) == (2, HEIGHT)
    assert [each.epoch for each in sets] == [1, 2, 3]
    assert not response.certificate
    height, values = await node.chain.reader.read([compute_account_key(forked.addresses[0])])
    assert height == HEIGHT
    assert decode_account(values[0]).lanes == {0: HEIGHT}


async def test_blocks_go_on_and_survive_a_restart(
    make_node: MakeNode, forked: ForkedForge, directory: Path
) -> None:
    node = await start(make_node, forked, directory, "a")
    await node.stop()
    node = await make_node("a", of=forked, home=node.home)
    blocks = forked.extend(4)
    await node.commit(blocks[:2])
    await node.commit(blocks[2:], together=True)
    await node.stop()
    node = await make_node("a", of=forked, home=node.home)
    assert node.chain.height == HEIGHT + 4
    page = await node.ledger.ListBlocks(ledger_pb2.ListBlocksRequest())
    assert [block.height for block in page.blocks] == list(range(HEIGHT + 4, HEIGHT - 1, -1))
    assert not page.next_page_token
    root = await node.ledger.GetBlock(ledger_pb2.GetBlockRequest(height=HEIGHT, full=True))
    assert root.block.digest == forked.genesis.hash
    assert not root.block.certificate


async def test_what_lies_below_the_root_is_not_there(
    make_node: MakeNode, forked: ForkedForge, directory: Path
) -> None:
    node = await start(make_node, forked, directory, "a")
    await node.commit(forked.extend(2))
    with pytest.raises(AioRpcError) as caught:
        await node.ledger.GetBlock(ledger_pb2.GetBlockRequest(height=HEIGHT - 1))
    assert caught.value.code() is StatusCode.NOT_FOUND
    call = node.executed.WatchExecuted(storage_pb2.WatchExecutedRequest(from_height=1))
    assert [(await call.read()).executed.height for _ in range(2)] == [HEIGHT + 1, HEIGHT + 2]
    call.cancel()
    run = await node.storage.ReadBlocks(storage_pb2.ReadBlocksRequest(from_height=1))
    assert len(run.blocks) == 2


async def test_another_node_catches_up_from_the_root(
    make_node: MakeNode, make_gossip: Any, forked: ForkedForge, directory: Path
) -> None:
    ahead = await start(make_node, forked, directory, "a")
    await ahead.commit(forked.extend(6))
    behind = await start(make_node, forked, directory, "b")
    gossip = await make_gossip(behind, ahead)
    gossip.announce(HEIGHT + 6)
    await behind.wait_height(HEIGHT + 6)
    assert behind.chain.write_digest == ahead.chain.write_digest
    assert gossip.reports == []


async def test_finality_receipts_are_proven_from_the_new_genesis(
    make_node: MakeNode, forked: ForkedForge, directory: Path
) -> None:
    node = await start(make_node, forked, directory, "a")
    blocks = forked.extend(3)
    await node.commit(blocks)
    result = node.chain.store.load_results(HEIGHT + 3, HEIGHT + 3)[0]
    last = blocks[-1][0]
    executed = replace(
        last.header.executed, height=HEIGHT + 3, write_digest=result.write_digest,
        receipts_root=result.receipts_root,
    )  # fmt: skip
    await node.commit([(forked.block(last, executed=executed), [])])
    identity = forked.identify(blocks[1][1][0].transactions()[0])
    request = ledger_pb2.GetFinalityReceiptRequest(id=identity)
    proof = (await node.ledger.GetFinalityReceipt(request)).finality_receipt
    proven = verify(proof, Trust(forked.genesis.hash))
    assert (proven.receipt.id, proven.height) == (identity, HEIGHT + 2)
    request = ledger_pb2.GetFinalityReceiptRequest(id=identity, from_epoch=0)
    with pytest.raises(AioRpcError) as caught:
        await node.ledger.GetFinalityReceipt(request)
    assert caught.value.code() is StatusCode.NOT_FOUND


async def test_without_its_state_a_fork_does_not_start(
    make_node: MakeNode, forked: ForkedForge
) -> None:
    with pytest.raises(RefusedToStart) as caught:
        await make_node("a", of=forked)
    assert caught.value.reason == "NO_GENESIS_STATE"


@pytest.mark.parametrize("writes_max", [1, 7, 10_000])
async def test_of_a_wrong_state_nothing_is_left(
    forked: ForkedForge, directory: Path, writes_max: int
) -> None:
    """Records of a wrong file would stay beside those of the right one, and split the chain."""
    home, database = directory / "home", Database(directory / "fresh")
    try:
        for lines in (forked.lines[:-1], forked.lines[1:], []):
            forked.put_state(home, lines)
            with pytest.raises(InvalidGenesis):
                prepare(database, forked.genesis, home, writes_max)
            assert list(database.iterate(db.STATE)) == []
            assert database.get(db.META, GENESIS_KEY) is None
        forked.put_state(home)
        prepare(database, forked.genesis, home, writes_max)
        assert len(list(database.iterate(db.STATE))) == len(forked.lines) + 5 + 1
        (home / forked.state_name).unlink()
        prepare(database, forked.genesis, home, writes_max)
    finally:
        database.close()


async def test_the_parents_database_is_not_the_forks(
    make_node: MakeNode, forked: ForkedForge, directory: Path
) -> None:
    home = directory / "home-parent"
    forked.put_state(home)
    with pytest.raises(RefusedToStart) as caught:
        await make_node("parent", of=forked, home=home)
    assert caught.value.reason == "WRONG_GENESIS"


async def test_a_fork_can_be_cut_off_again(
    make_node: MakeNode, forked: ForkedForge, directory: Path
) -> None:
    node = await start(make_node, forked, directory, "a")
    await node.commit(forked.extend(4))
    results = node.chain.store.load_results(1, HEIGHT + 4)
    await node.stop()
    replay = Replay(node.home, directory / "again", forked.genesis)
    found = await replay.run(HEIGHT + 3)
    replay.close()
    assert [each.height for each in results] == list(range(HEIGHT + 1, HEIGHT + 5))
    assert found.write_digest == results[2].write_digest
