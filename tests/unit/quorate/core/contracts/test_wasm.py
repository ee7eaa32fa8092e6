"""Numbers and names of the binary format."""

import pytest

from quorate.core.contracts.wasm import Reader, encode_s32, encode_u32
from quorate.core.errors import InvalidModule
from tests.conftest import SEED


@pytest.mark.parametrize(
    ("data", "value"),
    [
        ("00", 0), ("7f", 127), ("8001", 128), ("ffffffff0f", 0xFFFF_FFFF),
        ("8000", 0), ("8180808000", 1),  # longer than needed, as linkers write them
    ],
)  # fmt: skip
def test_unsigned_number_is_read(data: str, value: int) -> None:
    assert Reader(bytes.fromhex(data)).read_u32() == value


@pytest.mark.parametrize("data", ["", "80", "ffffffff1f", "808080808000", "ffffffffff"])
def test_unsigned_number_is_refused(data: str) -> None:
    with pytest.raises(InvalidModule):
        Reader(bytes.fromhex(data)).read_u32()


@pytest.mark.parametrize(
    ("bits", "data", "value"),
    [
        (32, "7f", -1), (32, "3f", 63), (32, "40", -64), (32, "8080808078", -(2**31)),
        (32, "ffffffff07", 2**31 - 1), (33, "ffffffff0f", 2**32 - 1), (33, "40", -64),
        (64, "8080808080808080807f", -(2**63)), (64, "ffffffffffffffffff00", 2**63 - 1),
    ],
)  # fmt: skip
def test_signed_number_is_read(bits: int, data: str, value: int) -> None:
    assert Reader(bytes.fromhex(data)).read_signed(bits) == value


@pytest.mark.parametrize(
    ("bits", "data"),
    [
        (32, "ffffffff0f"), (32, "8080808070"), (32, "808080808000"), (33, "ffffffff1f"),
        (64, "ffffffffffffffffff01"), (64, "80808080808080808080 00"), (64, "80"),
    ],
)  # fmt: skip
def test_signed_number_is_refused(bits: int, data: str) -> None:
    with pytest.raises(InvalidModule):
        Reader(bytes.fromhex(data)).read_signed(bits)


def test_what_is_written_reads_back() -> None:
    for value in (0, 1, 63, 64, 127, 128, SEED, 2**28, 2**31 - 1):
        assert Reader(encode_u32(value)).read_u32() == value
        assert Reader(encode_s32(value)).read_signed(32) == value


def test_error_says_where() -> None:
    reader = Reader(b"\0\0\xff\xff\xff\xff\xff", 2)
    with pytest.raises(InvalidModule, match="more than 5 bytes, at byte 2") as error:
        reader.read_u32()
    assert error.value.offset == 2


@pytest.mark.parametrize("data", ["02ff41", "0341", "8102" + "41" * 257, "02c3"])
def test_name_is_refused(data: str) -> None:
    with pytest.raises(InvalidModule):
        Reader(bytes.fromhex(data)).read_name()


def test_name_is_utf8() -> None:
    assert Reader(b"\2\xc3\xa4").read_name() == "ä"


def test_count_must_fit_into_what_follows() -> None:
    with pytest.raises(InvalidModule, match="cut off"):
        Reader(b"\5abcd").read_count("things", 10)
    with pytest.raises(InvalidModule, match="5 things, at most 4 are allowed"):
        Reader(b"\5abcde").read_count("things", 4)
