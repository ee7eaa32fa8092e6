"""Values of contracts as people type and read them: one text, one value, whatever the type."""

import json
import random
from typing import Any

import pytest

from quorate.cli.contract_words import (
    clean,
    format_signature,
    format_value,
    read_arguments,
    read_value,
)
from quorate.core.contracts.abi_types import Records
from quorate.core.errors import InvalidInput, NotFound, QuorateError
from quorate.core.values import format_address, parse_address
from quorate.sdk.contract_json import to_json
from quorate.sdk.contract_values import decode_value, encode_value
from tests.conftest import SEED

ALICE = bytes(range(32))
RECORDS = Records({"Offer": (("seller", "Address"), ("price", "u64"))})


def resolve(text: str) -> bytes:
    if text == "alice":
        return ALICE
    if text.startswith("qr1"):
        return parse_address(text)
    raise NotFound(f"no key '{text}'", reason="NO_KEY")


def name_of(address: bytes) -> str:
    return "alice" if address == ALICE else ""


def read(kind: str, text: str) -> Any:
    return read_value(RECORDS.resolve(kind), text, resolve)


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("u8", "255", 255), ("u64", "1_000", 1_000), ("u64", "1,000", 1_000), ("u32", "0xff", 255),
        ("i64", "-5", -5), ("u128", str(2**128 - 1), 2**128 - 1), ("bool", "True", True),
        ("bool", "false", False), ("str", "a=b, c", "a=b, c"), ("str", "", ""),
        ("bytes", "0x00ff", b"\x00\xff"), ("bytes", "00FF", b"\x00\xff"), ("bytes", "", b""),
        ("Address", "alice", ALICE), ("Address", format_address(ALICE), ALICE),
        ("List[u64]", "[1, 2]", [1, 2]), ("List[str]", '["1", "x"]', ["1", "x"]),
        ("List[List[u8]]", "[[1], []]", [[1], []]),
        ("tuple[Address, bool]", '["alice", true]', (ALICE, True)),
        ("Offer", '{"price": 5, "seller": "alice"}', (ALICE, 5)),
        ("Offer", '["alice", "5"]', (ALICE, 5)),
        ("List[Offer]", '[{"seller": "alice", "price": 1}]', [(ALICE, 1)]),
    ],
)  # fmt: skip
def test_a_text_is_read_by_its_type(kind: str, text: str, value: Any) -> None:
    assert read(kind, text) == value
    encode_value(kind, value, RECORDS)


@pytest.mark.parametrize(
    ("kind", "text", "advice"),
    [
        ("u8", "256", "0 to 255"), ("u64", "-1", "0 to"), ("u64", "1.5", "whole number"),
        ("u64", "", "whole number"), ("i64", str(2**63), "to 9,223,372"), ("bool", "1", "true or"),
        ("bytes", "xyz", "hex digits"), ("bytes", "@no/such/file", "cannot read"),
        ("Address", "bob", "no key 'bob'"), ("List[u64]", "1, 2", "[12]"),
        ("List[u64]", '{"a": 1}', "[12]"), ("List[u64]", "[[1]]", "12"),
        ("tuple[u64, u64]", "[1]", "[12, 12]"), ("Offer", '{"price": 5}', '{"seller": "alice"'),
        ("Offer", "5", '{"seller": "alice"'), ("u64", "null", "whole number"),
    ],
)  # fmt: skip
def test_what_is_not_of_its_type_is_refused_with_what_to_give(
    kind: str, text: str, advice: str
) -> None:
    with pytest.raises(QuorateError) as caught:
        read(kind, text)
    assert advice in caught.value.message


FIELDS = (("to", "Address"), ("amount", "u64"), ("memo", "str"))


@pytest.mark.parametrize(
    "texts",
    [
        ["alice", "5", "hi"], ["to=alice", "amount=5", "memo=hi"], ["memo=hi", "alice", "5"],
        ["alice", "memo=hi", "amount=5"],
    ],
)  # fmt: skip
def test_arguments_are_given_by_position_or_name(texts: list[str]) -> None:
    assert read_arguments(FIELDS, texts, RECORDS, resolve, "pay") == [ALICE, 5, "hi"]


