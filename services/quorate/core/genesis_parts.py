"""Parts of a genesis that several people make, and how they are put together.

A part is a JSON object with some of the fields of a genesis: one has the chain's name, time and
parameters, others have accounts, or a candidate whose seat key never left its machine. Whoever
assembles the same parts, in whatever order, gets the same document (docs/protocol.md#O3).
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from quorate.core.genesis import (
    CANDIDATES_MAX,
    FORK_EPOCH_MAX,
    read_balances,
    read_params,
)
from quorate.core.genesis_entries import Entries, SeatEntry, compute_proof_domain
from quorate.core.genesis_fields import Faults, Fields, load_document
from quorate.core.origin import CHAIN_ID_BYTES_MAX
from quorate.core.params import Params
from quorate.core.values import Address, format_address, parse_address

_FIELDS: Final = ("chain_id", "time_ms", "fork_epoch", "params", "accounts", "candidates")
# Names of fields that key files have, and a part never.
_SECRETS: Final = ("seed", "secret", "private_key", "phrase", "mnemonic", "cipher", "ciphertext")
# What no two candidates share.
_UNIQUE: Final = ("owner", "public_key", "name")

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Part:
    """A checked part; what it leaves out is None or empty."""

    chain_id: str
    fork_epoch: int
    time_ms: int | None
    params: Params | None
    balances: tuple[tuple[Address, int], ...]
    candidates: tuple[SeatEntry, ...]


def read_part(text: str, name: str = "") -> tuple[Part, Faults]:
    """Return a part, and all that is wrong with it; `name` stands before the faults' fields."""
    found = Faults()
    fields = load_document(text, found)
    for each in fields.values:
        if each in _SECRETS:
            fields.fail(each, "is a secret, which must not stand in a part: make the part anew")
    fields.allow(*_FIELDS, *_SECRETS)
    chain_id = fields.text("chain_id", 1, CHAIN_ID_BYTES_MAX)
    fork_epoch = fields.integer("fork_epoch", 0, FORK_EPOCH_MAX, default=0)
    domain = compute_proof_domain(chain_id, fork_epoch)
    part = Part(
        chain_id,
        fork_epoch,
        fields.integer("time_ms") if "time_ms" in fields else None,
        read_params(fields) if "params" in fields else None,
        read_balances(fields) if "accounts" in fields else (),
        tuple(_iter_candidates(fields, Entries(domain))),
    )
    faults = Faults()
    for fault in found.found:
        faults.add(f"{name}: {fault.field}" if name else fault.field, fault.why)
    return part, faults


def _iter_candidates(fields: Fields, entries: Entries) -> Iterator[SeatEntry]:
    """Yield the sound entries of a part; notes what is wrong with others, or stands twice."""
    taken = set[tuple[str, object]]()
    if "candidates" not in fields:
        return
    for entry in fields.objects("candidates", CANDIDATES_MAX):
        entries.take(entry)
        if not entry.is_sound:
            continue
        normal = _normalize(entry.values)
        for name in _UNIQUE:
            if (name, normal[name]) in taken:
                entry.fail(name, "is that of another candidate too")
            taken.add((name, normal[name]))
        yield normal


