"""Parts of a genesis give the same document whoever puts them together, or named faults."""

import json
import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quorate.core.crypto import SigningKey
from quorate.core.genesis import Terms, build_seat_entry, inspect_genesis, parse_genesis
from quorate.core.genesis_parts import Part, assemble, read_part, write_part
from quorate.core.params import Params
from quorate.core.values import TREASURY, Address, format_address

CHAIN = "town"
PARAMS = Params(self_stake_min=10, seats_max=3)
HEAD = Part(CHAIN, 0, 1_000, PARAMS, (), ())


def make_address(number: int) -> Address:
    return Address(number.to_bytes(32, "big"))


def make_candidate(number: int, stake: int, **changes: object) -> Part:
    key = SigningKey(bytes([number]) * 32)
    fork_epoch = int(str(changes.pop("fork_epoch", 0)))
    terms = Terms(owner=make_address(number), stake=stake)
    entry = build_seat_entry(CHAIN, f"v{number}", key, terms, fork_epoch=fork_epoch)
    changed: dict[str, Any] = {**entry, **changes}
    return Part(CHAIN, fork_epoch, None, None, (), (changed,))


def make_account(number: int, balance: int = 5) -> Part:
    return Part(CHAIN, 0, None, None, ((make_address(number), balance),), ())


PARTS = [HEAD, *[make_candidate(n, 10 * n) for n in range(1, 6)], make_account(7), make_account(3)]


def fields_of(*parts: Part) -> set[str]:
    text, faults = assemble({f"p{index}": part for index, part in enumerate(parts)})
    assert (text == "") == bool(faults.found)
    return {fault.field for fault in faults.found}


def test_any_order_and_any_names_give_the_same_genesis(rng: random.Random) -> None:
    texts = set()
    for _ in range(20):
        parts = rng.sample(PARTS, len(PARTS))
        text, faults = assemble({str(rng.random()): part for part in parts})
        assert not faults.found
        texts.add(text)
    assert len(texts) == 1


def test_parts_that_were_joined_before_give_the_same_genesis() -> None:
    """An organiser may gather what a later one gets one by one."""
    candidates = tuple(entry for part in PARTS for entry in part.candidates)
    balances = tuple(balance for part in PARTS for balance in part.balances)
    joined = replace(HEAD, candidates=candidates, balances=balances)
    again, faults = read_part(write_part(joined))
    assert not faults.found
    assert assemble({"all": again})[0] == assemble(dict(enumerate_names()))[0]


def enumerate_names() -> list[tuple[str, Part]]:
    return [(f"p{index}", part) for index, part in enumerate(PARTS)]


def test_seats_go_to_most_stake_and_ties_to_the_lower_address() -> None:
    parts = [HEAD, *[make_candidate(n, 50) for n in (9, 4, 6, 5)], make_candidate(2, 60)]
    genesis = parse_genesis(assemble({f"p{i}": part for i, part in enumerate(parts)})[0])
    assert [seat.name for seat in genesis.seats] == ["v2", "v4", "v5"]
    assert sorted(each.name for _, each in genesis.candidates) == ["v2", "v4", "v5", "v6", "v9"]


def test_who_has_too_little_stake_gets_no_seat() -> None:
    text, _ = assemble({"h": HEAD, "a": make_candidate(1, 10), "b": make_candidate(2, 9)})
    genesis = parse_genesis(text)
    assert [seat.name for seat in genesis.seats] == ["v1"]
    assert len(genesis.candidates) == 2


def test_what_is_assembled_is_a_genesis_without_faults() -> None:
    text, _ = assemble(dict(enumerate_names()))
    assert inspect_genesis(text).faults == ()


