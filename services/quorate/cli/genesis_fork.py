"""`quorate genesis fork` and `adopt`: the way on when more than f seats are gone for good.

A fork is made from a stopped node's database by executing its chain anew, so everybody who has
that chain makes the same genesis, byte for byte, and can compare its hash.
"""

import asyncio
import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from quorate.cli import options, output
from quorate.cli.documents import (
    check_writable,
    load_part,
    parse_params,
    read_document,
    require_sound,
    write_document,
    write_lines,
)
from quorate.core.contracts.payloads import NO_ENGINE
from quorate.core.errors import InvalidGenesis, Rejected
from quorate.core.genesis import (
    Genesis,
    Parent,
    build_genesis,
    compute_first_epoch,
    parse_genesis,
)
from quorate.core.genesis_entries import SeatEntry
from quorate.core.genesis_fields import Faults
from quorate.core.genesis_fork import Cut, apply_cut
from quorate.core.genesis_records import Tally, get_state_name
from quorate.kit.config import NodeConfig
from quorate.kit.rpc import open_channel
from quorate.storage.contract_link import ContractLink
from quorate.storage.database import check_idle
from quorate.storage.replay import Replay, Replayed
from quorate.storage.roots import iter_records

Home = Annotated[
    Path, typer.Option("--home", metavar="PATH", help="Home directory of a stopped node.")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Order:
    """What was asked for: where to cut which chain, with which seats, time and parameters."""

    source: Genesis
    home: Path
    height: int
    time_ms: int | None
    changes: dict[str, int]
    entries: tuple[SeatEntry, ...]
    quiet: bool


def fork(
    *,
    at: Annotated[int, typer.Option("--at", metavar="HEIGHT", help="Last block that counts.")],
    home: Home,
    members: Annotated[
        list[Path],
        typer.Option("--set", metavar="FILE", help="Seats: parts from `quorate keys candidate`."),
    ],
    param: Annotated[
        list[str] | None,
        typer.Option("--param", metavar="NAME=VALUE", help="A parameter that shall differ."),
    ] = None,
    time_ms: Annotated[
        int | None, typer.Option("--time-ms", help="Unix time of the start. Default: the block's.")
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="DIR", help="Where the genesis goes.")
    ] = Path("fork"),
    force: Annotated[bool, typer.Option("--force", help="Overwrite what is there.")] = False,
    as_json: options.Json = False,
) -> None:
    """**quorate genesis fork --at 12000 --home node --set a.json --set b.json -o fork**

    Cut the chain of a stopped node off after a block, and write the genesis of a chain that goes
    on from there with other seats: same name, next fork epoch. What came after that block is not
    part of it, final or not, and no transaction of one side is valid on the other. Everybody who
    has the chain can make the same genesis and compare its hash.
    """
    target = out / "genesis.json"
    check_writable(target, force=force)
    source = parse_genesis(read_document(home / "genesis.json"))
    order = _Order(
        source=source,
        home=home,
        height=at,
        time_ms=time_ms,
        changes=parse_params(param or []),
        entries=_read_members(members, source),
        quiet=as_json,
    )
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".fork-", dir=out) as scratch:
        text, found = asyncio.run(_cut(order, Path(scratch)))
        genesis = parse_genesis(text)
        assert genesis.state is not None, "it is a fork's"
        (Path(scratch) / "state").replace(out / get_state_name(genesis.state))
    check_state(out, genesis)
    write_document(target, text, force=force)
    _tell(target, genesis, found, as_json=as_json)


def adopt(
    *,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The fork's genesis.json.")],
    home: Home,
    as_json: options.Json = False,
) -> None:
    """**quorate genesis adopt fork/genesis.json --home node**

    Put a forked chain's genesis and state into a stopped node's home. Its old chain and vote log
    are moved aside to `before-…`: never start that chain again with this seat key but with that
    log. Interrupted, it can be run again.
    """
    text = read_document(file)
    genesis = parse_genesis(text)
    if genesis.state is None or genesis.parent is None:
        raise InvalidGenesis("parent", "is missing: this is no forked chain's genesis")
    check_state(file.parent, genesis)
    moved = _move_aside(home, genesis)
    name = get_state_name(genesis.state)
    if file.parent.resolve() != home.resolve():
        with (file.parent / name).open("rb") as lines:
            write_lines(home / name, lines, force=True)
    write_document(home / "genesis.json", text, force=True)
    shown = {"hash": genesis.hash.hex(), "moved": [str(path) for path in moved]}
    if as_json:
        output.print_json({"home": str(home), **shown})
    else:
        output.print_fields([("home", home), *shown.items()])


def check_state(directory: Path, genesis: Genesis) -> None:
    """Raise InvalidGenesis or RefusedToStart unless a forked chain's state file is as named."""
    for _ in iter_records(directory, genesis):
        pass


