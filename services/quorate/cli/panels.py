"""Tables that more than one command shows."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from quorate.cli.output import make_table
from quorate.sdk.values import Validator

_READY = "ready"
_STYLES = {
    "voting": "green",
    "observing": "green",
    "catching up": "yellow",
    "halted": "bold red",
    "unreachable": "red",
    "paused": "yellow",
    "stopped": "red",
}


def describe_validator(validator: Validator) -> dict[str, Any]:
    """Return a validator for `--json`."""
    return {
        "name": validator.name,
        "seat": validator.seat,
        "state": validator.state,
        "height": validator.height,
        "view": validator.view,
        "peers": validator.peers,
        "detail": validator.detail,
        "contracts": validator.contracts,
        "sandboxed": validator.sandboxed,
        "public_key": validator.public_key.hex(),
    }


def make_validators_table(
    validators: Sequence[Validator], processes: Mapping[str, str] | None = None
) -> Table:
    """Return the table of validators; `processes` adds each one's process by name."""
    columns = ["validator", "state", "height", "view", "peers", "contracts"]
    columns += ["process"] if processes is not None else []
    table = make_table(*columns, "", right=("height", "view", "peers"))
    for validator in validators:
        state = validator.state.replace("_", " ")
        row: list[str | Text] = [validator.name, Text(state, style=_STYLES.get(state, "yellow"))]
        row += [f"{value:,}" for value in (validator.height, validator.view, validator.peers)]
        row.append(_describe_runner(validator))
        if processes is not None:
            process = processes.get(validator.name, "")
            row.append(Text(process, style=_STYLES.get(process.split(" ")[0], "")))
        table.add_row(*row, Text(validator.detail, style="dim"))
    return table


def _describe_runner(validator: Validator) -> Text:
    is_open = bool(validator.contracts) and not validator.sandboxed
    words = (validator.contracts or "unknown") + (", no sandbox" if is_open else "")
    is_good = validator.contracts == _READY and not is_open
    return Text(words, style="green" if is_good else "yellow")
