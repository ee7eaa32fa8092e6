"""Amounts are exact both ways; errors have one envelope."""

import json

import pytest

from quorate.cli import output
from quorate.core.errors import InvalidInput, NotFound


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("1", 10**9),
        ("0.5", 5 * 10**8),
        (".000000001", 1),
        ("1,234.5", 1_234_500_000_000),
        ("9000000000", 9 * 10**18),
    ],
)
def test_amounts_are_read_exactly(text: str, amount: int) -> None:
    assert output.parse_amount(text) == amount


@pytest.mark.parametrize(
    "text", ["", ".", "1.", "-1", "1e9", "0.0000000001", "one", "١", "9" * 5_000]
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        output.parse_amount(text)


@pytest.mark.parametrize(
    ("amount", "text"), [(0, "0"), (1, "0.000000001"), (1_234_500_000_000, "1,234.5")]
)
def test_amounts_are_shown_exactly(amount: int, text: str) -> None:
    assert output.format_amount(amount) == text


def test_error_for_programs_is_one_json_document(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_error(NotFound("no such block", height=7), as_json=True)
    captured = capsys.readouterr()
    assert json.loads(captured.out) == {
        "error": {"reason": "NOT_FOUND", "message": "no such block", "fields": {"height": "7"}}
    }
    assert captured.err == ""