def test_an_equals_sign_names_only_parameters_that_there_are() -> None:
    texts = ["alice", "5", "rent=august"]
    assert read_arguments(FIELDS, texts, RECORDS, resolve, "pay")[2] == "rent=august"


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ([], "to, amount, memo missing"), (["alice", "5"], "memo missing"),
        (["alice", "5", "x", "y"], "'y' is too much"),
        (["alice", "5", "x", "to=alice"], "'to=alice' is too much"),
        (["alice", "x", "y"], "argument amount: 'x' is no u64"),
        (["bob", "5", "y"], "argument to: no key 'bob'"),
    ],
)  # fmt: skip
def test_wrong_arguments_name_the_method_and_the_parameter(texts: list[str], said: str) -> None:
    with pytest.raises(QuorateError) as caught:
        read_arguments(FIELDS, texts, RECORDS, resolve, "pay")
    assert caught.value.message.startswith(said)
    if "argument" not in said:
        assert isinstance(caught.value, InvalidInput)
        assert caught.value.message.endswith("pay(to: Address, amount: u64, memo: str)")


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        ("u64", 1_234_567, "1,234,567"), ("i64", -1_000, "-1,000"), ("bool", True, "true"),
        ("str", 'a "b"', '"a \\"b\\""'), ("bytes", b"\1\2", "0x0102"),
        ("bytes", bytes(30), "0x" + "00" * 24 + "… (30 bytes)"), ("Address", bytes(32), "nobody"),
        ("Address", ALICE, f"{format_address(ALICE)} (alice)"), ("List[u8]", [1, 2], "[1, 2]"),
        ("tuple[u8, bool]", (1, False), "(1, false)"),
        ("Offer", {"seller": bytes(32), "price": 5}, "Offer(seller=nobody, price=5)"),
    ],
)  # fmt: skip
def test_values_are_shown_by_their_type(kind: str, value: Any, text: str) -> None:
    assert format_value(RECORDS.resolve(kind), value, name_of) == text


def make_value(kind: str, dice: random.Random) -> Any:
    if kind == "List[Offer]":
        return [make_value("Offer", dice) for _ in range(dice.randrange(4))]
    if kind == "Offer":
        return {"seller": dice.randbytes(32), "price": dice.randrange(2**64)}
    if kind == "tuple[i64, bytes, str]":
        text = "".join(chr(dice.randrange(32, 0xD7FF)) for _ in range(dice.randrange(9)))
        return (dice.randrange(-(2**63), 2**63), dice.randbytes(dice.randrange(9)), text)
    return dice.randrange(2**128)


@pytest.mark.parametrize("kind", ["List[Offer]", "Offer", "tuple[i64, bytes, str]", "u128"])
def test_what_is_printed_as_json_is_read_as_the_same_value(kind: str) -> None:
    dice = random.Random(SEED)
    type_ = RECORDS.resolve(kind)
    for _ in range(50):
        value = make_value(kind, dice)
        document = to_json(kind, value, RECORDS)
        printed = document if isinstance(document, str) else json.dumps(document)
        again = encode_value(kind, read_value(type_, printed, resolve), RECORDS)
        assert decode_value(kind, again, RECORDS) == value, (SEED, printed)


def test_a_strangers_text_moves_no_cursor() -> None:
    assert clean("a\x1b[2Jb\x9bc\r\n") == "a\\x1b[2Jb\\x9bc\\x0d\\x0a"
    assert clean("Grüße, 世界 [bold]") == "Grüße, 世界 [bold]"
    assert "\x9b" not in format_value(RECORDS.resolve("str"), "\x9b2J", name_of)


def test_signatures_read_like_python() -> None:
    assert format_signature("pay", FIELDS[:2], "bool") == "pay(to: Address, amount: u64) → bool"
    assert format_signature("reset", ()) == "reset()"
