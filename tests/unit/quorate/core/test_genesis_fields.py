"""Fields read as what they are, or as a fault that has their name."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quorate.core.genesis_fields import DOCUMENT_BYTES_MAX, Faults, Fields, load_document
from quorate.core.values import Address, format_address

ADDRESS = Address(b"\5" * 32)


def fields_of(document: object) -> tuple[Fields, Faults]:
    faults = Faults()
    return Fields(document, "", faults), faults


def test_reading_goes_on_after_a_fault() -> None:
    fields, faults = fields_of({"a": "x", "b": 7, "list": [{"c": -1}, 5, {"c": 2}]})
    assert fields.integer("a") == 0
    assert fields.integer("b") == 7
    assert [each.integer("c") for each in fields.objects("list", 3)] == [0, 0, 2]
    assert [fault.field for fault in faults.found] == ["a", "list[0].c", "list[1]"]
    assert not fields.is_sound


@pytest.mark.parametrize("value", [True, 1.0, math.nan, math.inf, "1", None, -1, 2**63, [], {}])
def test_what_is_no_integer_within_bounds_is_a_fault(value: object) -> None:
    fields, faults = fields_of({"n": value})
    assert fields.integer("n") == 0
    assert [fault.field for fault in faults.found] == ["n"]


@pytest.mark.parametrize("value", [7, None, "", "four!", "é" * 3, "\ud800" * 2, b"four"])
def test_what_is_no_text_within_bounds_is_a_fault(value: object) -> None:
    fields, faults = fields_of({"t": value})
    assert fields.text("t", 1, 4) == ""
    assert len(faults.found) == 1


@pytest.mark.parametrize("value", ["AB", "a", "abc", "abcd", "zz", " ab", "0xab", 7, None])
def test_what_is_not_the_one_hex_text_is_a_fault(value: object) -> None:
    fields, faults = fields_of({"h": value})
    assert fields.hex("h", 1) == b"\0"
    assert len(faults.found) == 1


def test_defaults_stand_for_what_is_left_out_but_not_for_what_is_wrong() -> None:
    fields, faults = fields_of({"wrong": None})
    assert fields.integer("n", default=5) == 5
    assert fields.text("t", 0, 9, default="x") == "x"
    assert fields.address("a", default=ADDRESS) == ADDRESS
    assert not faults.found
    fields.integer("wrong", default=5)
    fields.text("wrong", 0, 9, default="x")
    fields.address("wrong", default=ADDRESS)
    assert len(faults.found) == 3


def test_what_is_missing_is_a_fault_without_a_default() -> None:
    fields, faults = fields_of({})
    fields.integer("n")
    fields.text("t", 0, 9)
    fields.hex("h", 1)
    fields.address("a")
    list(fields.objects("l", 1))
    fields.object("o")
    assert [fault.field for fault in faults.found] == ["n", "t", "h", "a", "l", "o"]


def test_a_document_that_is_none_is_one_fault() -> None:
    for text in ("[]", "7", "{", "x" * 10, '{"a": 1, "a": 2}', '{"a": ' + "9" * 5_000 + "}"):
        faults = Faults()
        fields = load_document(text, faults)
        fields.integer("n")
        fields.object("o").text("t", 1, 2)
        assert [fault.field for fault in faults.found] == ["(document)"]


def test_a_document_that_is_too_large_is_not_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert DOCUMENT_BYTES_MAX >= 2**20
    monkeypatch.setattr("quorate.core.genesis_fields.DOCUMENT_BYTES_MAX", 9)
    faults = Faults()
    load_document('{"a": 1  }', faults)
    assert "larger" in faults.found[0].why


@given(st.binary(min_size=32, max_size=32).map(Address), st.integers(0, 2**63 - 1))
def test_what_is_right_reads_as_it_is(address: Address, number: int) -> None:
    document = {"a": format_address(address), "n": number, "h": address.hex()}
    fields, faults = fields_of(document)
    assert (fields.address("a"), fields.integer("n")) == (address, number)
    assert fields.hex("h", 32) == address
    assert not faults.found
