"""`quorate tx estimate|explain`, and what a dry run shows: fees, and why something waits."""

from typing import Annotated, Any

import typer
from rich.text import Text

from quorate.cli import life, options, output, session
from quorate.core.values import HASH_BYTES, format_address
from quorate.kit import faults
from quorate.sdk.client import Client
from quorate.sdk.fees import Blocker, Explanation, FeeEstimate, Position, Queue, Simulation
from quorate.sdk.payloads import build_transfers
from quorate.sdk.transactions import Options, compute_weight_max
from quorate.sdk.values import Outcome, Stage

# An amount and a sequence that take as many bytes as any.
_LONG = 2**62


def estimate(
    weight: Annotated[
        int, typer.Option("--weight", min=0, help="Default: that of one transfer.")
    ] = 0,
    transfers: Annotated[
        int, typer.Option("--transfers", min=1, max=16, help="Weight of so many transfers.")
    ] = 1,
    within: Annotated[
        int, typer.Option("--within", min=0, max=256, help="Blocks; 0: soon, which is 12.")
    ] = 0,
    endpoint: options.Endpoint = None,
    as_json: options.Json = False,
) -> None:
    """**quorate tx estimate --within 6**

    Tell which fee limit and tip get a transaction executed within so many blocks, and the figures
    that this comes of. The base fee is charged as it is then; the rest of the limit is not.
    """
    blank = Options(sequence=_LONG, valid_until_height=_LONG, fee_limit=0)
    payloads = build_transfers([(bytes(HASH_BYTES), _LONG)] * transfers)
    asked = weight or compute_weight_max(bytes(HASH_BYTES), payloads, blank)

    async def work(client: Client) -> FeeEstimate:
        return await client.estimate_fee(asked, within)

    found = session.run(endpoint, work)
    if as_json:
        output.print_json(_to_document(found))
        return
    is_in_time = found.blocks <= found.within_blocks
    output.print_fields(
        [
            ("fee limit", output.format_amount(found.fee_limit)),
            ("tip", output.format_amount(found.tip)),
            ("executed", Text(_describe_blocks(found), style="" if is_in_time else "yellow")),
            ("weight", f"{found.weight:,}"),
            ("base fee", f"{found.base_fee:,} now, at most {found.base_fee_max:,} by then"),
            ("last block", f"{_describe_share(found.block_weight, found.block_weight_max)} full"),
            ("at height", f"{found.height:,}"),
        ]
    )
    output.out.print()
    output.out.print(_make_queues_table(found.queues))


def explain(
    id_: Annotated[str, typer.Argument(metavar="ID", help="Transaction id, 64 hex digits.")],
    endpoint: options.Endpoint = None,
    as_json: options.Json = False,
) -> None:
    """**quorate tx explain ID**

    Tell which validator has a transaction, its place in its lane and in the queue, what blocks it,
    and what would unblock it.
    """
    wanted = output.parse_id(id_)

    async def work(client: Client) -> Explanation:
        return await client.explain(wanted)

    found = session.run(endpoint, work)
    if as_json:
        document = _to_document(found)
        document["receipt"] = None
        if found.receipt is not None:
            document["receipt"] = life.receipt_document(found.receipt)
        output.print_json({"id": id_, **document})
    else:
        _print_explanation(id_, found)
    if found.stage is Stage.UNKNOWN and found.receipt is None:
        raise typer.Exit(faults.EXIT_NOT_FOUND)


def show_simulation(found: Simulation, *, as_json: bool) -> None:
    """Print what a dry run gave; exits with 4 when it would not succeed."""
    if as_json:
        output.print_json(simulation_document(found))
    else:
        print_simulation(found)
    if found.receipt.outcome is not Outcome.SUCCEEDED:
        raise typer.Exit(faults.EXIT_PRECONDITION)


def simulation_document(found: Simulation) -> dict[str, Any]:
    """Return what a dry run gave for `--json`; what contracts would do is left out."""
    document = _to_document(found._replace(trial=None))
    del document["trial"]
    return {**document, "receipt": life.receipt_document(found.receipt)}


