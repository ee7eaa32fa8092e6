"""`quorate contract trace`: a call line by line, with fuel and the variables that it touches."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.text import Text

from quorate.cli import contract_book, contract_building, options, output, session
from quorate.cli.acting import From
from quorate.cli.contract_deeds import ContractName, Fuel, MethodName, Texts, Value
from quorate.cli.contract_faces import Face, Faces
from quorate.cli.contract_names import Names
from quorate.cli.contract_panels import describe_failure, failure_document
from quorate.cli.contract_words import clean
from quorate.core.contracts.records import compute_code_hash
from quorate.core.errors import InvalidInput
from quorate.core.values import HASH_BYTES, format_address
from quorate.kit import faults
from quorate.sdk.client import Client
from quorate.sdk.contract_messages import Asked, ContractRead, Step, Traced

_STORE: Final = "store"
_RECORDS: Final = ("load", _STORE)


class _Known:
    """What is known of records while steps are told, so that changes are told as such."""

    def __init__(self) -> None:
        self._values: dict[tuple[bytes, bytes], bytes] = {}

    def note(self, step: Step) -> bytes | None:
        """Note what a step loads or stores; return what was known of that record before."""
        if step.action not in _RECORDS:
            return None
        place = (step.contract, step.key)
        before = self._values.get(place)
        self._values[place] = step.value
        return before


def trace(
    *,
    contract: ContractName,
    method: MethodName,
    arguments: Texts = None,
    source: Annotated[
        Path | None, typer.Option("--source", "-s", metavar="FILE", help="Its .py, to see lines.")
    ] = None,
    value: Value = "0",
    fuel: Fuel = 0,
    sender: From = "demo",
    keys_dir: options.KeysDir = None,
    endpoint: options.Endpoint = None,
    as_json: options.Json = False,
) -> None:
    """**quorate contract trace token transfer alice 5 --source token.py**

    Run a call on the latest state, throw away what it changed, and show its steps: lines, fuel so
    far, variables read and written, events. Without --source only what it asks of the network.
    The source must be that of the deployed code. Telling lines takes fuel of its own.
    """
    names, units = Names(keys_dir), output.parse_amount(value)
    address, caller = contract_book.resolve(contract), names.resolve(sender)

    async def work(client: Client) -> tuple[Faces, Traced]:
        found, faces = await client.contracts.get(address), Faces(client, names)
        face = faces.add(address, found.interface)
        data = face.encode_arguments(method, arguments or [])
        code = _build_traced(source, found) if source is not None else b""
        asked = Asked(address, method, data, caller, units, fuel)
        traced = await client.contracts.trace(asked, code)
        failure = traced.outcome.failure
        more = [each.contract for each in traced.steps] + ([failure.contract] if failure else [])
        await faces.load_all(more)
        return faces, traced

    faces, traced = session.run(endpoint, work)
    lines = [] if source is None else contract_building.read_source(source).splitlines()
    if as_json:
        output.print_json(_describe(faces, faces.find(address), method, traced))
    else:
        _print_steps(faces, address, traced.steps, lines)
        _print_end(faces, faces.find(address), method, traced)
    if traced.outcome.failure is not None:
        raise typer.Exit(faults.EXIT_PRECONDITION)


def _build_traced(source: Path, found: ContractRead) -> bytes:
    """Return a build that tells lines; raises InvalidInput unless it is of the deployed code."""
    plain = contract_building.build_source(source)
    if compute_code_hash(plain.code) != found.info.code_hash:
        raise InvalidInput(
            f"{source} is not the source of this contract: built, it has another code hash; deploy "
            "it, or leave --source out to see what the contract asks of the network",
            reason="OTHER_SOURCE", built=compute_code_hash(plain.code).hex(),
            deployed=found.info.code_hash.hex(),
        )  # fmt: skip
    return contract_building.build_source(source, tracing=True).code


def _print_steps(faces: Faces, address: bytes, steps: Sequence[Step], lines: Sequence[str]) -> None:
    width, known = len(str(len(lines))), _Known()
    for step in steps:
        face, indent = faces.find(step.contract), "  " * max(0, step.depth - 1)
        fuel = Text(f"{step.fuel:>12,}  ", style="dim")
        if step.action:
            before = known.note(step)
            what = f"{indent}{' ' * width}    {_describe_action(faces, face, step, before)}"
            output.out.print(fuel.append(what, style="cyan"))
            continue
        is_ours = step.contract == address and 0 < step.line <= len(lines)
        text = lines[step.line - 1] if is_ours else f"line {step.line} of {face.title}"
        output.out.print(fuel.append(f"{indent}{step.line:>{width}}  {text}", style="default"))


def _print_end(faces: Faces, face: Face, method: str, traced: Traced) -> None:
    found = traced.outcome
    if traced.cut:
        output.err.print("later steps were left out")
    output.out.print()
    rows: list[tuple[str, object]] = [("fuel", f"{found.fuel:,}, at height {found.height:,}")]
    if found.failure is not None:
        rows.append(("failed", Text(describe_failure(faces, found.failure), style="red")))
    else:
        text = face.read_result(method, found.result)[0]
        rows.append(("result", Text(text or "(nothing)")))
    output.print_fields(rows)


def _describe_action(faces: Faces, face: Face, step: Step, before: bytes | None) -> str:
    """Return in words what the host was asked for; `before` is a record's value, if known."""
    if step.action in _RECORDS:
        name, value = face.read_name(step.key)[0], face.read_record(step.key, step.value)[0]
        if step.action == _STORE and before is not None:
            old = face.read_record(step.key, before)[0]
            return f"{step.action} {name}: {old or 'nothing'} → {value or 'nothing'}"
        return f"{step.action} {name} = {value or 'nothing'}"
    if step.action == "emit":
        name = step.key.decode(errors="replace")
        return f"emit {clean(name)}({face.read_event(name, step.value)[0]})"
    key = _describe_key(faces, step.key)
    rest = f" 0x{step.value.hex()}" if step.value else ""
    return f"{step.action} {key}{rest}".rstrip()


def _describe_key(faces: Faces, key: bytes) -> str:
    if len(key) == HASH_BYTES:
        named = faces.find(key)
        return named.names.find(key) or format_address(key)
    return f"0x{key.hex()}" if key else ""


def _describe(faces: Faces, face: Face, method: str, traced: Traced) -> dict[str, Any]:
    found, known = traced.outcome, _Known()
    return {
        "steps": [_describe_step(faces, each, known.note(each)) for each in traced.steps],
        "cut": traced.cut,
        "fuel": found.fuel,
        "height": found.height,
        "result": face.read_result(method, found.result)[1] if found.failure is None else None,
        "failure": failure_document(found.failure),
    }


def _describe_step(faces: Faces, step: Step, before: bytes | None) -> dict[str, Any]:
    face = faces.find(step.contract)
    document: dict[str, Any] = {
        "line": step.line,
        "fuel": step.fuel,
        "depth": step.depth,
        "contract": format_address(step.contract),
        "action": step.action,
    }
    if step.action in _RECORDS:
        old = face.read_record(step.key, before or b"")[1]
        value = face.read_record(step.key, step.value)[1]
        return {**document, **face.read_name(step.key)[1], "before": old, "value": value}
    return {**document, "key": "0x" + step.key.hex(), "value": "0x" + step.value.hex()}
