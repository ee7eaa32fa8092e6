"""Values go to bytes as the ABI says and come back; whatever is not of its type is named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quorate.core.contracts.values import (
    WrongValue,
    decode_fields,
    decode_value,
    encode_fields,
    encode_value,
)
from quorate.core.errors import InvalidInput, MalformedBytes
from tests.unit.quorate.core.contracts.values_strategies import RECORDS, list_types, typed_values

A = b"a" * 32


@pytest.mark.parametrize(
    ("type_", "value", "data"),
    [
        ("bool", True, "01"),
        ("u8", 255, "ff"),
        ("u32", 1, "01000000"),
        ("u64", 258, "0201000000000000"),
        ("i64", -2, "feffffffffffffff"),
        ("u128", 1, "01" + "00" * 15),
        ("Address", A, A.hex()),
        ("bytes", b"\1\2", "020000000102"),
        ("str", "é", "02000000c3a9"),
        ("List[u8]", [1, 2, 3], "03000000010203"),
        ("tuple[u8, bool]", (7, False), "0700"),
        ("Offer", {"seller": A, "price": 5, "tags": ["x"]},
         A.hex() + "0500000000000000" + "01000000" + "0100000078"),
    ],
)  # fmt: skip
def test_encodings_are_those_of_the_document(type_: str, value, data: str) -> None:
    assert encode_value(type_, value, RECORDS).hex() == data
    assert decode_value(type_, bytes.fromhex(data), RECORDS) == value


@given(typed_values())
def test_every_value_comes_back(pair) -> None:
    type_, value = pair
    data = encode_value(type_, value, RECORDS)
    found = decode_value(type_, data, RECORDS)
    assert found == value
    assert encode_value(type_, found, RECORDS) == data


@given(typed_values(), st.integers(0, 2**16), st.booleans())
def test_bytes_cut_off_or_added_are_refused(pair, place: int, is_cut: bool) -> None:
    type_, value = pair
    data = encode_value(type_, value, RECORDS)
    spoilt = data[: place % len(data)] if is_cut else data + b"\0"
    with pytest.raises(MalformedBytes):
        decode_value(type_, spoilt, RECORDS)


@given(list_types(), st.binary(max_size=200))
def test_any_bytes_are_a_value_of_exactly_these_bytes_or_refused(type_: str, data: bytes) -> None:
    try:
        value = decode_value(type_, data, RECORDS)
    except MalformedBytes:
        return
    assert encode_value(type_, value, RECORDS) == data


def test_a_count_that_lies_costs_nothing() -> None:
    for type_ in ("List[u8]", "List[List[List[Address]]]", "bytes", "str"):
        with pytest.raises(MalformedBytes):
            decode_value(type_, b"\xff\xff\xff\xff" + b"\0" * 32)


@pytest.mark.parametrize(
    ("type_", "value", "place"),
    [
        ("u64", -1, "value"),
        ("u64", 2**64, "value"),
        ("u64", True, "value"),
        ("u64", 1.0, "value"),
        ("u64", "1", "value"),
        ("u64", None, "value"),
        ("i64", 2**63, "value"),
        ("bool", 1, "value"),
        ("Address", b"a" * 31, "value"),
        ("Address", "a" * 32, "value"),
        ("bytes", bytearray(b"x"), "value"),
        ("str", b"x", "value"),
        ("str", "\ud800", "value"),
        ("List[u8]", [1, 256], "value[1]"),
        ("List[u8]", "ab", "value"),
        ("tuple[u8, bool]", (1,), "value"),
        ("tuple[u8, bool]", (1, 2), "value[1]"),
        ("Offer", {"seller": A, "price": 5}, "value"),
        ("Offer", {"seller": A, "price": 5, "tags": [], "x": 1}, "value"),
        ("List[Lot]", [((A, 1, ["x", 5]), [], True)], "value[0].offer.tags[1]"),
        ("Map[u8, u8]", {1: 2}, "value"),
    ],
)  # fmt: skip
def test_wrong_values_are_named_with_what_was_expected(type_: str, value, place: str) -> None:
    with pytest.raises(WrongValue) as raised:
        encode_value(type_, value, RECORDS)
    assert raised.value.fields()["parameter"] == place
    assert raised.value.fields()["expected"]
    assert isinstance(raised.value, InvalidInput)
    assert len(raised.value.message) < 300


def test_a_number_too_long_to_be_shown_is_refused_like_others() -> None:
    with pytest.raises(WrongValue, match="thousands of digits"):
        encode_value("u64", 10**6000)


def test_a_record_may_be_given_as_a_tuple() -> None:
    by_field = {"seller": A, "price": 5, "tags": ["x"]}
    assert encode_value("Offer", (A, 5, ["x"]), RECORDS) == encode_value("Offer", by_field, RECORDS)


def test_fields_stand_one_after_the_other() -> None:
    fields = (("to", "Address"), ("amount", "u64"))
    data = encode_fields(fields, [A, 5])
    assert data == A + (5).to_bytes(8, "little")
    assert decode_fields(fields, data) == {"to": A, "amount": 5}
    for values in ([], [A], [A, 5, 6]):
        with pytest.raises(WrongValue, match="to: Address, amount: u64"):
            encode_fields(fields, values)
    with pytest.raises(WrongValue) as raised:
        encode_fields(fields, [A, "5"])
    assert raised.value.fields()["parameter"] == "amount"
    with pytest.raises(MalformedBytes, match="too many"):
        decode_fields((), b"x")
