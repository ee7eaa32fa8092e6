"""Every type a contract in Java can have travels, is stored, and stays within its range."""

import random
from hashlib import sha256
from typing import Any

import pytest
from nacl.signing import SigningKey  # noqa: TID251

from quorate.lang.testing.failures import reverts
from tests.conftest import SEED
from tests.toolchains.chain import ALICE, BOB, Chain, Deployed

TAG = {"number": 2**64 - 1, "label": "größer"}
LION = {"name": "Leo", "tag": TAG, "wild": True, "marks": [b"", b"\0\xff"]}
NOBODY = {"name": "", "tag": {"number": 0, "label": ""}, "wild": False, "marks": []}


@pytest.fixture
def zoo_at(chain: Chain, zoo: tuple[bytes, bytes]) -> Deployed:
    return chain.deploy(*zoo)


def test_constructor_sets_fields_and_zeros_are_no_records(zoo_at: Deployed) -> None:
    assert zoo_at.list_keys() == [b"\x04text", b"\x06signed"]
    assert zoo_at.call("describe") == "false 0 0 -1 0 0 new 0 true 0"


def test_numbers_keep_their_values(zoo_at: Deployed) -> None:
    values = (True, 127, 2**31 - 1, -(2**63), 2**64 - 1, 2**128 - 1)
    zoo_at.call("set", *values)
    names = ("flag", "small", "medium", "signed", "large", "huge")
    assert tuple(zoo_at.read(name) for name in names) == values
    assert zoo_at.call("describe").startswith(
        f"true 127 2147483647 {-(2**63)} {2**64 - 1} {2**128 - 1} new"
    )


@pytest.mark.parametrize(
    "values", [(True, 128, 0, 0, 0, 0), (True, 0, 2**31, 0, 0, 0)], ids=["u8", "u32"]
)
def test_what_java_can_not_hold_reverts(zoo_at: Deployed, values: tuple[int, ...]) -> None:
    with reverts("number out of range"):
        zoo_at.call("set", *values)


def test_bool_of_two_reverts(zoo_at: Deployed) -> None:
    with reverts("malformed arguments"):
        zoo_at.call_raw("set", b"\2" + bytes(37))


@pytest.mark.parametrize("text", ["", "a", "ä€𝄞", "\0\x7f\x80߿ࠀ\ud7ff￿\U0010ffff", "x" * 300])
def test_text_keeps_its_characters(zoo_at: Deployed, text: str) -> None:
    zoo_at.call("write", text, b"", ALICE, [])
    assert zoo_at.read("text") == (text or None)


@pytest.mark.parametrize(
    "raw",
    [b"\x80", b"\xc0\x80", b"\xe0\x80\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc3", b"\xff"],
)
def test_text_that_is_not_utf_8_reverts(zoo_at: Deployed, raw: bytes) -> None:
    data = len(raw).to_bytes(4, "little") + raw + bytes(4) + ALICE + bytes(4)
    with reverts("invalid UTF-8"):
        zoo_at.call_raw("write", data)


def test_records_and_lists_keep_their_values(zoo_at: Deployed) -> None:
    zoo_at.call("write", "t", b"\1\2", BOB, [LION, NOBODY])
    assert zoo_at.call("all") == zoo_at.read("animals") == [LION, NOBODY]
    assert zoo_at.read("bytes") == b"\1\2" and zoo_at.read("address") == BOB


def test_a_list_changed_in_place_is_stored(zoo_at: Deployed) -> None:
    assert [zoo_at.call("add", LION) for _ in range(3)] == [1, 2, 3]
    assert zoo_at.read("animals") == [LION] * 3


def test_a_count_without_items_reverts(zoo_at: Deployed) -> None:
    with reverts("malformed arguments"):
        zoo_at.call_raw("list", bytes(4) + b"\xff\xff\xff\xff")


