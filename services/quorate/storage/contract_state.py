"""A contract's records as they are, or as they were a while ago."""

from bisect import bisect_right
from collections.abc import Iterable
from typing import Final, NamedTuple

from quorate.core.contracts.records import VARIABLE_HEAD_BYTES, compute_variables_prefix
from quorate.core.errors import InvalidInput, Rejected
from quorate.storage.contract_history import Change, History, merge_changes
from quorate.storage.contract_messages import ANSWER_BYTES_MAX
from quorate.storage.pacer import Pacer
from quorate.storage.store import StateView

# What is read for one answer.
READ_BYTES_MAX: Final = 32 * 1024 * 1024
_STEP: Final = 100


class Range(NamedTuple):
    """Which of a contract's records: those with a prefix, above a key."""

    contract: bytes
    prefix: bytes = b""
    after: bytes = b""


class Heights(NamedTuple):
    """Two heights whose states are compared."""

    first: int
    last: int


def check_height(history: History, height: int, executed: int) -> None:
    """Raise InvalidInput or Rejected unless the state after a block can be told."""
    lowest = history.compute_lowest(executed)
    if height > executed:
        raise InvalidInput(
            f"block {height} is not executed here yet, {executed} is the latest",
            reason="HEIGHT_OUT_OF_RANGE", height=executed,
        )  # fmt: skip
    if height < lowest:
        raise Rejected(
            f"what changed up to block {height} is not kept any more: ask from {lowest} on",
            reason="HEIGHT_NOT_KEPT", lowest=lowest,
        )  # fmt: skip


async def load_changes(history: History, wanted: Range, heights: Heights) -> dict[bytes, Change]:
    """Return by key what differs between two heights; raises Rejected when that is too much."""
    blocks, size, pacer = list[list[Change]](), 0, Pacer()
    for changes in history.iter_changes(wanted.contract, heights.first + 1, heights.last):
        blocks.append([change for change in changes if change.key.startswith(wanted.prefix)])
        size += sum(len(key) + len(before) + len(after) for key, before, after in changes)
        if size > READ_BYTES_MAX:
            raise Rejected(
                "too much changed between these heights: ask about fewer blocks",
                reason="TOO_MANY_CHANGES",
            )
        await pacer.pause()
    return merge_changes(blocks)


async def read_page(
    view: StateView, wanted: Range, count: int, past: dict[bytes, Change]
) -> tuple[list[tuple[bytes, bytes]], bool]:
    """Return (key, value) of up to `count` records and whether there are more.

    `past` tells what changed since the height that is asked for.
    """
    head = compute_variables_prefix(wanted.contract)
    after, found, pacer = wanted.after, list[tuple[bytes, bytes]](), Pacer()
    old = sorted(past)
    while len(found) <= count:
        page = view.scan_from(head + wanted.prefix, head + after + b"\0", _STEP)
        merged = {key[VARIABLE_HEAD_BYTES:]: value for key, value in page}
        end = max(merged) if len(page) == _STEP else None
        last = len(old) if end is None else bisect_right(old, end)
        for key in old[bisect_right(old, after) : last]:
            merged[key] = past[key].before
        found += [(key, merged[key]) for key in sorted(merged) if merged[key]]
        if end is None:
            break
        after = end
        await pacer.pause()
    kept = _cut(found, count)
    return found[:kept], kept < len(found)


def _cut(records: Iterable[tuple[bytes, bytes]], count: int) -> int:
    """Return how many records fit into an answer, at least one."""
    kept = size = 0
    for key, value in records:
        size += len(key) + len(value)
        if kept == count or (kept and size > ANSWER_BYTES_MAX):
            break
        kept += 1
    return kept
