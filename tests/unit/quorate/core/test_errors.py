"""Every expected error has a stable reason, typed fields, and a place in the tree drawn there."""

import pytest

from quorate.core import errors
from quorate.core.errors import QuorateError

CLASSES = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, QuorateError)
]


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_error_is_drawn_in_the_module_and_has_a_reason(kind: type[QuorateError]) -> None:
    assert errors.__doc__ is not None and kind.__name__ in errors.__doc__
    assert kind.reason.isupper()
    assert kind.reason.replace("_", "").isalpha()


def test_reasons_of_classes_differ() -> None:
    assert len({kind.reason for kind in CLASSES}) == len(CLASSES)


def test_a_reason_given_to_one_error_does_not_leak_to_the_next() -> None:
    first = errors.Rejected("m", reason="EXPIRED", height=7)
    assert (first.reason, first.fields(), str(first)) == ("EXPIRED", {"height": "7"}, "m")
    assert errors.Rejected("m").reason == "REJECTED"


def test_errors_with_their_own_constructor_say_where_it_went_wrong() -> None:
    assert errors.InvalidGenesis("seats[1]", "is wrong").fields() == {"field": "seats[1]"}
    assert str(errors.InvalidGenesis("seats[1]", "is wrong")) == "genesis field seats[1]: is wrong"
    assert errors.MalformedBytes("vote", "cut off").fields() == {"what": "vote"}
    assert errors.MalformedAddress("qr1", "is short").fields() == {"text": "qr1"}


def test_overload_says_when_to_come_back() -> None:
    error = errors.Overloaded("mempool", retry_after_ms=350)
    assert error.retry_after_ms == 350
    assert "mempool is full; try again in 350 ms" in str(error)