def test_nested_maps_keep_entries_apart(zoo_at: Deployed) -> None:
    zoo_at.call("cage", "a", -1, LION)
    assert zoo_at.list_events() == [
        ("Fed", {"animal": LION, "times": [-1, 1]}),
        ("Empty", {}),
    ]
    assert zoo_at.call("caged", "a", -1) == zoo_at.read("cages", "a", -1) == LION
    assert zoo_at.call("caged", "a", 1) == zoo_at.call("caged", "", -1) == NOBODY
    assert zoo_at.call("free", "a", -1) is True
    assert zoo_at.call("free", "a", -1) is False
    assert zoo_at.read("cages", "a", -1) is None


def test_maps_can_have_bytes_as_keys(zoo_at: Deployed) -> None:
    zoo_at.call("list", b"\0\1", [-5, 2**63 - 1])
    assert zoo_at.read("lists", b"\0\1") == [-5, 2**63 - 1]


def test_transient_fields_are_not_stored(zoo_at: Deployed) -> None:
    # The constructor, which would set it to 5, runs at deployment only.
    assert zoo_at.call("forgotten") == zoo_at.call("forgotten") == 0


def test_the_clock_is_the_block_s(zoo_at: Deployed) -> None:
    assert zoo_at.call("clock") == 0


def test_hashes_and_signatures_are_the_chain_s(zoo_at: Deployed) -> None:
    assert zoo_at.call("digest", b"abc") == sha256(b"abc").digest()
    key = SigningKey(bytes(32))
    signature = key.sign(b"message").signature
    assert zoo_at.call("signed", bytes(key.verify_key), signature, b"message") is True
    assert zoo_at.call("signed", bytes(key.verify_key), signature, b"another") is False


def test_java_s_own_library_works(chain: Chain, library: tuple[bytes, bytes]) -> None:
    contract = chain.deploy(*library)
    # The NaN is the canonical one, whatever sign Java's arithmetic would leave.
    expected = f"a,b,c {3**40 * 2**40} 7ff8000000000000"
    assert contract.call("count", ["c", "a", "b", "a", "b", "a"]) == expected


def compute(operation: str, left: int, right: int, most: int) -> int | None:
    """Return what checked arithmetic gives; None if it must revert."""
    if operation in "/%" and right == 0:
        return None
    result: int = {
        "+": left + right,
        "-": left - right,
        "*": left * right,
        "/": left // (right or 1),
        "%": left % (right or 1),
    }[operation]
    return result if 0 <= result <= most else None


def draw(rng: random.Random, bits: int) -> int:
    """Return a number; borders come often."""
    size = rng.choice([1, bits // 2, bits // 2 + 1, bits - 1, bits, rng.randint(1, bits)])
    return max(0, min(2**bits - 1, rng.getrandbits(size) + rng.choice([-1, 0, 0, 1])))


@pytest.mark.parametrize("bits", [64, 128])
def test_arithmetic_is_that_of_python_and_checked(zoo_at: Deployed, bits: int) -> None:
    rng = random.Random(SEED)
    borders = [0, 1, 2, 2**32 - 1, 2**32, 2**63, 2**64 - 1, 2 ** (bits - 1), 2**bits - 1]
    pairs: list[tuple[Any, Any]] = [(a, b) for a in borders for b in borders]
    pairs += [(draw(rng, bits), draw(rng, bits)) for _ in range(100)]
    for left, right in pairs:
        if max(left, right) >= 2**bits:
            continue
        for operation in "+-*/%":
            expected = compute(operation, left, right, 2**bits - 1)
            if expected is None:
                text = "division by zero" if operation in "/%" else "arithmetic overflow"
                with reverts(text):
                    zoo_at.call(f"u{bits}", operation, left, right)
            else:
                found = zoo_at.call(f"u{bits}", operation, left, right)
                assert found == expected, f"seed {SEED}: {left} {operation} {right}"


def test_numbers_print_in_decimal(zoo_at: Deployed) -> None:
    rng = random.Random(SEED)
    for _ in range(50):
        wide, narrow = draw(rng, 128), draw(rng, 64)
        assert zoo_at.call("decimal", wide, narrow) == f"{wide} {narrow}", f"seed {SEED}"
