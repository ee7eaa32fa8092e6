"""Events of contracts, in the order they took place: a page of them, or as blocks are executed."""

from collections.abc import AsyncIterator, Iterator
from typing import Final, NamedTuple

import grpc

from quorate.api.contract.v1 import contract_pb2 as pb
from quorate.core.contracts.details import Event, decode_detail
from quorate.core.contracts.host import EVENT_NAME_BYTES_MAX
from quorate.core.contracts.records import compute_contract_key
from quorate.core.errors import InvalidInput, NotFound, Overloaded, QuorateError
from quorate.core.receipts import find_receipt
from quorate.core.values import UINT64_MAX
from quorate.kit.faults import abort
from quorate.storage.chain import Chain
from quorate.storage.contract_messages import ANSWER_BYTES_MAX, build_event
from quorate.storage.contract_reads import ContractReads
from quorate.storage.pacer import Pacer
from quorate.storage.paging import check_hash, compute_page_size

# After all of a block.
END: Final = 2**32 - 1
WATCHERS_MAX: Final = 128
# Transactions that are looked at for one page, blocks with events that are found in one step.
_LOOKED_AT_MAX: Final = 2_000
_STEP: Final = 64
# A watch without events tells its place after so many blocks.
_QUIET_BLOCKS: Final = 64


class Cursor(NamedTuple):
    """A place among all events."""

    height: int
    position: int = END
    number: int = END

    def build(self) -> pb.EventCursor:
        """Return it as a message."""
        return pb.EventCursor(height=self.height, position=self.position, index=self.number)


class Query(NamedTuple):
    """Which events: of a contract, by name if one is given, so many of them.

    `is_back`: the newest first.
    """

    contract: bytes
    name: bytes
    size: int
    is_back: bool = False


class Page(NamedTuple):
    """Events found, the place up to which all is told, and whether there may be more."""

    events: list[pb.EventRecord]
    cursor: Cursor
    more: bool


class EventReader:
    """Finds events on disk."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain

    async def read(self, query: Query, start: Cursor, last: int) -> Page:
        """Return events after a place, or before it, in blocks up to `last`; raises Unavailable."""
        found, size, looked_at, pacer = list[pb.EventRecord](), 0, 0, Pacer()
        cursor = start
        for height, position in self._iter_places(query, start, last):
            for record in self._read_transaction(query, height, position):
                place = Cursor(height, position, record.place.index)
                if place >= start if query.is_back else place <= start:
                    continue
                size += record.ByteSize()
                if found and (len(found) == query.size or size > ANSWER_BYTES_MAX):
                    return Page(found, cursor, True)
                found.append(record)
                cursor = place
            cursor = Cursor(height, position, 0 if query.is_back else END)
            looked_at += 1
            if looked_at >= _LOOKED_AT_MAX:
                return Page(found, cursor, True)
            await pacer.pause()
        return Page(found, cursor if query.is_back else max(cursor, Cursor(last)), False)

    def _iter_places(self, query: Query, start: Cursor, last: int) -> Iterator[tuple[int, int]]:
        """Yield (height, position) of transactions with events, from a place on in its order."""
        history, first = self._chain.store.history, start[:2]
        if query.is_back:
            height = min(start.height, last)
            while told := history.list_told_back(query.contract, height, _STEP):
                for at, positions in told:
                    yield from [(at, each) for each in reversed(positions) if (at, each) <= first]
                height = told[-1][0] - 1
            return
        height = start.height + (start.position == END)
        while told := history.list_told(query.contract, height, last, _STEP):
            for at, positions in told:
                yield from [(at, each) for each in positions if (at, each) >= first]
            height = told[-1][0] + 1

    def _read_transaction(self, query: Query, height: int, position: int) -> list[pb.EventRecord]:
        encoded = self._chain.store.history.get_detail(height, position)
        events: list[Event] = [e for call in decode_detail(encoded).calls for e in call.events]
        packed = self._chain.store.load_packed_receipts(height)
        identity = find_receipt(packed, position).id
        records = [
            pb.EventRecord(
                event=build_event(event),
                place=Cursor(height, position, index).build(),
                transaction=identity,
            )
            for index, event in enumerate(events)
            if event.contract == query.contract and query.name in (b"", event.name)
        ]
        return records[::-1] if query.is_back else records


class EventReads(ContractReads):
    """Serves events; a base of the servicer of contracts, which has the chain."""

    _chain: Chain
    _events: EventReader

    def __init__(self) -> None:
        self._watchers = 0

    async def ListEvents(
        self,
        request: pb.ListEventsRequest,
        context: grpc.aio.ServicerContext[pb.ListEventsRequest, pb.ListEventsResponse],
    ) -> pb.ListEventsResponse:
        """List events of a contract."""
        try:
            query = self._build_query(request, compute_page_size(request.page_size))
            height = self._chain.height
            query = query._replace(is_back=request.newest_first)
            start = Cursor(height) if query.is_back else Cursor(0, 0, 0)
            if request.HasField("after"):
                start = _read_cursor(request.after)
            page = await self._events.read(query, start, height)
        except QuorateError as error:
            await abort(context, error)
        following = page.cursor.build() if page.more else None
        return pb.ListEventsResponse(events=page.events, next=following, height=height)

    async def WatchEvents(
        self,
        request: pb.WatchEventsRequest,
        context: grpc.aio.ServicerContext[pb.WatchEventsRequest, pb.WatchEventsResponse],
    ) -> AsyncIterator[pb.WatchEventsResponse]:
        """Stream events as blocks are executed, first those after a cursor."""
        try:
            query = self._build_query(request, compute_page_size(0))
            after = Cursor(self._chain.height)
            if request.HasField("after"):
                after = _read_cursor(request.after)
            if self._watchers >= WATCHERS_MAX:
                raise Overloaded("the number of followers of events", retry_after_ms=1_000)
            self._watchers += 1
            try:
                async for response in self._follow(query, after):
                    yield response
            finally:
                self._watchers -= 1
        except QuorateError as error:
            await abort(context, error)

    async def _follow(self, query: Query, after: Cursor) -> AsyncIterator[pb.WatchEventsResponse]:
        yield pb.WatchEventsResponse(cursor=after.build())
        told = after.height
        while not self._chain.closing:
            if after >= Cursor(self._chain.height):
                await self._chain.changed.wait()
                continue
            page = await self._events.read(query, after, self._chain.height)
            after = page.cursor
            if page.events or after.height - told >= _QUIET_BLOCKS:
                told = after.height
                yield pb.WatchEventsResponse(events=page.events, cursor=after.build())

    def _build_query(
        self, request: pb.ListEventsRequest | pb.WatchEventsRequest, count: int
    ) -> Query:
        check_hash(request.contract, "contract address")
        name = request.name.encode()
        if len(name) > EVENT_NAME_BYTES_MAX:
            raise InvalidInput(
                f"an event's name has at most {EVENT_NAME_BYTES_MAX} bytes", reason="OVERSIZED"
            )
        if not self._chain.store.open_state()[compute_contract_key(request.contract)]:
            raise NotFound("there is no contract at this address", reason="NO_CONTRACT")
        return Query(request.contract, name, count)


def _read_cursor(message: pb.EventCursor) -> Cursor:
    if message.height >= UINT64_MAX:
        raise InvalidInput("no block has this height", reason="HEIGHT_OUT_OF_RANGE")
    return Cursor(message.height, message.position, message.index)
