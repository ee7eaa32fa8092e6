"""Interfaces are read whole or refused, and records of state are named by them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quorate.core.contracts.abi_types import MapOf
from quorate.core.contracts.values import WrongValue, encode, encode_fields
from quorate.core.errors import NotFound
from quorate.sdk.contract_interface import (
    INTERFACE_BYTES_MAX,
    WrongInterface,
    compute_key,
    compute_prefix,
    decode_event,
    decode_record,
    parse_interface,
)
from tests.unit.quorate.core.contracts.values_strategies import (
    INTERFACE,
    encode_interface,
    list_values,
)

A, B = b"a" * 32, b"b" * 32
MARKET = parse_interface(encode_interface())


def test_an_interface_has_all_that_stands_in_it() -> None:
    assert (MARKET.name, MARKET.language) == ("Market", "python")
    assert MARKET.constructor.parameters == (("supply", "u64"),)
    method = MARKET.find_method("transfer")
    assert (method.returns, method.view, method.doc) == ("bool", False, "Send tokens.")
    assert MARKET.find_method("balance_of").view
    assert MARKET.find_variable("balances") == "Map[Address, u64]"
    assert list(MARKET.events) == ["Transferred"]
    for find in (MARKET.find_method, MARKET.find_variable):
        with pytest.raises(NotFound, match="there are: "):
            find("nothing")


def test_what_is_left_out_is_empty() -> None:
    interface = parse_interface(b'{"abi":1}')
    assert (interface.methods, interface.variables, interface.events) == ((), (), {})
    assert interface.constructor.parameters == ()


@pytest.mark.parametrize(
    "changes",
    [
        {"abi": 2},
        {"abi": None},
        {"name": 5},
        {"records": {"Offer": [["a", "Nothing"]]}},
        {"records": {"u64": [["a", "u8"]]}},
        {"records": {"A": [["a", "A"]]}},
        {"records": []},
        {"variables": [["owner", "Address"], ["owner", "u64"]]},
        {"variables": [["owner", 5]]},
        {"variables": [["ow ner", "u8"]]},
        {"variables": [["a" * 65, "u8"]]},
        {"variables": "none"},
        {"constructor": {"parameters": [["all", "Map[u8, u8]"]]}},
        {"methods": [{"name": "a"}, {"name": "a"}]},
        {"methods": [{"name": "a", "returns": "u16"}]},
        {"methods": [{"name": "a", "view": 1}]},
        {"methods": [{"parameters": []}]},
        {"methods": ["a"]},
        {"events": [{"name": "a", "fields": [["x", "what"]]}]},
        {"events": [5]},
    ],
)
def test_a_wrong_interface_is_refused(changes) -> None:
    with pytest.raises(WrongInterface):
        parse_interface(encode_interface(**changes))


@pytest.mark.parametrize(
    "data",
    [b"", b"\xff", b"[]", b"5", b"[" * 10_000, b'{"abi":1}' + b" " * INTERFACE_BYTES_MAX],
)
def test_what_is_no_interface_at_all_is_refused(data: bytes) -> None:
    with pytest.raises(WrongInterface):
        parse_interface(data)


_documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just("u64"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "fields", "parameters", "a"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.sampled_from([name for name in INTERFACE if name != "abi"]), _documents)
def test_any_document_is_an_interface_or_refused(member: str, document) -> None:
    try:
        found = parse_interface(encode_interface(**{member: document}))
    except WrongInterface:
        return
    assert found.records is not None


@given(st.data())
def test_records_of_state_are_named(data) -> None:
    name, text = data.draw(st.sampled_from(MARKET.variables))
    type_, keys = MARKET.records.resolve(text), []
    while isinstance(type_, MapOf):
        keys.append(data.draw(list_values(type_.key)))
        type_ = type_.value
    value = data.draw(list_values(type_))
    key = compute_key(MARKET, name, *keys)
    assert key.startswith(compute_prefix(name))
    assert decode_record(MARKET, key, encode(type_, value, "")) == (name, tuple(keys), value)


@given(st.binary(max_size=60), st.binary(max_size=40))
def test_records_of_another_layout_have_no_name(key: bytes, value: bytes) -> None:
    found = decode_record(MARKET, key, value)
    assert found is None or compute_key(MARKET, found.variable, *found.keys) == key


def test_keys_of_no_or_too_many_parts_are_refused() -> None:
    for variable, keys in (("owner", (A,)), ("balances", ()), ("allowances", (A,))):
        with pytest.raises(WrongValue):
            compute_key(MARKET, variable, *keys)
    with pytest.raises(WrongValue) as raised:
        compute_key(MARKET, "lots", -1)
    assert raised.value.fields()["parameter"] == "lots[-1]"


def test_events_have_their_fields_or_none() -> None:
    data = encode_fields(MARKET.events["Transferred"], [A, B, 5])
    assert decode_event(MARKET, "Transferred", data) == {"source": A, "to": B, "amount": 5}
    assert decode_event(MARKET, "Transferred", data[:-1]) is None
    assert decode_event(MARKET, "Other", data) is None


def test_the_interface_of_the_document_parses() -> None:
    document = json.loads(encode_interface())
    assert parse_interface(json.dumps(document, indent=2).encode()).name == "Market"
