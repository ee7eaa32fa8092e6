"""A stopped node's chain is executed anew, and what does not fit is found."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from quorate.core.blocks import Block
from quorate.core.codec import U64
from quorate.core.errors import NotFound, RefusedToStart, Rejected
from quorate.core.values import ZERO_HASH
from quorate.storage import database as db
from quorate.storage.database import Database, Writes
from quorate.storage.replay import Replay, Replayed
from tests.unit.quorate.storage.forge import Forge

MakeNode = Callable[..., Awaitable[Any]]
BLOCKS = 7


def get_database(node: Any) -> Path:
    return Path(node.home) / "storage" / "db"


@pytest.fixture
async def stopped(make_node: MakeNode, forge: Forge) -> Any:
    """A node that executed BLOCKS blocks and stopped; `digests` are its results by height."""
    node = await make_node()
    blocks = forge.extend(BLOCKS)
    await node.commit(blocks[:4])
    await node.commit(blocks[4:], together=True)
    results = node.chain.store.load_results(1, BLOCKS)
    node.digests = {each.height: each.write_digest for each in results}
    node.state = dict(node.chain.store.iter_state())
    await node.stop()
    return node


async def replay(node: Any, height: int, directory: Path) -> tuple[Replayed, dict[bytes, bytes]]:
    scratch = directory / f"scratch-{height}"
    machine = Replay(node.home, scratch, node.forge.genesis)
    try:
        found = await machine.run(height)
        return found, dict(found.iter_state())
    finally:
        machine.close()


@pytest.mark.parametrize("height", range(1, BLOCKS + 1))
async def test_every_height_gives_what_the_node_found(
    stopped: Any, height: int, directory: Path
) -> None:
    """Also within a run whose last block alone is certified."""
    found, state = await replay(stopped, height, directory)
    assert found.write_digest == stopped.digests[height]
    assert found.block.header.height == height
    if height == BLOCKS:
        assert state == {key: value for key, value in stopped.state.items() if key != b"h"}


async def test_progress_ends_at_the_height(stopped: Any, directory: Path) -> None:
    machine, seen = Replay(stopped.home, directory / "s", stopped.forge.genesis), [0]
    await machine.run(5, seen.append)
    machine.close()
    assert seen == sorted(set(seen))
    assert seen[-1] == 5


@pytest.mark.parametrize("height", [0, BLOCKS + 1])
async def test_a_height_that_was_not_executed_is_refused(
    stopped: Any, height: int, directory: Path
) -> None:
    with pytest.raises(NotFound) as caught:
        await replay(stopped, height, directory)
    assert caught.value.reason == "NO_HEIGHT"


async def test_a_running_node_is_refused(
    make_node: MakeNode, forge: Forge, directory: Path
) -> None:
    """Locks are per process: the node's would not keep its own process out."""
    node = await make_node()
    await node.commit(forge.extend(1))
    code = "import sys, pathlib; from quorate.storage.database import Database\n"
    code += "Database(pathlib.Path(sys.argv[1]), read_only=True)"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, str(get_database(node)), stderr=asyncio.subprocess.PIPE
    )
    _, errors = await asyncio.wait_for(process.communicate(), 60)
    assert b"in use by another process" in errors


async def test_another_chain_is_refused(
    stopped: Any, make_forge: type[Forge], directory: Path
) -> None:
    with pytest.raises(RefusedToStart) as caught:
        Replay(stopped.home, directory / "scratch", make_forge("other").genesis)
    assert caught.value.reason == "WRONG_GENESIS"


async def test_a_missing_database_is_refused(directory: Path, forge: Forge) -> None:
    with pytest.raises(RefusedToStart):
        Replay(directory / "nowhere", directory / "scratch", forge.genesis)


def spoil(node: Any, family: str, key: bytes, change: Callable[[bytes], bytes]) -> None:
    database = Database(get_database(node))
    value = database.get(family, key)
    assert value is not None
    writes = Writes()
    writes.put(family, key, change(value))
    database.write(database.build(writes), synced=True)
    database.close()


async def test_a_result_that_the_node_did_not_have_is_found(stopped: Any, directory: Path) -> None:
    spoil(stopped, db.RESULTS, U64.pack(3), lambda value: bytes(32) + value[32:])
    with pytest.raises(Rejected) as caught:
        await replay(stopped, 3, directory)
    assert caught.value.reason == "STATE_DIVERGED"


async def test_a_changed_transaction_is_found(stopped: Any, directory: Path) -> None:
    """A batch is named by a hash that covers its content."""
    name = next(iter_names(stopped))
    spoil(stopped, db.BATCHES, name, lambda value: value[:-1] + bytes([value[-1] ^ 1]))
    with pytest.raises(Exception, match=r"batch|content"):
        await replay(stopped, BLOCKS, directory)


def iter_names(node: Any) -> Any:
    database = Database(get_database(node), read_only=True)
    names = [key for key, _ in database.iterate(db.BATCHES)]
    database.close()
    return iter(names)


async def test_a_claim_of_another_result_is_found(
    make_node: MakeNode, forge: Forge, directory: Path
) -> None:
    node = await make_node()
    blocks = forge.extend(3)
    last: Block = blocks[-1][0]
    wrong = replace(last.header.executed, height=1, write_digest=b"\1" * 32)
    above = forge.block(last, executed=wrong)
    assert wrong.write_digest != ZERO_HASH
    await node.commit([*blocks, (above, [])])
    await node.stop()
    for height in (1, 4):
        with pytest.raises(Rejected) as caught:
            await replay(node, height, directory)
        assert caught.value.reason == "STATE_DIVERGED"
