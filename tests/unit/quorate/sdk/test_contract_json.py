"""Values as people and JSON write them go in and come out; wrong ones are named."""

import json

import pytest
from hypothesis import given

from quorate.core.contracts.abi_types import Scalar, parse_type
from quorate.core.contracts.values import WrongValue
from quorate.core.values import format_address
from quorate.sdk.contract_json import (
    fields_to_json,
    from_json,
    parse_arguments,
    parse_text,
    to_json,
)
from tests.unit.quorate.core.contracts.values_strategies import RECORDS, typed_values

A = b"a" * 32
TEXT = format_address(A)


@given(typed_values())
def test_every_value_comes_back_from_json(pair) -> None:
    type_, value = pair
    document = json.loads(json.dumps(to_json(type_, value, RECORDS)))
    assert from_json(type_, document, RECORDS) == value


@given(typed_values())
def test_every_value_comes_back_from_a_word(pair) -> None:
    type_, value = pair
    document = to_json(type_, value, RECORDS)
    word = json.dumps(document)
    if isinstance(parse_type(type_, RECORDS), Scalar):
        word = document if isinstance(document, str) else word
    assert parse_text(type_, word, RECORDS) == value


@pytest.mark.parametrize(
    ("type_", "word", "value"),
    [
        ("u64", "5", 5),
        ("i64", "-5", -5),
        ("u128", str(2**128 - 1), 2**128 - 1),
        ("bool", "true", True),
        ("Address", TEXT, A),
        ("Address", "0x" + A.hex(), A),
        ("bytes", "0x", b""),
        ("bytes", "0xFf00", b"\xff\0"),
        ("str", "5", "5"),
        ("str", "", ""),
        ("List[u64]", '[1, "2"]', [1, 2]),
        ("tuple[Address, bool]", f'["{TEXT}", false]', (A, False)),
        ("Offer", f'{{"seller": "{TEXT}", "price": 5, "tags": []}}',
         {"seller": A, "price": 5, "tags": []}),
        ("Offer", f'["{TEXT}", 5, ["x"]]', {"seller": A, "price": 5, "tags": ["x"]}),
    ],
)  # fmt: skip
def test_words_are_read(type_: str, word: str, value) -> None:
    assert parse_text(type_, word, RECORDS) == value


@pytest.mark.parametrize(
    ("type_", "word", "place"),
    [
        ("u64", "", "to"),
        ("u64", "1.5", "to"),
        ("u64", "0x10", "to"),
        ("u64", "１", "to"),
        ("u64", "-1", "to"),
        ("u64", "9" * 41, "to"),
        ("bool", "True", "to"),
        ("Address", "qr1abc", "to"),
        ("Address", TEXT[:-1] + ("q" if TEXT[-1] != "q" else "p"), "to"),
        ("Address", "0x61", "to"),
        ("bytes", "abc", "to"),
        ("bytes", "0xabc", "to"),
        ("List[u64]", "1", "to"),
        ("List[u64]", "[1", "to"),
        ("List[u64]", "[" * 10_000, "to"),
        ("List[u64]", "[1, true]", "to[1]"),
        ("List[u64]", "[1, 1e3]", "to[1]"),
        ("Offer", '{"seller": 1}', "to"),
        ("Offer", f'["{TEXT}", "x", []]', "to[1]"),
        ("tuple[u8]", "{}", "to"),
        ("Map[u8, u8]", "{}", "to"),
    ],
)
def test_wrong_words_are_named(type_: str, word: str, place: str) -> None:
    with pytest.raises(WrongValue) as raised:
        parse_text(type_, word, RECORDS, name="to")
    assert raised.value.fields()["parameter"] == place
    assert len(raised.value.message) < 400


def test_arguments_are_one_word_each() -> None:
    fields = (("to", "Address"), ("amount", "u64"))
    assert parse_arguments(fields, [TEXT, "5"]) == [A, 5]
    with pytest.raises(WrongValue, match="to: Address, amount: u64"):
        parse_arguments(fields, [TEXT])


def test_numbers_that_json_would_spoil_are_text() -> None:
    assert to_json("u128", 5) == "5"
    assert to_json("u64", 5) == 5
    fields = (("who", "Address"), ("data", "bytes"))
    assert fields_to_json(fields, {"who": A, "data": b"\1"}) == {"who": TEXT, "data": "0x01"}
