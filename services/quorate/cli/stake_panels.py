"""Tables and documents of candidates, delegations, seats and supply."""

from collections.abc import Sequence
from typing import Any

from rich.text import Text

from quorate.cli import output
from quorate.cli.staking import format_percent
from quorate.core.values import format_address
from quorate.sdk.stake_values import (
    Candidate,
    Candidates,
    Chances,
    Delegation,
    Delegations,
    Economy,
    Obstacle,
)

_OBSTACLES = {
    Obstacle.SLASHED: ("slashed", "bold red"),
    Obstacle.RESIGNED: ("resigned", "red"),
    Obstacle.MISSED: ("due for jail", "bold yellow"),
    Obstacle.JAILED: ("jailed", "bold yellow"),
    Obstacle.SELF_STAKE: ("too little of its own", "yellow"),
    Obstacle.NOT_READY: ("not ready", "yellow"),
}


def format_short(address: bytes) -> str:
    """Return an address cut to what tells addresses apart at a glance."""
    text = format_address(address)
    return f"{text[:9]}…{text[-6:]}"


def describe_chances(chances: Chances) -> Text:
    """Return in a few words how a candidate stands for the election."""
    if chances.obstacle:
        return Text(*_OBSTACLES[chances.obstacle])
    if chances.seat_elected is not None:
        return Text("elected now", style="green")
    return Text("runner-up", style="cyan")


def describe_seats(chances: Chances) -> str:
    """Return the seats of the running, the next and the epoch after, were it elected now."""
    seats = (chances.seat_running, chances.seat_next, chances.seat_elected)
    return " ".join("·" if seat is None else str(seat) for seat in seats)


def format_left(views: int | None) -> Text:
    """Return the views left before jail, in a colour that warns."""
    if views is None:
        return Text("", style="dim")
    if views < 0:
        return Text("due", style="bold red")
    return Text(f"{views:,}", style="yellow" if views < 50 else "")


def print_candidates(found: Candidates) -> None:
    """Print candidates as a table."""
    counts = f"{found.total:,} candidates, {found.electable:,} electable"
    table = output.make_table(
        "rank", "candidate", "address", "stake", "own", "fee", "seats", "left", "",
        title=f"{counts} · epoch {found.epoch:,} · height {found.height:,}",
        right=("rank", "stake", "own", "fee", "left"),
    )  # fmt: skip
    for each in found.candidates:
        table.add_row(
            str(each.chances.rank or "–"),
            Text(each.name, style="bold"),
            Text(format_short(each.owner), style="dim"),
            output.format_amount(each.stake),
            output.format_amount(each.self_stake),
            format_percent(each.commission_bp),
            describe_seats(each.chances),
            format_left(each.chances.views_left),
            describe_chances(each.chances),
        )
    output.out.print(table)
    note = "seats: in this epoch, the next, and the one after if elected now"
    output.out.print(Text(f"\n{note} · left: views before jail", style="dim"))


def print_candidate(found: Candidate) -> None:
    """Print all there is to know of a candidate."""
    chances = found.chances
    output.print_fields(
        [
            ("candidate", Text(found.name, style="bold")),
            ("about", found.description or "–"),
            ("owner", format_address(found.owner)),
            ("operator", format_address(found.operator)),
            ("seat key", found.seat_key.hex()),
            ("next key", found.next_key.hex() or "none"),
            ("commission", format_percent(found.commission_bp)),
            ("stake", output.format_amount(found.stake)),
            ("of the owner", output.format_amount(found.self_stake)),
            ("not claimed", output.format_amount(found.pot + found.commission_due)),
            ("election", describe_chances(chances)),
            ("rank", f"{chances.rank:,}" if chances.rank else "none: not electable"),
            ("seats", f"{describe_seats(chances)}  (now, next, after if elected now)"),
            ("ready", f"epoch {found.ready_epoch - 1:,}" if found.ready_epoch else "never"),
            ("missed", _describe_missed(found)),
            ("jailed", f"until epoch {found.jailed_until:,}" if found.jailed_until else "no"),
            ("at height", f"{chances.height:,}"),
        ]
    )


def _describe_missed(found: Candidate) -> str:
    now = f"{found.chances.missed:,} in this epoch"
    if found.chances.views_left is None:
        return f"{found.missed:,} in epoch {found.missed_epoch:,}" if found.missed else "none"
    return f"{now}; {found.chances.views_left:,} left before jail"


