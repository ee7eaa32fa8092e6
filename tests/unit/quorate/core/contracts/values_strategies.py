"""Random types of contracts, values of them, and an interface for tests."""

import json
from typing import Any

from hypothesis import strategies as st

from quorate.core.contracts.abi_types import INTEGERS, ListOf, Records, Scalar, TupleOf, Type

OFFER = (("seller", "Address"), ("price", "u64"), ("tags", "List[str]"))
LOT = (("offer", "Offer"), ("bids", "List[tuple[Address, u128]]"), ("open", "bool"))
RECORDS = {"Offer": OFFER, "Lot": LOT}

INTERFACE = {
    "abi": 1,
    "name": "Market",
    "language": "python",
    "records": {name: [list(pair) for pair in fields] for name, fields in RECORDS.items()},
    "variables": [
        ["owner", "Address"],
        ["balances", "Map[Address, u64]"],
        ["allowances", "Map[Address, Map[Address, u128]]"],
        ["lots", "Map[u64, Lot]"],
        ["names", "Map[str, bytes]"],
    ],
    "constructor": {"parameters": [["supply", "u64"]], "payable": False, "doc": ""},
    "methods": [
        {
            "name": "transfer",
            "parameters": [["to", "Address"], ["amount", "u64"]],
            "returns": "bool",
            "view": False,
            "payable": False,
            "doc": "Send tokens.",
        },
        {
            "name": "balance_of",
            "parameters": [["who", "Address"]],
            "returns": "u64",
            "view": True,
            "payable": False,
            "doc": "",
        },
    ],
    "events": [
        {
            "name": "Transferred",
            "fields": [["source", "Address"], ["to", "Address"], ["amount", "u64"]],
        }
    ],
}


def encode_interface(**changes: Any) -> bytes:
    """Return the test's interface, with some members changed."""
    return json.dumps({**INTERFACE, **changes}, sort_keys=True, separators=(",", ":")).encode()


scalars = st.sampled_from(["bool", *INTEGERS, "Address", "bytes", "str"])


def list_types() -> st.SearchStrategy[str]:
    """Return texts of types, nested a few times, some with blanks in them."""

    def extend(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        blank = st.sampled_from(["", " "])
        lists = st.builds("List[{1}{0}]".format, inner, blank)
        tuples = st.lists(inner, min_size=1, max_size=4).map(lambda x: f"tuple[{', '.join(x)}]")
        return lists | tuples

    return st.recursive(scalars | st.sampled_from(list(RECORDS)), extend, max_leaves=6)


def list_values(type_: Type) -> st.SearchStrategy[Any]:
    """Return values of a type, as decoding gives them."""
    if isinstance(type_, ListOf):
        return st.lists(list_values(type_.item), max_size=4)
    if isinstance(type_, TupleOf):
        parts = st.tuples(*map(list_values, type_.items))
        if type_.name:
            return parts.map(lambda values: dict(zip(type_.names, values, strict=True)))
        return parts
    assert isinstance(type_, Scalar)
    if type_.name in INTEGERS:
        size, signed = INTEGERS[type_.name]
        low = -(1 << 8 * size - 1) if signed else 0
        return st.integers(low, (1 << 8 * size - signed) - 1)
    return {
        "bool": st.booleans(),
        "Address": st.binary(min_size=32, max_size=32),
        "bytes": st.binary(max_size=40),
        "str": st.text(max_size=20),
    }[type_.name]


@st.composite
def typed_values(draw: st.DrawFn) -> tuple[str, Any]:
    """Return a type and a value of it."""
    text = draw(list_types())
    return text, draw(list_values(Records(RECORDS).resolve(text)))
