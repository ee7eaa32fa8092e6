"""Quorum arithmetic for every n, and addresses that survive being written down by people."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quorate.core import values
from quorate.core.errors import MalformedAddress
from quorate.core.values import (
    TREASURY,
    compute_faults,
    compute_quorum,
    format_address,
    parse_address,
)

addresses = st.binary(min_size=32, max_size=32)
# Bech32's own letters, in which most slips of a pen still are letters of an address.
LETTERS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


@pytest.mark.parametrize(
    ("seats", "faults", "quorum"),
    [
        (1, 0, 1), (2, 0, 2), (3, 0, 3), (4, 1, 3), (5, 1, 4), (6, 1, 5), (7, 2, 5), (8, 2, 6),
        (9, 2, 7), (10, 3, 7),
    ],
)  # fmt: skip
def test_quorum_for_one_to_ten_seats(seats: int, faults: int, quorum: int) -> None:
    assert (compute_faults(seats), compute_quorum(seats)) == (faults, quorum)


@given(st.integers(1, 10_000))
def test_two_quorums_share_an_honest_seat_and_the_honest_make_one(seats: int) -> None:
    faults, quorum = compute_faults(seats), compute_quorum(seats)
    assert 2 * quorum - seats > faults
    assert seats - faults >= quorum
    assert 3 * faults < seats


@given(addresses)
def test_an_address_reads_back_in_lower_and_upper_case(address: bytes) -> None:
    text = format_address(address)
    assert text.startswith("qr1")
    assert parse_address(text) == address
    assert parse_address(text.upper()) == address


@given(addresses, st.data())
def test_one_wrong_letter_is_noticed(address: bytes, data: st.DataObject) -> None:
    text = format_address(address)
    at = data.draw(st.integers(3, len(text) - 1))
    letter = data.draw(st.sampled_from(LETTERS.replace(text[at], "")))
    with pytest.raises(MalformedAddress, match="checksum"):
        parse_address(text[:at] + letter + text[at + 1 :])


@given(addresses, st.integers(3, 59))
def test_two_swapped_letters_are_noticed(address: bytes, at: int) -> None:
    text = format_address(address)
    swapped = text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    if swapped != text:
        with pytest.raises(MalformedAddress):
            parse_address(swapped)


Change = Callable[[str], str]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda text: text[:-1] + text[-1].upper(), "upper and lower"),
        (lambda text: text.replace("qr1", "xr1"), "does not start with qr1"),
        (lambda text: text[:-1], "checksum"),
        (lambda text: text[:10] + "b" + text[11:], "letter that addresses do not use"),
        (lambda text: "qr1", "letter that addresses do not use"),
        (lambda text: "", "does not start with"),
        (lambda text: text[2:], "does not start with"),
        (lambda text: " " + text, "does not start with"),
        (lambda text: text + "é", "letter that addresses do not use"),
    ],
)
def test_what_is_wrong_with_an_address_is_said(change: Change, why: str) -> None:
    text = format_address(bytes(range(32)))
    with pytest.raises(MalformedAddress, match=why):
        parse_address(change(text))


@pytest.mark.parametrize("size", [0, 1, 20, 31, 33])
def test_an_address_of_another_length_is_refused(size: int) -> None:
    with pytest.raises(MalformedAddress, match=f"holds {size} bytes"):
        parse_address(format_address(bytes(size)))


def test_an_address_with_another_prefix_is_refused() -> None:
    text = format_address(bytes(32), "tqr")
    assert parse_address(text, "tqr") == bytes(32)
    with pytest.raises(MalformedAddress):
        parse_address(text)


@given(addresses, st.integers(1, 15))
def test_padding_bits_must_be_zero(address: bytes, bits: int) -> None:
    """One address has one text: the last digit carries four bits that mean nothing."""
    data = values._regroup(address, 8, 5, pad=True)
    data[-1] ^= bits
    expanded = values._expand("qr")
    check = values._polymod(expanded + data + [0] * 6) ^ values._BECH32M
    digits = data + [(check >> 5 * (5 - i)) & 31 for i in range(6)]
    with pytest.raises(MalformedAddress):
        parse_address("qr1" + "".join(LETTERS[d] for d in digits))


def test_published_bech32m_examples_hold() -> None:
    """From BIP-350: valid strings whose data part is empty or of another length."""
    for text in ("A1LQFN3A", "a1lqfn3a", "abcdef1l7aum6echk45nj3s0wdvt2fg8x9yrzpqzd3ryx"):
        with pytest.raises(MalformedAddress, match="holds"):
            parse_address(text, text.lower().rpartition("1")[0])
    for text in ("a1xmlq75", "a1lqfn3q"):
        with pytest.raises(MalformedAddress, match="checksum"):
            parse_address(text, "a")


def test_nobody_has_the_key_of_the_treasury() -> None:
    assert len(TREASURY) == 32
    assert parse_address(format_address(TREASURY)) == TREASURY