def print_simulation(found: Simulation) -> None:
    """Print receipt and balances of a dry run."""
    receipt = found.receipt
    is_good = receipt.outcome is Outcome.SUCCEEDED
    outcome = receipt.outcome.name.lower() + (f": {receipt.reason}" if receipt.reason else "")
    rows: list[tuple[str, object]] = [
        ("would be", Text(outcome, style="green" if is_good else "red")),
        ("fee", f"{output.format_amount(receipt.fee)} (base fee {found.base_fee:,})"),
        ("weight", f"{found.weight:,}"),
        ("on height", f"{found.height:,}"),
        ("changes", f"{found.changes:,} records"),
    ]
    rows += [("needs", f"signature of {format_address(each)}") for each in found.unsigned]
    output.print_fields(rows)
    if not found.balances:
        return
    output.out.print()
    right = ("before", "after", "change")
    table = output.make_table(*right, "", right=right)
    for address, before, after in found.balances:
        change = output.format_amount(abs(after - before))
        amounts = [output.format_amount(each) for each in (before, after)]
        sign = "+" if after > before else "-"
        table.add_row(*amounts, sign + change, format_address(address))
    output.out.print(table)


def _print_explanation(id_: str, found: Explanation) -> None:
    rows: list[tuple[str, object]] = [("id", id_), ("stage", found.stage.name.lower())]
    if found.receipt is not None:
        rows.append(("receipt", life.describe_receipt(found.receipt)))
    rows += [("dropped", found.reason)] if found.reason else []
    rows += [("sent to", found.sent_to)] if found.sent_to else []
    for each in found.positions:
        rows += _list_position(each)
    blockers = found.list_blockers()
    is_open = found.stage not in (Stage.EXECUTED, Stage.DROPPED)
    if is_open and not blockers:
        rows.append(("blocked by", Text("nothing: it takes its turn", style="green")))
    output.print_fields(rows)
    for blocker in blockers:
        _print_blocker(blocker)


def _list_position(each: Position) -> list[tuple[str, object]]:
    paid = f"limit {output.format_amount(each.fee_limit)}, tip {output.format_amount(each.tip)}"
    rows: list[tuple[str, object]] = [
        ("held by", f"{each.validator}, {each.stage.name.lower()}"),
        ("lane", f"{each.lane}, sequence {each.sequence:,}; {each.next_sequence:,} comes next"),
        ("fee", f"{paid}, weight {each.weight:,}; base fee {each.base_fee:,}"),
        ("valid until", f"height {each.valid_until_height:,}; it is {each.height:,}"),
    ]  # fmt: skip
    if each.stage is Stage.BATCHED:
        rows.append(("batch", f"held by {each.holders} seats, {each.quorum} are needed"))
    else:
        ahead = f"{each.ahead_in_lane:,} in its lane, at most {each.ahead_weight:,} weight in all"
        rows.append(("ahead", ahead))
    rows += [("executed", f"in about {each.blocks:,} blocks")] if each.blocks else []
    return rows


def _print_blocker(blocker: Blocker) -> None:
    output.out.print()
    output.print_fields(
        [
            ("blocked by", Text(blocker.reason, style="bold yellow")),
            ("", blocker.message),
            ("what helps", blocker.advice),
        ]
    )


def _make_queues_table(queues: tuple[Queue, ...]) -> Any:
    right = ("waiting", "in batches", "per block", "way", "price", "blocks")
    table = output.make_table("validator", *right, "room", "paid", "", right=right)
    for each in queues:
        paid = " ".join(f"{price:,}" for price in each.paid_prices) or "-"
        table.add_row(
            each.validator,
            f"{each.ready_weight:,}",
            f"{each.unfinalized_weight:,}",
            f"{each.block_weight:,}",
            f"{each.lag_blocks:,}",
            f"{each.price:,}",
            f"{each.blocks:,}",
            _describe_share(each.used_bytes, each.room_bytes),
            paid,
            "",
        )
    table.caption = (
        "weight waiting, in batches, and taken per block; way: blocks from batch to execution; "
        "prices: tip per 1,000 weight, paid ones at 10 25 50 75 90 %"
    )
    table.caption_justify = "left"
    return table


def _describe_blocks(found: FeeEstimate) -> str:
    asked = f"{found.within_blocks:,} blocks"
    if found.blocks <= found.within_blocks:
        return f"within {asked}: in about {found.blocks:,}"
    return f"in about {found.blocks:,} blocks: no tip has it executed within {asked}"


def _describe_share(part: int, whole: int) -> str:
    return f"{part * 100 // whole if whole else 0} %"


def _to_document(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return {name: _to_document(each) for name, each in zip(value._fields, value, strict=True)}
    if isinstance(value, tuple):
        return [_to_document(each) for each in value]
    return value.name if isinstance(value, Outcome | Stage) or hasattr(value, "name") else value
