"""A genesis is checked whole, and what is wrong in it is named by its field."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quorate.core.crypto import SigningKey, compute_domain
from quorate.core.epochs import EpochStart
from quorate.core.errors import InvalidGenesis
from quorate.core.genesis import build_genesis, build_seat_entry, inspect_genesis, parse_genesis
from quorate.core.genesis_fields import FAULTS_MAX
from quorate.core.params import SUPPLY_MAX, Params
from quorate.core.values import TREASURY, format_address

KEYS = [SigningKey(bytes([n]) * 32) for n in range(4)]
ALICE, BOB = bytes(32), b"\1" * 32

BALANCE = "accounts[0].balance"

Document = dict[str, Any]


def grant(address: bytes) -> Document:
    return {"address": format_address(address), "balance": 1}


def build(**changes: Any) -> str:
    seats = [build_seat_entry("chain", f"v{n}", key) for n, key in enumerate(KEYS)]
    balances = {format_address(BOB): 5, format_address(ALICE): 7}
    text = build_genesis("chain", 1_000, Params(), seats, balances)
    return json.dumps({**json.loads(text), **changes})


def test_a_built_genesis_parses() -> None:
    genesis = parse_genesis(build())
    assert [(seat.index, seat.name) for seat in genesis.seats] == [(n, f"v{n}") for n in range(4)]
    assert [seat.public_key for seat in genesis.seats] == [key.public_key for key in KEYS]
    assert genesis.balances == ((ALICE, 7), (BOB, 5))
    assert (genesis.supply, genesis.params, genesis.time_ms) == (12, Params(), 1_000)


def test_the_hash_is_of_the_content_not_of_its_formatting() -> None:
    document = json.loads(build())
    turned = dict(reversed(document.items()))
    genesis = parse_genesis(json.dumps(document, indent=7))
    assert parse_genesis(json.dumps(turned)).hash == genesis.hash
    assert genesis.domain == compute_domain("chain", genesis.hash, 0)


@pytest.mark.parametrize(
    "changes",
    [{"time_ms": 1_001}, {"params": {"lanes_max": 4}}, {"accounts": []}],
)
def test_every_change_gives_another_hash_and_domain(changes: Document) -> None:
    first, second = parse_genesis(build()), parse_genesis(build(**changes))
    assert first.hash != second.hash
    assert first.domain != second.domain


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"chain_id": ""}, "chain_id"),
        ({"chain_id": "é" * 33}, "chain_id"),
        ({"chain_id": 7}, "chain_id"),
        ({"time_ms": -1}, "time_ms"),
        ({"time_ms": 1.5}, "time_ms"),
        ({"time_ms": True}, "time_ms"),
        ({"time_ms": 2**63}, "time_ms"),
        ({"fork_epoch": None}, "fork_epoch"),
        ({"params": []}, "params"),
        ({"params": {"lanes_max": "4"}}, "params.lanes_max"),
        ({"seats": []}, "seats"),
        ({"seats": None}, "seats"),
        ({"seats": ["v0"]}, "seats[0]"),
        ({"seats": [{"name": "v0", "public_key": "xy", "proof": ""}]}, "seats[0].owner"),
        ({"accounts": {}}, "accounts"),
        ({"accounts": [{"address": format_address(ALICE)}]}, "accounts[0].balance"),
        ({"accounts": [{"address": "qr1nonsense", "balance": 1}]}, "accounts[0].address"),
        ({"accounts": [{"address": 7, "balance": 1}]}, "accounts[0].address"),
        ({"accounts": [7]}, "accounts[0]"),
        ({"accounts": [{"address": format_address(ALICE), "balance": 2**63}]}, BALANCE),
        ({"accounts": [{"address": format_address(ALICE), "balance": True}]}, BALANCE),
        ({"accounts": [{"address": format_address(ALICE), "balance": float("nan")}]}, BALANCE),
        ({"accounts": [{**grant(ALICE), "memo": ""}]}, "accounts[0].memo"),
        ({"next_seats": []}, "next_seats"),
        ({"candidates": {}}, "candidates"),
        ({"candidates": [None]}, "candidates[0]"),
        ({"fork_epoch": 2**32}, "fork_epoch"),
        ({"accounts": [{"address": format_address(ALICE), "balance": -1}]}, "accounts[0].balance"),
        ({"accounts": [{"address": format_address(ALICE), "balance": 1.0}]}, "accounts[0].balance"),
        (
            {"accounts": [{"address": format_address(TREASURY), "balance": 1}]},
            "accounts[0].address",
        ),
        (
            {"accounts": [{"address": format_address(ALICE), "balance": 1}] * 2},
            "accounts[1].address",
        ),
        ({"wealth": 1}, "wealth"),
    ],
)
def test_what_is_wrong_is_named_by_its_field(changes: Document, field: str) -> None:
    with pytest.raises(InvalidGenesis) as caught:
        parse_genesis(build(**changes))
    assert caught.value.fields() == {"field": field}


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "7", '{"chain_id": "a"', "[" * 100_000, '{"chain_id": "\\ud800"}']
)
def test_what_is_no_document_is_refused(text: str) -> None:
    with pytest.raises(InvalidGenesis) as caught:
        parse_genesis(text)
    assert caught.value.fields() == {"field": "(document)"}


@pytest.mark.parametrize(
    "field", ["chain_id", "time_ms", "fork_epoch", "params", "seats", "accounts"]
)
def test_no_field_may_be_left_out(field: str) -> None:
    document = json.loads(build())
    del document[field]
    with pytest.raises(InvalidGenesis) as caught:
        parse_genesis(json.dumps(document))
    assert caught.value.fields() == {"field": field}


def swap_keys(seats: list[Document]) -> None:
    seats[0]["public_key"], seats[1]["public_key"] = seats[1]["public_key"], seats[0]["public_key"]


def rename(seats: list[Document]) -> None:
    seats[0]["name"] = "mallory"


def repeat(seats: list[Document]) -> None:
    seats[1] = seats[0]


def name_alike(seats: list[Document]) -> None:
    seats[1] = build_seat_entry("chain", "v0", KEYS[1])


def prove_for_another_chain(seats: list[Document]) -> None:
    seats[0] = build_seat_entry("other", "v0", KEYS[0])


@pytest.mark.parametrize(
    ("spoil", "field"),
    [
        (swap_keys, "seats[0].proof"),
        (rename, "seats[0].proof"),
        (prove_for_another_chain, "seats[0].proof"),
        (repeat, "seats[1].owner"),
        (name_alike, "seats[1].name"),
    ],
)
def test_a_seat_must_prove_its_key_for_its_name_and_chain_and_be_unique(
    spoil: Callable[[list[Document]], None], field: str
) -> None:
    seats = json.loads(build())["seats"]
    spoil(seats)
    with pytest.raises(InvalidGenesis) as caught:
        parse_genesis(build(seats=seats))
    assert caught.value.fields() == {"field": field}


def test_the_supply_is_bounded() -> None:
    entries = [
        {"address": format_address(ALICE), "balance": SUPPLY_MAX},
        {"address": format_address(BOB), "balance": 1},
    ]
    assert parse_genesis(build(accounts=entries[:1])).supply == SUPPLY_MAX
    with pytest.raises(InvalidGenesis, match="more than"):
        parse_genesis(build(accounts=entries))


def test_a_repeated_json_name_is_refused() -> None:
    """Two parsers may take different ones of the two, and start from different chains."""
    text = build().replace('"time_ms": 1000', '"time_ms": 1000, "time_ms": 2000')
    with pytest.raises(InvalidGenesis):
        parse_genesis(text)


def test_numbers_that_other_languages_round_are_refused() -> None:
    for number in ("1e3", "1000.0", "NaN", "Infinity"):
        with pytest.raises(InvalidGenesis):
            parse_genesis(build().replace('"time_ms": 1000', f'"time_ms": {number}'))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "n" * 65),
        ("public_key", "00" * 31),
        ("public_key", KEYS[0].public_key.hex().upper()),
        ("public_key", "zz" * 32),
        ("proof", "00" * 64),
        ("owner", format_address(TREASURY)),
        ("owner", "nobody"),
        ("operator", 7),
        ("commission_bp", 10_001),
        ("commission_bp", -1),
        ("stake", 2**63),
        ("stake", "5"),
        ("description", "é" * 129),
        ("description", None),
        ("secret", "s"),
    ],
)
def test_a_candidate_is_named_with_the_field_that_is_wrong(field: str, value: object) -> None:
    keys = [SigningKey(bytes([n]) * 32) for n in (50, 51)]
    entry = {**build_seat_entry("chain", "c", keys[0]), field: value}
    other = build_seat_entry("chain", "d", keys[1])
    document = {**json.loads(build()), "candidates": [other, entry]}
    with pytest.raises(InvalidGenesis) as caught:
        parse_genesis(json.dumps(document))
    assert caught.value.field == f"candidates[1].{field}"


def test_all_faults_are_told_at_once_each_with_its_field() -> None:
    document = json.loads(build(time_ms=-1, wealth=1))
    document["seats"][2]["proof"] = document["seats"][1]["proof"]
    document["params"] = {"lanes_max": "x", "nothing": 1, "seats_max": 0}
    document["accounts"].append({"address": "qr1", "balance": -5})
    found = inspect_genesis(json.dumps(document))
    assert found.genesis is None
    assert {fault.field for fault in found.faults} == {
        "time_ms", "wealth", "seats[2].proof", "params.lanes_max", "params.nothing",
        "params.seats_max", "accounts[2].address", "accounts[2].balance",
    }  # fmt: skip


def test_faults_are_bounded() -> None:
    entries = [{"address": "qr1", "balance": -5}] * FAULTS_MAX
    assert len(inspect_genesis(build(accounts=entries)).faults) == FAULTS_MAX


def test_a_proof_counts_for_one_fork_only() -> None:
    """So nobody is drafted into a fork by an old entry."""
    seats = [build_seat_entry("chain", "v", KEYS[0])]
    assert parse_genesis(build(seats=seats)).fork_epoch == 0
    with pytest.raises(InvalidGenesis) as caught:
        parse_genesis(build(seats=seats, fork_epoch=1))
    assert caught.value.field == "seats[0].proof"
    ready = [build_seat_entry("chain", "v", KEYS[0], fork_epoch=1)]
    assert parse_genesis(build(seats=ready, fork_epoch=1)).fork_epoch == 1


PARENT: Document = {
    "genesis_hash": "01" * 32, "fork_epoch": 2, "height": 70, "epoch": 5, "block": "02" * 32,
    "write_digest": "03" * 32,
}  # fmt: skip
STATE: Document = {"hash": "04" * 32, "records": 9, "supply": 1_000}


def build_fork(**changes: Any) -> str:
    seats = [build_seat_entry("chain", f"v{n}", key, fork_epoch=3) for n, key in enumerate(KEYS)]
    fields = {"seats": seats, "accounts": [], "fork_epoch": 3, "parent": PARENT, "state": STATE}
    return build(**{**fields, **changes})


def test_a_fork_goes_on_above_its_parent_in_height_and_epoch() -> None:
    genesis = parse_genesis(build_fork())
    assert (genesis.height, genesis.epoch, genesis.supply) == (70, 7, 1_000)
    assert [each.epoch for each in genesis.sets] == [7, 8]
    assert genesis.start == EpochStart(7, 70, 1_000, genesis.hash)
    header = genesis.root.header
    assert (header.height, header.epoch, header.executed.height) == (70, 7, 70)
    assert header.executed.next_set_hash == genesis.sets[1].hash
    assert genesis.root.digest == genesis.hash == genesis.origin.compute_genesis_hash()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"parent": None}, "parent"),
        ({"state": None}, "state"),
        ({"fork_epoch": 2}, "seats[0].proof"),
        ({"parent": {**PARENT, "fork_epoch": 3}}, "fork_epoch"),
        ({"parent": {**PARENT, "height": 0}}, "parent.height"),
        ({"parent": {**PARENT, "epoch": 2**48 + 1}}, "parent.epoch"),
        ({"parent": {**PARENT, "block": "02"}}, "parent.block"),
        ({"parent": {**PARENT, "more": 1}}, "parent.more"),
        ({"state": {**STATE, "hash": "xy"}}, "state.hash"),
        ({"state": {**STATE, "supply": 2**63}}, "state.supply"),
        ({"state": {**STATE, "records": 0}}, "state.records"),
        ({"accounts": [grant(ALICE)]}, "accounts"),
    ],
)
def test_what_is_wrong_with_a_fork_is_named_by_its_field(changes: Document, field: str) -> None:
    with pytest.raises(InvalidGenesis) as caught:
        parse_genesis(build_fork(**changes))
    assert caught.value.field == field


def test_every_word_of_the_parent_gives_another_domain() -> None:
    domains = {parse_genesis(build_fork()).domain}
    for name, value in PARENT.items():
        other = value - 1 if isinstance(value, int) else "0f" * 32
        domains.add(parse_genesis(build_fork(parent={**PARENT, name: other})).domain)
    assert len(domains) == 1 + len(PARENT)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
paths = st.sampled_from(
    ["chain_id", "time_ms", "fork_epoch", "params", "seats", "next_seats", "candidates", "accounts",
     "parent", "state"]
)  # fmt: skip


@given(paths, json_values)
def test_any_value_in_any_field_gives_a_genesis_or_named_faults(name: str, value: object) -> None:
    found = inspect_genesis(build(**{name: value}))
    assert (found.genesis is None) == bool(found.faults)
    assert all(fault.field for fault in found.faults)


@given(st.text())
def test_any_text_gives_named_faults(text: str) -> None:
    found = inspect_genesis(text)
    assert found.genesis is None
    assert found.faults[0].field
