"""Contracts, what they did and what changed, as messages of the public API."""

from collections.abc import Iterable, Sequence
from typing import Final, Protocol

from quorate.api.contract.v1 import contract_pb2 as pb
from quorate.core.contracts.details import Detail, Event, decode_detail
from quorate.core.contracts.records import VARIABLE_HEAD_BYTES, VARIABLE_PREFIX, ContractRecord
from quorate.core.values import ZERO_HASH
from quorate.storage.contract_history import Change

# Of what has no end in one answer.
ANSWER_BYTES_MAX: Final = 4 * 1024 * 1024


class Sized(Protocol):
    """A message."""

    def ByteSize(self) -> int:
        """Return how many bytes it takes."""
        ...


def count_fitting(messages: Iterable[Sized]) -> int:
    """Return how many messages fit into one answer, at least one of them if there are any."""
    kept = size = 0
    for message in messages:
        size += message.ByteSize()
        if kept and size > ANSWER_BYTES_MAX:
            break
        kept += 1
    return kept


def build_contract(address: bytes, record: ContractRecord) -> pb.Contract:
    """Return a contract; the size of its code is for who has read it to add."""
    has_interface = record.interface_hash != ZERO_HASH
    return pb.Contract(
        address=address, code_hash=record.code_hash,
        interface_hash=record.interface_hash if has_interface else b"",
        profile=record.profile, reentrant=record.reentrant, creator=record.creator,
        height=record.height,
    )  # fmt: skip


def build_event(event: Event) -> pb.Event:
    """Return an event; the host lets only UTF-8 through as its name."""
    return pb.Event(contract=event.contract, name=event.name.decode(), data=event.data)


def build_detail(detail: Detail, reason: str) -> pb.Detail:
    """Return what a transaction's contract payloads did; `reason` is that of its receipt."""
    calls = [
        pb.Call(
            contract=call.contract, method=call.method, fuel=call.fuel, result=call.result,
            events=map(build_event, call.events),
        )
        for call in detail.calls
    ]  # fmt: skip
    failure = detail.failure
    used = failure.fuel if failure else sum(call.fuel for call in detail.calls)
    built = pb.Detail(calls=calls, fuel=used)
    if failure is not None:
        built.failure.CopyFrom(
            pb.Failure(
                reason=reason, message=failure.text, contract=failure.contract,
                method=failure.method, line=failure.line,
            )
        )  # fmt: skip
    return built


def build_changes(contract: bytes, changes: Iterable[Change]) -> list[pb.StateChange]:
    """Return changes of a contract's records."""
    return [
        pb.StateChange(contract=contract, key=each.key, before=each.before, after=each.after)
        for each in changes
    ]


def build_trial(
    encoded: bytes, reason: str, read: Sequence[bytes], writes: Iterable[tuple[bytes, bytes, bytes]]
) -> pb.Trial:
    """Return what a dry run's contract payloads would do.

    `encoded` is their detail, b"" where they were not carried out; `read` and `writes` (key,
    before, after) are records of state, of which those of contracts count.
    """
    changed = [write for write in writes if write[0][:1] == VARIABLE_PREFIX]
    access: dict[bytes, list[bytes]] = {}
    for key in sorted({*read, *[key for key, _, _ in changed]}):
        access.setdefault(key[1:VARIABLE_HEAD_BYTES], []).append(key[VARIABLE_HEAD_BYTES:])
    changes = [
        pb.StateChange(
            contract=key[1:VARIABLE_HEAD_BYTES], key=key[VARIABLE_HEAD_BYTES:], before=before,
            after=after,
        )
        for key, before, after in changed
    ]  # fmt: skip
    kept = count_fitting(changes)
    detail = build_detail(decode_detail(encoded), reason) if encoded else pb.Detail()
    return pb.Trial(
        detail=detail,
        access=[pb.Access(contract=contract, keys=keys) for contract, keys in access.items()],
        changes=changes[:kept], cut=kept < len(changes),
    )  # fmt: skip
