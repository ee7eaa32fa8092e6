"""All messages of a view are compared, whichever logs they are in; disorder is refused."""

import random

import pytest

from quorate.core import audit
from quorate.core.audit import Seen, merge_messages
from quorate.core.bft.evidence import Signed, get_view
from quorate.core.bft.messages import Kind
from quorate.core.errors import MalformedBytes
from tests.conftest import SEED
from tests.unit.quorate.core.liars import Liar, make_liars

LIARS = make_liars(4, b"d" * 32)


def notarize(view: int, digest: int = 1, liar: Liar = LIARS[1]) -> Signed:
    return liar.vote(Kind.NOTARIZE, view, bytes([digest]) * 32)


def stream(name: str, *messages: Signed) -> list[Seen]:
    return [Seen(name, message) for message in messages]


def test_same_view_of_two_epochs_is_two_views() -> None:
    later = Liar(LIARS[1].key, 1, b"d" * 32, epoch=1)
    found = merge_messages([stream("a", notarize(5)), stream("b", notarize(5, 2, later))])
    assert (found.conflicts, found.views, found.messages, found.distinct) == (0, 2, 2, 2)


def test_message_in_many_logs_counts_once_as_distinct_and_names_each_source_once() -> None:
    lie = stream("c", notarize(5, 2), notarize(5, 2))
    found = merge_messages([stream("a", notarize(5)), stream("b", notarize(5)), lie])
    assert (found.messages, found.distinct, found.conflicts) == (4, 2, 1)
    finding = found.findings[0]
    assert {finding.first_sources, finding.second_sources} == {("a", "b"), ("c",)}


@pytest.mark.parametrize(
    "messages",
    [
        (notarize(6), notarize(5)),
        (notarize(1, liar=Liar(LIARS[1].key, 1, b"d" * 32, epoch=1)), notarize(9)),
    ],
    ids=["view falls", "epoch falls"],
)
def test_log_that_does_not_ascend_is_refused(messages: tuple[Signed, ...]) -> None:
    with pytest.raises(MalformedBytes):
        merge_messages([stream("a", *messages)])


def test_findings_are_bounded_and_all_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "FINDINGS_MAX", 3)
    lies = [notarize(view, digest) for view in range(1, 11) for digest in (1, 2, 3)]
    found = merge_messages([stream("a", *lies)])
    assert (found.conflicts, len(found.findings)) == (10, 3)


def test_split_over_logs_at_random_shows_what_one_log_shows() -> None:
    print(f"seed {SEED}: QUORATE_TEST_SEED={SEED} pytest {__file__}")
    rng = random.Random(SEED)
    for _ in range(50):
        messages = [
            rng.choice(LIARS).vote(
                rng.choice([Kind.NOTARIZE, Kind.FINALIZE]), rng.randint(1, 6),
                bytes([rng.choice((1, 1, 1, 2))]) * 32,
            )
            for _ in range(24)
        ]  # fmt: skip
        messages.sort(key=get_view)
        logs: list[list[Seen]] = [[] for _ in range(4)]
        for message in messages:
            logs[rng.randrange(4)].append(Seen("x", message))
        one, many = merge_messages([stream("x", *messages)]), merge_messages(logs)
        assert {each[:3] for each in one.findings} == {each[:3] for each in many.findings}
        assert (one.distinct, one.views, one.conflicts) == (
            many.distinct,
            many.views,
            many.conflicts,
        )
