"""Tables of contracts: methods, state, events, changes; the same for `--json`."""

from collections.abc import Iterable, Sequence
from typing import Any

from rich.text import Text

from quorate.cli import output
from quorate.cli.contract_faces import Face, Faces
from quorate.cli.contract_words import clean, format_signature
from quorate.core.values import format_address
from quorate.sdk.contract_messages import Event, Failure, StateChange, StateRecord
from quorate.sdk.contract_values import Interface, Method


def print_methods(interface: Interface) -> None:
    """Print what can be called, variables and events."""
    methods = [
        (
            format_signature(each.name, each.parameters, each.returns),
            _describe_kind(each),
            clean(" ".join(each.doc.split()).partition(". ")[0].removesuffix(".")),
        )
        for each in (interface.constructor, *interface.methods)
    ]
    print_columns(("method", "", ""), methods)
    rows: list[tuple[str, object]] = [
        ("variable", Text(f"{name}: {kind}")) for name, kind in interface.variables
    ]
    rows += [("event", Text(clean(format_signature(*each)))) for each in interface.events.items()]
    if rows:
        output.out.print()
        output.print_fields(rows)


def describe_interface(interface: Interface) -> dict[str, Any]:
    """Return what can be called, variables and events for `--json`."""
    methods = [interface.constructor, *interface.methods]
    return {
        "name": interface.name,
        "language": interface.language,
        "variables": [[name, kind] for name, kind in interface.variables],
        "methods": [
            {**each._asdict(), "parameters": [list(part) for part in each.parameters]}
            for each in methods
        ],
        "events": {
            name: [list(part) for part in fields] for name, fields in interface.events.items()
        },
        "records": {
            name: [list(part) for part in fields] for name, fields in interface.records.items()
        },
    }


def print_state(face: Face, records: Iterable[StateRecord]) -> None:
    """Print records of a contract's state: variable or entry, and value."""
    rows = []
    for record in records:
        name, _ = face.read_name(record.key)
        rows.append((name, face.read_record(record.key, record.value)[0]))
    print_columns(("variable", "value"), rows)


def describe_state(face: Face, records: Iterable[StateRecord]) -> list[dict[str, Any]]:
    """Return records of a contract's state for `--json`."""
    found = []
    for record in records:
        _, value = face.read_record(record.key, record.value)
        found.append({**_describe_name(face, record.key), "value": value})
    return found


def print_changes(faces: Faces, changes: Sequence[StateChange]) -> None:
    """Print what is not as it was, contract by contract."""
    rows = []
    for change in changes:
        face = faces.find(change.contract)
        values = [face.read_record(change.key, each)[0] for each in (change.before, change.after)]
        rows.append((face.title, face.read_name(change.key)[0], *[each or "–" for each in values]))
    print_columns(("contract", "variable", "before", "after"), rows)


def describe_changes(faces: Faces, changes: Sequence[StateChange]) -> list[dict[str, Any]]:
    """Return what is not as it was for `--json`; null: there is no record."""
    found = []
    for change in changes:
        face = faces.find(change.contract)
        _, before = face.read_record(change.key, change.before)
        _, after = face.read_record(change.key, change.after)
        where = {"contract": format_address(change.contract), **_describe_name(face, change.key)}
        found.append({**where, "before": before, "after": after})
    return found


def print_events(faces: Faces, events: Sequence[Event]) -> None:
    """Print events in their order."""
    for event in events:
        face = faces.find(event.contract)
        text, _ = face.read_event(event.name, event.data)
        line = Text(f"{face.title}.", style="dim").append(clean(event.name), style="bold")
        output.out.print(line.append(f"({text})", style="default"))


def describe_event(faces: Faces, event: Event) -> dict[str, Any]:
    """Return an event for `--json`."""
    _, fields = faces.find(event.contract).read_event(event.name, event.data)
    return {"contract": format_address(event.contract), "name": event.name, "fields": fields}


def describe_failure(faces: Faces, failure: Failure) -> str:
    """Return why contract payloads had no effect, in a sentence."""
    text = f": {clean(failure.message)}" if failure.message else ""
    where = f" (line {failure.line:,})" if failure.line else ""
    title = faces.find(failure.contract).title
    return f"{title}.{clean(failure.method)} {_say(failure.reason)}{text}{where}"


def failure_document(failure: Failure | None) -> dict[str, Any] | None:
    """Return a failure for `--json`."""
    if failure is None:
        return None
    return {**failure._asdict(), "contract": format_address(failure.contract)}


def _say(reason: str) -> str:
    return {
        "REVERTED": "reverted", "TRAPPED": "trapped", "OUT_OF_FUEL": "ran out of fuel",
    }.get(reason, f"failed with {reason}")  # fmt: skip


def _describe_kind(method: Method) -> str:
    return " ".join(
        word for word, holds in (("view", method.view), ("payable", method.payable)) if holds
    )


def _describe_name(face: Face, key: bytes) -> dict[str, Any]:
    return {**face.read_name(key)[1], "key": "0x" + key.hex()}


def print_columns(names: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows in columns that are whole however narrow the screen is: values get copied."""
    widths = [max(map(len, column)) for column in zip(names, *rows, strict=True)]
    for number, row in enumerate([names, *rows]):
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        output.out.print(Text("  ".join(cells).rstrip(), style="" if number else "dim"))
