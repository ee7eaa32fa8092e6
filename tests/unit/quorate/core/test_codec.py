"""The reader of canonical layouts reads all or raises; lists pack and unpack."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quorate.core.codec import Reader, encode_blob, pack_list, split_hashes, unpack_list
from quorate.core.errors import MalformedBytes


def test_reader_reads_big_endian_in_order() -> None:
    reader = Reader(bytes(range(15)) + b"tail", "thing")
    assert (reader.u8(), reader.u16()) == (0, 0x0102)
    assert (reader.u32(), reader.u64()) == (0x03040506, 0x0708090A0B0C0D0E)
    assert reader.rest() == b"tail"
    reader.end()


@pytest.mark.parametrize("method", ["u8", "u16", "u32", "u64"])
def test_reader_names_what_is_cut_off_and_where(method: str) -> None:
    sizes = {"u8": 1, "u16": 2, "u32": 4, "u64": 8}
    data = bytes(sizes[method] - 1)
    with pytest.raises(MalformedBytes, match=f"thing: cut off at byte {len(data)}") as caught:
        getattr(Reader(data, "thing"), method)()
    assert caught.value.fields() == {"what": "thing"}


def test_end_refuses_trailing_bytes() -> None:
    reader = Reader(b"ab", "thing")
    reader.u8()
    with pytest.raises(MalformedBytes, match="1 bytes too many"):
        reader.end()


@given(st.binary(max_size=100))
def test_a_blob_reads_back(data: bytes) -> None:
    reader = Reader(encode_blob(data) + b"x", "thing")
    assert reader.blob(100) == data
    assert reader.rest() == b"x"


def test_a_blob_over_its_bound_is_refused_before_it_is_read() -> None:
    with pytest.raises(MalformedBytes, match="101 bytes where at most 100"):
        Reader((101).to_bytes(4, "big"), "thing").blob(100)


def test_a_blob_that_claims_more_than_there_is_is_cut_off() -> None:
    with pytest.raises(MalformedBytes, match="cut off"):
        Reader((4).to_bytes(4, "big") + b"abc", "thing").blob(100)


@given(st.lists(st.binary(max_size=50), max_size=20))
def test_a_list_packs_and_unpacks(items: list[bytes]) -> None:
    assert unpack_list(pack_list(items), len(items), "list") == items
    assert pack_list(tuple(items)) == pack_list(items)


@given(st.lists(st.binary(max_size=20), min_size=1, max_size=8), st.data())
def test_a_list_that_is_cut_or_miscounted_is_malformed(
    items: list[bytes], data: st.DataObject
) -> None:
    packed, count = pack_list(items), len(items)
    with pytest.raises(MalformedBytes):
        unpack_list(packed[: data.draw(st.integers(0, len(packed) - 1))], count, "list")
    with pytest.raises(MalformedBytes):
        unpack_list(packed, count + 1, "list")
    with pytest.raises(MalformedBytes):
        unpack_list(packed, count - 1, "list")
    with pytest.raises(MalformedBytes):
        unpack_list(packed + b"\0", count, "list")


@given(st.lists(st.binary(min_size=32, max_size=32), max_size=5))
def test_packed_hashes_split(hashes: list[bytes]) -> None:
    assert split_hashes(b"".join(hashes), "names") == hashes


@pytest.mark.parametrize("size", [1, 31, 33, 63])
def test_packed_hashes_of_odd_length_are_refused(size: int) -> None:
    with pytest.raises(MalformedBytes, match=f"{size} bytes is no multiple of 32"):
        split_hashes(bytes(size), "names")
