"""Amounts and names of what anyone made, as people type and read them."""

import pytest

from quorate.cli.acting import format_units, parse_name, parse_units
from quorate.core.errors import InvalidInput


@pytest.mark.parametrize(
    ("text", "decimals", "units"),
    [
        ("12", 0, 12), ("12", 2, 1_200), ("0.5", 1, 5), (".5", 2, 50), ("1,000.25", 2, 100_025),
        ("1_000", 0, 1_000), ("0", 9, 0), ("9.223372036854775807", 18, 2**63 - 1),
    ],
)  # fmt: skip
def test_amounts_are_read_by_the_decimals_of_their_token(text, decimals, units):
    assert parse_units(text, decimals) == units


@pytest.mark.parametrize(
    ("text", "decimals"),
    [("", 2), (".", 2), ("1.", 2), ("1.234", 2), ("1.0", 0), ("-1", 2), ("1e3", 2), ("٣", 0)],
)
def test_what_is_no_amount_of_a_token_is_refused(text, decimals):
    with pytest.raises(InvalidInput):
        parse_units(text, decimals)


@pytest.mark.parametrize(
    ("units", "decimals", "text"),
    [(12, 0, "12"), (1_200, 2, "12"), (1_205, 2, "12.05"), (5, 9, "0.000000005"), (0, 3, "0"),
     (123_456_789, 3, "123,456.789")],
)  # fmt: skip
def test_amounts_are_shown_by_the_decimals_of_their_token(units, decimals, text):
    assert format_units(units, decimals) == text
    assert parse_units(text, decimals) == units


@pytest.mark.parametrize("text", ["", "zz" * 32, "ab" * 31, "ab" * 33])
def test_a_name_has_64_hex_digits(text):
    with pytest.raises(InvalidInput) as caught:
        parse_name(text, "token")
    assert caught.value.reason == "MALFORMED_ID"
    assert parse_name("ab" * 32, "token") == b"\xab" * 32
