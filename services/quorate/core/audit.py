"""Merges the signed messages of many vote logs and finds what one seat must not have signed.

Streams are merged by (epoch, view), so that only one view's messages are in memory at a time,
however long the logs are. Names of sources are kept, so that a finding can be looked up again.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from heapq import merge
from itertools import combinations
from typing import Final, NamedTuple

from quorate.core.accusations import get_epoch, get_seat
from quorate.core.bft.evidence import Signed, get_digest, get_kind, get_view, is_conflict
from quorate.core.errors import MalformedBytes

# Findings that are kept in full; all are counted.
FINDINGS_MAX: Final = 1_000


class Seen(NamedTuple):
    """A signed message and where it was found."""

    source: str
    message: Signed


class Finding(NamedTuple):
    """Two messages that no honest seat signs both; each with the sources that have it."""

    epoch: int
    view: int
    seat: int
    first: Signed
    second: Signed
    first_sources: tuple[str, ...]
    second_sources: tuple[str, ...]


@dataclass(slots=True)
class Audit:
    """What a merge saw: counts, and at most FINDINGS_MAX findings."""

    messages: int = 0
    distinct: int = 0
    views: int = 0
    conflicts: int = 0
    findings: list[Finding] = field(default_factory=list)


def merge_messages(streams: Iterable[Iterable[Seen]]) -> Audit:
    """Return what all messages together show; at most one finding per epoch, view and seat.

    Raises MalformedBytes when a stream does not ascend by (epoch, view): its messages could then
    not be compared with all others of their view.
    """
    audit, place = Audit(), (-1, -1)
    view: dict[int, dict[tuple[int, bytes], list[Seen]]] = {}
    for seen in merge(*map(_check_order, streams), key=_get_place):
        if _get_place(seen) != place:
            _close(audit, view)
            view, place = {}, _get_place(seen)
            audit.views += 1
        name = int(get_kind(seen.message)), bytes(get_digest(seen.message))
        view.setdefault(get_seat(seen.message), {}).setdefault(name, []).append(seen)
        audit.messages += 1
    _close(audit, view)
    return audit


def _get_place(seen: Seen) -> tuple[int, int]:
    return get_epoch(seen.message), get_view(seen.message)


def _check_order(stream: Iterable[Seen]) -> Iterator[Seen]:
    last = (-1, -1)
    for seen in stream:
        place = _get_place(seen)
        if place < last:
            raise MalformedBytes(f"vote log {seen.source}", f"view {place} comes after {last}")
        last = place
        yield seen


def _close(audit: Audit, view: dict[int, dict[tuple[int, bytes], list[Seen]]]) -> None:
    for messages in view.values():
        audit.distinct += len(messages)
        if len(messages) == 1:
            continue
        for one, other in combinations(messages.values(), 2):
            if is_conflict(one[0].message, other[0].message):
                audit.conflicts += 1
                if len(audit.findings) < FINDINGS_MAX:
                    audit.findings.append(_describe(one, other))
                break


def _describe(one: list[Seen], other: list[Seen]) -> Finding:
    first = one[0].message
    return Finding(
        get_epoch(first),
        get_view(first),
        get_seat(first),
        first,
        other[0].message,
        tuple(dict.fromkeys(seen.source for seen in one)),
        tuple(dict.fromkeys(seen.source for seen in other)),
    )
