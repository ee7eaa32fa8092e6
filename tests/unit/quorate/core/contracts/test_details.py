"""The layout of what contracts did: it reads back, and no byte of it is free."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quorate.core.contracts.details import (
    CallDone,
    Detail,
    Event,
    Failure,
    compute_detail_hash,
    decode_detail,
    list_tellers,
)
from quorate.core.errors import MalformedBytes

ADDRESS = st.binary(min_size=32, max_size=32)
METHOD = st.text("abcXYZ_", min_size=1, max_size=20)
EVENT = st.builds(Event, ADDRESS, st.binary(min_size=1, max_size=9), st.binary(max_size=40))
CALL = st.builds(
    CallDone, st.integers(0, 15), ADDRESS, METHOD, st.integers(0, 2**64 - 1),
    st.binary(max_size=50), st.lists(EVENT, max_size=3).map(tuple),
)  # fmt: skip
FAILURE = st.builds(
    Failure, st.integers(0, 15), ADDRESS, METHOD, st.text(max_size=30),
    st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1),
)  # fmt: skip
DETAIL = st.one_of(
    st.builds(Detail, st.lists(CALL, max_size=3).map(tuple), st.none()),
    st.builds(Detail, st.just(()), FAILURE),
)


@given(DETAIL)
def test_a_detail_reads_back_and_encodes_to_the_same_bytes(detail: Detail) -> None:
    assert decode_detail(detail.encode()) == detail


@given(DETAIL, st.data())
def test_a_detail_that_is_cut_off_or_too_long_is_malformed(
    detail: Detail, data: st.DataObject
) -> None:
    encoded = detail.encode()
    cut = data.draw(st.integers(0, len(encoded) - 1))
    for wrong in (encoded[:cut], encoded + b"\0"):
        with pytest.raises(MalformedBytes):
            decode_detail(wrong)


@given(DETAIL, st.data())
def test_every_altered_byte_gives_another_hash(detail: Detail, data: st.DataObject) -> None:
    encoded = bytearray(detail.encode())
    at, bit = data.draw(st.integers(0, len(encoded) - 1)), data.draw(st.integers(0, 7))
    encoded[at] ^= 1 << bit
    assert compute_detail_hash(bytes(encoded)) != compute_detail_hash(detail.encode())


@dataclass
class Wrong:
    """Bytes that are no detail, and why."""

    data: bytes
    why: str


@pytest.mark.parametrize(
    "wrong",
    [
        Wrong(b"", "cut off"),
        Wrong(b"\2\0\0", "unknown version"),
        Wrong(b"\1\0\2", "neither failed nor not"),
        Wrong(b"\1\0\1\0" + bytes(32) + b"\0\0\0\1\xff" + bytes(8), "not UTF-8"),
    ],
)
def test_what_is_no_detail_says_why(wrong: Wrong) -> None:
    with pytest.raises(MalformedBytes, match=wrong.why):
        decode_detail(wrong.data)


@given(DETAIL)
def test_who_told_something_is_found_without_decoding(detail: Detail) -> None:
    told = [event.contract for call in detail.calls for event in call.events]
    assert list_tellers(detail.encode()) == list(dict.fromkeys(told))


@given(st.binary(max_size=80), DETAIL, st.integers(0, 400))
def test_bytes_that_lead_nowhere_are_malformed_or_name_contracts(
    data: bytes, detail: Detail, cut: int
) -> None:
    for spoilt in (data, detail.encode()[:cut]):
        try:
            found = list_tellers(spoilt)
        except MalformedBytes:
            continue
        assert len(found) <= len(spoilt)