@pytest.mark.parametrize(
    ("more", "fields"),
    [
        (make_account(7), {"p8: accounts"}),
        (replace(make_account(8), chain_id="city"), {"p8: chain_id"}),
        (make_candidate(8, 10, fork_epoch=1), {"p8: fork_epoch"}),
        (replace(HEAD, time_ms=7), {"p8: time_ms"}),
        (replace(HEAD, params=Params()), {"p8: params"}),
        (make_candidate(9, 10, name="v1"), {"p8: candidates[0].name"}),
        (make_candidate(9, 10, owner=format_address(make_address(1))), {"p8: candidates[0].owner"}),
        (PARTS[1], {f"p8: candidates[0].{name}" for name in ("owner", "public_key", "name")}),
    ],
)
def test_what_does_not_fit_together_is_named_by_file_and_field(
    more: Part, fields: set[str]
) -> None:
    assert fields_of(*PARTS, more) == fields


def test_what_is_in_no_part_is_named() -> None:
    assert fields_of() == {"(parts)"}
    assert fields_of(make_account(1)) == {"time_ms", "params"}
    assert fields_of(HEAD, make_account(1)) == {"candidates"}


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("{}", "chain_id"),
        ("[]", "(document)"),
        ("{", "(document)"),
        ('{"chain_id": "town", "seed": "00"}', "seed"),
        ('{"chain_id": "town", "phrase": "a b c"}', "phrase"),
        ('{"chain_id": "town", "seats": []}', "seats"),
        ('{"chain_id": "town", "time_ms": NaN}', "time_ms"),
        ('{"chain_id": "town", "time_ms": 1e3}', "time_ms"),
        ('{"chain_id": "town", "time_ms": ' + "9" * 5_000 + "}", "(document)"),
        ('{"chain_id": "town", "fork_epoch": -1}', "fork_epoch"),
        ('{"chain_id": "town", "params": {"seats_max": 513}}', "params.seats_max"),
        ('{"chain_id": "town", "params": {"seats": 1}}', "params.seats"),
        ('{"chain_id": "town", "accounts": [{"address": "qr1", "balance": 1}]}',
         "accounts[0].address"),
        ('{"chain_id": "town", "candidates": 1}', "candidates"),
    ],
)  # fmt: skip
def test_a_part_that_is_wrong_is_named_by_its_field(text: str, field: str) -> None:
    _, faults = read_part(text)
    assert [fault.field for fault in faults.found] == [field]
    _, faults = read_part(text, "alice.json")
    assert [fault.field for fault in faults.found] == [f"alice.json: {field}"]


def test_a_secret_is_told_but_not_shown() -> None:
    _, faults = read_part('{"chain_id": "town", "seed": "c0ffee"}')
    assert "secret" in faults.found[0].message
    assert "c0ffee" not in faults.found[0].message


def test_an_entry_that_stands_twice_in_a_part_is_named() -> None:
    twice = replace(PARTS[1], candidates=PARTS[1].candidates * 2)
    _, faults = read_part(write_part(twice))
    names = {"owner", "public_key", "name"}
    assert {fault.field for fault in faults.found} == {f"candidates[1].{name}" for name in names}


def test_the_treasury_gets_nothing() -> None:
    part = Part(CHAIN, 0, None, None, ((TREASURY, 1),), ())
    _, faults = read_part(write_part(part))
    assert [fault.field for fault in faults.found] == ["accounts[0].address"]


def test_a_proof_for_another_chain_or_fork_is_named() -> None:
    document = json.loads(write_part(PARTS[1]))
    for change in ({"chain_id": "city"}, {"fork_epoch": 1}):
        _, faults = read_part(json.dumps({**document, **change}))
        assert [fault.field for fault in faults.found] == ["candidates[0].proof"]


balances = st.lists(
    st.tuples(st.integers(0, 2**32).map(make_address), st.integers(0, 2**40)),
    unique_by=lambda each: each[0],
)


@given(balances, st.permutations(range(1, 5)))
def test_a_written_part_reads_as_it_was(found: list[tuple[Address, int]], order: list[int]) -> None:
    entries = tuple(make_candidate(n, n).candidates[0] for n in order)
    part = replace(HEAD, balances=tuple(found), candidates=entries)
    text = write_part(part)
    again, faults = read_part(text)
    assert not faults.found
    assert write_part(again) == text
    assert again.balances == tuple(sorted(found))