def write_part(part: Part) -> str:
    """Return the JSON text of a part, its lists in their one order."""
    document: Document = {"chain_id": part.chain_id, "fork_epoch": part.fork_epoch}
    if part.time_ms is not None:
        document["time_ms"] = part.time_ms
    if part.params is not None:
        document["params"] = part.params.to_document()
    if part.balances:
        document["accounts"] = [
            {"address": format_address(address), "balance": balance}
            for address, balance in sorted(part.balances)
        ]
    if part.candidates:
        document["candidates"] = sorted(part.candidates, key=_rank)
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def assemble(parts: Mapping[str, Part]) -> tuple[str, Faults]:
    """Return the genesis of parts by name, and what does not fit together.

    Its seats go to the candidates with most stake, ties by address, as in an election.
    """
    faults, ordered = Faults(), [parts[name] for name in sorted(parts)]
    names = sorted(parts)
    if not ordered:
        faults.add("(parts)", "there are none")
        return "", faults
    time_ms = _find_one(names, [part.time_ms for part in ordered], "time_ms", faults)
    params = _find_one(names, [part.params for part in ordered], "params", faults)
    for name, part in zip(names, ordered, strict=True):
        for field in ("chain_id", "fork_epoch"):
            expected = getattr(ordered[0], field)
            if getattr(part, field) != expected:
                faults.add(f"{name}: {field}", f"is not {expected!r}, as in {names[0]}")
    balances = _join_balances(parts, faults)
    candidates = sorted(_join_candidates(parts, faults), key=_rank)
    if faults.found or params is None or time_ms is None:
        return "", faults
    seats = [entry for entry in candidates if int(entry["stake"]) >= params.self_stake_min]
    seats = seats[: params.seats_max]
    if not seats:
        faults.add(
            "candidates", f"no one has the stake of {params.self_stake_min} that a seat needs"
        )
        return "", faults
    document = {
        "chain_id": ordered[0].chain_id,
        "time_ms": time_ms,
        "fork_epoch": ordered[0].fork_epoch,
        "params": params.to_document(),
        "seats": seats,
        "candidates": [entry for entry in candidates if entry not in seats],
        "accounts": [{"address": a, "balance": b} for a, b in balances],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n", faults


def _find_one(names: Sequence[str], values: Sequence[Any], field: str, faults: Faults) -> Any:
    """Return the value that some parts give and all that do agree on."""
    given = [(name, value) for name, value in zip(names, values, strict=True) if value is not None]
    if not given:
        faults.add(field, "stands in none of the parts: one must come from `genesis init`")
        return None
    for name, value in given[1:]:
        if value != given[0][1]:
            faults.add(f"{name}: {field}", f"differs from that in {given[0][0]}")
    return given[0][1]


def _join_balances(parts: Mapping[str, Part], faults: Faults) -> list[tuple[str, int]]:
    found: dict[bytes, str] = {}
    balances: list[tuple[bytes, int]] = []
    for name in sorted(parts):
        for address, balance in parts[name].balances:
            if address in found:
                text = format_address(address)
                faults.add(f"{name}: accounts", f"{text} stands in {found[address]} too")
            found[address] = name
            balances.append((address, balance))
    return [(format_address(address), balance) for address, balance in sorted(balances)]


def _join_candidates(parts: Mapping[str, Part], faults: Faults) -> list[SeatEntry]:
    taken: dict[tuple[str, object], str] = {}
    joined = list[SeatEntry]()
    for name in sorted(parts):
        for index, entry in enumerate(parts[name].candidates):
            for field in _UNIQUE:
                other = taken.setdefault((field, entry[field]), name)
                if other != name:
                    where = f"{name}: candidates[{index}].{field}"
                    faults.add(where, f"is that of a candidate in {other} too")
            joined.append(entry)
    return joined


def _normalize(entry: Mapping[str, object]) -> SeatEntry:
    """Return an entry that was found sound with every field, addresses in their one case."""
    owner = str(entry["owner"]).lower()
    operator = entry.get("operator", owner)
    return {
        "name": str(entry["name"]),
        "public_key": str(entry["public_key"]),
        "proof": str(entry["proof"]),
        "owner": owner,
        "operator": str(operator).lower(),
        "commission_bp": _as_int(entry.get("commission_bp", 0)),
        "stake": _as_int(entry.get("stake", 0)),
        "description": str(entry.get("description", "")),
    }


def _as_int(value: object) -> int:
    assert isinstance(value, int), "it was read as an integer before"
    return value


def _rank(entry: SeatEntry) -> tuple[int, bytes]:
    return -int(entry["stake"]), parse_address(str(entry["owner"]))
