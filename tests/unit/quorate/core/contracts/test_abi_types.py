"""Types of contracts are read as the ABI writes them, and strangers' types are bounded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quorate.core.contracts.abi_types import (
    DEPTH_MAX,
    ZERO_BYTES_MAX,
    ListOf,
    MapOf,
    Records,
    Scalar,
    WrongType,
    compute_zero_bytes,
    format_type,
    parse_type,
)
from quorate.core.contracts.values import compute_zero, encode
from tests.unit.quorate.core.contracts.values_strategies import RECORDS, list_types


def test_types_are_trees() -> None:
    address, byte = Scalar("Address"), Scalar("u8")
    assert parse_type("u64") == Scalar("u64")
    assert parse_type("Map[Address, List[u8]]") == MapOf(address, ListOf(byte))
    assert parse_type("Map[ Address,Map[u8,u8] ]") == MapOf(address, MapOf(byte, byte))
    lot = parse_type("Lot", RECORDS)
    assert (lot.name, lot.names) == ("Lot", ("offer", "bids", "open"))
    assert lot.items[0].names == ("seller", "price", "tags")


@given(list_types())
def test_what_is_formatted_parses_to_the_same(text: str) -> None:
    found = parse_type(text, RECORDS)
    assert parse_type(format_type(found), RECORDS) == found
    assert len(encode(found, compute_zero(found), "zero")) == compute_zero_bytes(found)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "ends too early"),
        ("u16", "has 'u16'"),
        ("u64 u64", "goes on"),
        ("List", "ends too early"),
        ("List[u8", "ends too early"),
        ("List[u8,u8]", "List of 2"),
        ("tuple[]", "has ']'"),
        ("tuple[u8 u8]", "lacks a ']'"),
        ("List[Map[u8, u8]]", "only a variable"),
        ("Map[Map[u8, u8], u8]", "only a variable"),
        ("Map[u8, Map[u8, Map[u8, u8]]]", "only a variable"),
        ("Map[u8]", "lacks a ','"),
        ("Offer", "neither a type"),
        ("u64\0", "goes on"),
        ("ü64", "ends too early"),
        ("List[" * 500 + "u8" + "]" * 500, "1024 letters"),
        ("List[" * 20 + "u8" + "]" * 20, f"{DEPTH_MAX} deep"),
    ],
)
def test_other_texts_are_refused(text: str, why: str) -> None:
    with pytest.raises(WrongType) as raised:
        parse_type(text)
    assert why in raised.value.message


@given(st.text(alphabet="u8Map[],List tuple", max_size=60))
def test_any_text_is_a_type_or_refused(text: str) -> None:
    try:
        found = parse_type(text)
    except WrongType:
        return
    assert parse_type(format_type(found)) == found


@pytest.mark.parametrize(
    "records",
    [
        {"A": (("next", "A"),)},
        {"A": (("next", "List[B]"),), "B": (("next", "A"),)},
        {"A": ()},
        {"A": (("all", "Map[u8, u8]"),)},
        {chr(65 + i): (("a", chr(66 + i)),) for i in range(25)},
    ],
)
def test_records_that_hold_themselves_or_nothing_are_refused(records) -> None:
    with pytest.raises(WrongType):
        parse_type("A", records)


def test_a_type_that_explodes_is_refused_at_once() -> None:
    wide = {f"R{i}": tuple([(f"f{k}", f"R{i + 1}") for k in range(50)]) for i in range(6)}
    wide["R6"] = (("x", "u128"),)
    with pytest.raises(WrongType, match=str(ZERO_BYTES_MAX)):
        parse_type("R0", wide)
    records = Records(wide)
    assert records.resolve("R5").zero_bytes == 50 * 16
    with pytest.raises(WrongType):
        records.resolve("tuple[" + ", ".join(["R5"] * 21) + "]")