def print_delegations(found: Delegations, who: str) -> None:
    """Print what an account has delegated and earned."""
    if not found.delegations:
        output.out.print(
            f"{who} has delegated nothing: `quorate candidate list` shows to whom it could"
        )
        return
    table = output.make_table(
        "candidate", "address", "bonded", "claim now", "unbonds", "at risk", "",
        title=f"{who} · epoch {found.epoch:,} · height {found.height:,}",
        right=("bonded", "claim now", "unbonds", "at risk"),
    )  # fmt: skip
    for each in found.delegations:
        waiting = sum([e.amount - e.cut for e in each.unbonding if e.claimable_epoch > found.epoch])
        table.add_row(
            Text(each.name, style="bold"),
            Text(format_short(each.candidate), style="dim"),
            output.format_amount(each.amount),
            Text(output.format_amount(each.claimable), style="green" if each.claimable else "dim"),
            output.format_amount(waiting),
            output.format_amount(each.at_risk),
            Text(_remark(each, found.epoch), style="dim"),
        )
    output.out.print(table)
    for each in found.delegations:
        _print_entries(each, found.epoch)


def _remark(each: Delegation, epoch: int) -> str:
    state = "slashed" if each.is_slashed else "resigned" if each.is_resigned else ""
    moves = f"moves on from epoch {each.movable_epoch:,}" if each.movable_epoch > epoch else ""
    return ", ".join(filter(None, (state, moves)))


def _print_entries(each: Delegation, epoch: int) -> None:
    for entry in each.unbonding:
        when = "now" if entry.claimable_epoch <= epoch else f"in epoch {entry.claimable_epoch:,}"
        cut = f", less {output.format_amount(entry.cut)} slashed" if entry.cut else ""
        words = f"{output.format_amount(entry.amount)} of {each.name} can be claimed {when}{cut}"
        output.out.print(Text(f"  {words}", style="dim"))


def print_economy(found: Economy) -> None:
    """Print supply, the running epoch, and how spread the seats are."""
    supply, epoch, spread = found.supply, found.epoch, found.concentration
    left_ms = max(epoch.end_ms - epoch.time_ms, 0)
    blocks_left = max(epoch.end_height - found.height, 0)
    output.print_fields(
        [
            ("epoch", f"{epoch.epoch:,}, since height {epoch.start_height + 1:,}"),
            ("ends in", f"{blocks_left:,} blocks or {left_ms / 1_000:,.0f} s"),
            ("supply", output.format_amount(supply.genesis + supply.issued)),
            ("  issued", output.format_amount(supply.issued)),
            ("  per block", output.format_amount(supply.issue_per_block)),
            ("  treasury", output.format_amount(supply.treasury)),
            ("candidates", f"{found.candidates:,}"),
            ("seats", f"{spread.seats:,}, of which {spread.faults:,} may be arbitrary"),
            ("held by", f"{spread.holders:,} operators"),
            ("could stop", f"{spread.holders_to_stop:,} operators together"),
            ("third of stake", f"{spread.holders_third_stake:,} operators together"),
            ("at height", f"{found.height:,}"),
        ]
    )


def describe_candidate(found: Candidate) -> dict[str, Any]:
    """Return a candidate for `--json`."""
    document = _describe(found._asdict(), ("owner", "operator"))
    chances = found.chances._asdict()
    return {**document, "chances": {**chances, "obstacle": found.chances.obstacle.name}}


def describe_delegation(found: Delegation) -> dict[str, Any]:
    """Return a delegation for `--json`."""
    document = _describe(found._asdict(), ("candidate",))
    moved = [_describe(each._asdict(), ("target",)) for each in found.moved]
    unbonding = [each._asdict() for each in found.unbonding]
    return {**document, "claimable": found.claimable, "unbonding": unbonding, "moved": moved}


def describe_economy(found: Economy) -> dict[str, Any]:
    """Return supply, epoch and spread for `--json`."""
    return {
        **found._asdict(),
        "supply": found.supply._asdict(),
        "epoch": found.epoch._asdict(),
        "concentration": found.concentration._asdict(),
    }


def _describe(values: dict[str, Any], addresses: Sequence[str]) -> dict[str, Any]:
    """Return values with addresses as people write them and other bytes in hex."""
    return {
        name: format_address(value)
        if name in addresses
        else value.hex()
        if isinstance(value, bytes)
        else value
        for name, value in values.items()
    }
