"""A genesis is checked whole, and what is wrong in it is named by its field."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from quorate.core.crypto import SigningKey, compute_domain
from quorate.core.errors import InvalidGenesis
from quorate.core.genesis import build_genesis, build_seat_entry, parse_genesis
from quorate.core.params import SUPPLY_MAX, Params
from quorate.core.values import TREASURY, format_address

KEYS = [SigningKey(bytes([n]) * 32) for n in range(4)]
ALICE, BOB = bytes(32), b"\1" * 32

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
    [{"time_ms": 1_001}, {"fork_epoch": 1}, {"params": {"lanes_max": 4}}, {"accounts": []}],
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
        ({"accounts": [{"address": format_address(ALICE)}]}, "accounts[0]"),
        ({"accounts": [{"address": "qr1nonsense", "balance": 1}]}, "accounts[0]"),
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
        (repeat, "seats[1]"),
        (name_alike, "seats[1]"),
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