def _read_members(files: list[Path], source: Genesis) -> tuple[SeatEntry, ...]:
    faults, entries = Faults(), list[SeatEntry]()
    expected = {"chain_id": source.chain_id, "fork_epoch": source.fork_epoch + 1}
    for file in files:
        part = load_part(file, faults)
        for name, value in expected.items():
            if getattr(part, name) != value:
                faults.add(f"{file}: {name}", f"must be {value}")
        if not part.candidates:
            faults.add(f"{file}: candidates", "has none")
        entries += part.candidates
    require_sound(faults)
    return tuple(entries)


async def _cut(order: _Order, scratch: Path) -> tuple[str, Replayed]:
    """Return the fork's genesis; its records are then in `scratch`."""
    async with AsyncExitStack() as stack:
        link = await _start_runner(order, scratch, stack)
        return await _cut_with(order, scratch, link)


async def _start_runner(order: _Order, scratch: Path, stack: AsyncExitStack) -> ContractLink | None:
    """Start a contract-runner of its own, where the chain has contracts to execute anew."""
    if order.source.params.contract_engine == NO_ENGINE:
        return None
    # Paths of Unix sockets are short.
    sockets = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="quorate-")))
    config = NodeConfig(home=scratch, name="fork", sockets_dir=sockets)
    # Loads the engine, which no other command needs.
    from quorate.contracts import wiring as contracts

    running = await contracts.start(config)
    stack.push_async_callback(running.stop)
    channel = await stack.enter_async_context(open_channel(config.socket("contracts")))
    return ContractLink(channel)


async def _cut_with(
    order: _Order, scratch: Path, link: ContractLink | None
) -> tuple[str, Replayed]:
    source, replay = order.source, Replay(order.home, scratch / "db", order.source, link)
    try:
        with _show_progress(order) as bar:
            task = bar.add_task("executing", total=order.height - source.height)
            found = await replay.run(
                order.height, lambda height: bar.update(task, completed=height - source.height)
            )
        header = found.block.header
        cut = Cut(
            chain_id=source.chain_id,
            fork_epoch=source.fork_epoch + 1,
            time_ms=header.time_ms if order.time_ms is None else order.time_ms,
            params=source.params,
            entries=order.entries,
            changes=order.changes,
        )
        if cut.time_ms < header.time_ms:
            raise InvalidGenesis("time_ms", f"is before the block's, {header.time_ms}")
        changes = found.open_state()
        forked = apply_cut(changes, cut)
        found.take(changes)
        tally = Tally(compute_first_epoch(forked.epoch))
        lines = (tally.add(key, value) for key, value in found.iter_state())
        write_lines(scratch / "state", lines, force=False)
    finally:
        replay.close()
    text = build_genesis(
        cut.chain_id, cut.time_ms, forked.params, forked.seats, {},
        fork_epoch=cut.fork_epoch,
        parent=Parent(
            source.hash, source.fork_epoch, header.height, forked.epoch, found.block.digest,
            found.write_digest,
        ),
        state=tally.finish(),
    )  # fmt: skip
    return text, found


def _show_progress(order: _Order) -> Progress:
    rate = TextColumn("{task.speed:,.0f} blocks/s")
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), rate,
        TimeElapsedColumn(), TimeRemainingColumn(), console=output.err, disable=order.quiet,
    )  # fmt: skip


def _move_aside(home: Path, genesis: Genesis) -> list[Path]:
    """Move what belongs to the parent chain out of a home; return what was moved.

    Raises Rejected when the home is of another chain, RefusedToStart while its node runs.
    """
    assert genesis.parent is not None, "the caller looked"
    parent, own = genesis.parent.genesis_hash, home / "genesis.json"
    before = home / f"before-{parent.hex()[:16]}"
    places = [Path("consensus") / "log", Path("storage") / "db", Path("genesis.json")]
    held = [place for place in places if (home / place).exists()]
    if not own.exists() and held:
        raise Rejected(f"{home} has data but no genesis.json", reason="NO_GENESIS")
    if not held:
        return []
    found = parse_genesis(read_document(own)).hash
    if found != parent:
        is_done = found == genesis.hash
        raise Rejected(
            f"{home} is of this chain already" if is_done else f"{home} is not of the parent chain",
            reason="FORK_ADOPTED" if is_done else "WRONG_GENESIS", found=found.hex(),
        )  # fmt: skip
    for place in held[:-1]:
        check_idle(home / place)
    moved = list[Path]()
    for place in held:
        (before / place).parent.mkdir(parents=True, exist_ok=True)
        moved.append((home / place).rename(before / place))
    return moved


def _tell(path: Path, genesis: Genesis, found: Replayed, *, as_json: bool) -> None:
    assert genesis.state is not None, "it is a fork's"
    shown: dict[str, object] = {
        "path": str(path),
        "state": get_state_name(genesis.state),
        "hash": genesis.hash.hex(),
        "height": genesis.height,
        "block": found.block.digest.hex(),
        "write_digest": found.write_digest.hex(),
        "claimed_at": found.claimed_at,
        "records": genesis.state.records,
        "seats": len(genesis.seats),
    }
    if as_json:
        output.print_json(shown)
        return
    output.print_fields([(name, "no header yet" if v is None else v) for name, v in shown.items()])
