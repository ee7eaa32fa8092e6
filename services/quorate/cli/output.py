"""What people and programs read: data on stdout, progress and errors on stderr.

With `--json` stdout carries exactly one JSON document with stable keys, an error included:
{"error": {"reason": …, "message": …, "fields": {…}}}. Colour only on a terminal, and never with
NO_COLOR (rich sees to both).
"""

import contextlib
import json
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from quorate.core.errors import InvalidInput, QuorateError
from quorate.core.values import HASH_BYTES, UINT64_MAX

UNIT_DIGITS = 9
_UNIT = 1_000_000_000
_WHOLE_DIGITS_MAX = 20
out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def print_json(document: Mapping[str, Any]) -> None:
    """Print one JSON document on stdout."""
    sys.stdout.write(json.dumps(document, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def print_fields(rows: Sequence[tuple[str, object]]) -> None:
    """Print names and values, one line each, values aligned."""
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        out.print(Text(f"{name:<{width}}  ", style="dim"), value, sep="")


def make_table(*columns: str, title: str = "", right: Sequence[str] = ()) -> Table:
    """Return an empty table in the house's look; columns named in `right` align to the right."""
    table = Table(title=title or None, title_justify="left", box=None, pad_edge=False)
    for column in columns:
        # A column without a name holds remarks: it gives way when the screen is narrow.
        justify: Literal["left", "right"] = "right" if column in right else "left"
        table.add_column(column, justify=justify, header_style="dim", no_wrap=bool(column))
    return table


def print_error(error: QuorateError, *, as_json: bool) -> None:
    """Print an error: for people on stderr with its reason, for programs as JSON on stdout."""
    if as_json:
        fields = error.fields()
        document = {"reason": error.reason, "message": error.message, "fields": fields}
        print_json({"error": document})
        return
    err.print(Text("error ", style="bold red"), Text(error.message), sep="", end="")
    err.print(Text(f"  [{error.reason}]", style="dim"))


def format_amount(amount: int) -> str:
    """Return smallest units as tokens, digits grouped: 1234500000000 → 1,234.5."""
    whole, part = divmod(amount, _UNIT)
    digits = f"{part:0{UNIT_DIGITS}d}".rstrip("0")
    return f"{whole:,}" + (f".{digits}" if digits else "")


def parse_amount(text: str) -> int:
    """Return the smallest units of a decimal number of tokens; raises InvalidInput."""
    whole, dot, part = text.replace(",", "").replace("_", "").partition(".")
    if not (whole or part) or not (whole + part).isascii() or not (whole + part).isdigit():
        raise InvalidInput(
            f"'{text}' is no amount: give tokens like 12 or 0.5", reason="MALFORMED_AMOUNT"
        )
    if len(whole) > _WHOLE_DIGITS_MAX:
        raise InvalidInput("that is more than there can be", reason="MALFORMED_AMOUNT")
    if (dot and not part) or len(part) > UNIT_DIGITS:
        raise InvalidInput(
            f"'{text}' has more than {UNIT_DIGITS} decimals or none after the point",
            reason="MALFORMED_AMOUNT",
        )
    units = int(whole or "0") * _UNIT + int(part.ljust(UNIT_DIGITS, "0"))
    if units > UINT64_MAX:
        raise InvalidInput(f"'{text}' is more than there can ever be", reason="OUT_OF_RANGE")
    return units


def parse_id(text: str) -> bytes:
    """Return the 32 bytes of a transaction id; raises InvalidInput."""
    try:
        id_ = bytes.fromhex(text)
    except ValueError:
        id_ = b""
    if len(id_) != HASH_BYTES:
        raise InvalidInput(f"'{text}' is no transaction id: 64 hex digits", reason="MALFORMED_ID")
    return id_


def leave_quietly() -> None:
    """Let `quorate … | head` end without a traceback: nobody reads stdout any more."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
