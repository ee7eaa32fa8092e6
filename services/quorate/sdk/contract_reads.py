"""Reads of contracts, and calls that change nothing: `client.contracts`.

    found = await client.contracts.get(address)
    page = await client.contracts.state(address, compute_prefix("balances"))

Each call raises NotFound, InvalidInput, Overloaded or Unavailable, as all of the client's.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

import grpc
from grpc import aio

from quorate.api.contract.v1 import contract_pb2 as pb
from quorate.api.contract.v1 import contract_pb2_grpc
from quorate.core.errors import Overloaded, Unavailable
from quorate.kit import faults, rpc
from quorate.sdk import contract_messages as messages
from quorate.sdk.answers import answer
from quorate.sdk.watching import BACKOFF_S, BACKOFF_S_MAX

# A view or trace may use all the fuel there is, and wait for another one before it.
_RUN_S: Final = 30.0


class ContractReads:
    """What a gateway answers about contracts."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = contract_pb2_grpc.ContractServiceStub(channel)

    async def get(self, address: bytes) -> messages.ContractRead:
        """Return a contract; raises NotFound."""
        request = pb.GetContractRequest(address=address)
        found = await answer(self._stub.GetContract(request, timeout=rpc.DEADLINE_S))
        return messages.ContractRead(
            messages.to_info(found.contract), found.interface, found.balance, found.height
        )

    async def code(self, code_hash: bytes) -> bytes:
        """Return code by its hash; raises NotFound."""
        request = pb.GetCodeRequest(code_hash=code_hash)
        return (await answer(self._stub.GetCode(request, timeout=rpc.DEADLINE_S))).code

    async def list(
        self, creator: bytes = b"", page_size: int = 100, page_token: str = ""
    ) -> tuple[list[messages.ContractInfo], str]:
        """Return a page of contracts by address, and the token of the next page ("": no more)."""
        request = pb.ListContractsRequest(
            creator=creator, page_size=page_size, page_token=page_token
        )
        found = await answer(self._stub.ListContracts(request, timeout=rpc.DEADLINE_S))
        return [messages.to_info(each) for each in found.contracts], found.next_page_token

    async def state(
        self,
        address: bytes,
        prefix: bytes = b"",
        *,
        after: bytes = b"",
        page_size: int = 100,
        height: int = 0,
    ) -> messages.StatePage:
        """Return a page of a contract's state by key, at a height (0: the latest)."""
        request = pb.ListStateRequest(
            contract=address, prefix=prefix, after=after, page_size=page_size, height=height
        )
        found = await answer(self._stub.ListState(request, timeout=rpc.DEADLINE_S))
        records = [messages.StateRecord(each.key, each.value) for each in found.records]
        return messages.StatePage(tuple(records), found.height, found.more)

    async def changes(
        self, address: bytes, from_height: int, to_height: int = 0, prefix: bytes = b""
    ) -> messages.Changes:
        """Return which records differ between the states after two blocks (0: the latest)."""
        request = pb.ListChangesRequest(
            contract=address, from_height=from_height, to_height=to_height, prefix=prefix
        )
        found = await answer(self._stub.ListChanges(request, timeout=rpc.DEADLINE_S))
        return messages.Changes(
            tuple([messages.to_change(each) for each in found.changes]),
            found.from_height, found.to_height, found.lowest_height, found.cut,
        )  # fmt: skip

    async def detail(self, id_: bytes) -> messages.Detail:
        """Return what the contract payloads of an executed transaction did; raises NotFound."""
        request = pb.GetDetailRequest(id=id_)
        found = await answer(self._stub.GetDetail(request, timeout=rpc.DEADLINE_S))
        return messages.to_detail(found.detail)

    async def events(
        self,
        address: bytes,
        name: str = "",
        *,
        after: messages.Place | None = None,
        page_size: int = 100,
        newest_first: bool = False,
    ) -> messages.EventPage:
        """Return a page of a contract's events; `name` "": of all names.

        `after`: the `next` of the page before, or any place: after it, or with the newest first
        before it.
        """
        request = pb.ListEventsRequest(
            contract=address, name=name, page_size=page_size, after=_to_cursor(after),
            newest_first=newest_first,
        )  # fmt: skip
        found = await answer(self._stub.ListEvents(request, timeout=rpc.DEADLINE_S))
        after = messages.to_place(found.next) if found.HasField("next") else None
        records = tuple([messages.to_event_record(each) for each in found.events])
        return messages.EventPage(records, after, found.height)

    async def watch_events(
        self, address: bytes, name: str = "", *, after: messages.Place | None = None
    ) -> AsyncIterator[messages.EventRecord]:
        """Yield events after a place (None: from now on), also across reconnections.

        Raises what no reconnection can heal.
        """
        wait_s = BACKOFF_S
        while True:
            request = pb.WatchEventsRequest(contract=address, name=name, after=_to_cursor(after))
            try:
                async for told in self._stub.WatchEvents(request):
                    for each in told.events:
                        yield messages.to_event_record(each)
                    after, wait_s = messages.to_place(told.cursor), BACKOFF_S
            except aio.AioRpcError as error:
                lost = faults.from_rpc_error(error)
                if not isinstance(lost, Overloaded | Unavailable):
                    raise lost from error
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, BACKOFF_S_MAX)

    async def view(self, call: messages.Asked) -> messages.Outcome:
        """Return what a call gives on the latest state, which it must not change."""
        request = pb.ViewRequest(call=pb.CallRequest(**call._asdict()))
        found = await answer(self._stub.View(request, timeout=_RUN_S))
        return messages.to_outcome(found.outcome, found.height)

    async def trace(self, call: messages.Asked, code: bytes = b"") -> messages.Traced:
        """Return the steps of a call on the latest state; `code`: a build that tells lines."""
        request = pb.TraceRequest(call=pb.CallRequest(**call._asdict()), code=code)
        return messages.to_traced(await answer(self._stub.Trace(request, timeout=_RUN_S)))

    async def check(self, code: bytes, profile: int = 0) -> messages.Checked:
        """Return what a deployment would say of a module."""
        request = pb.CheckRequest(code=code, profile=profile)
        found = await answer(self._stub.Check(request, timeout=_RUN_S))
        return messages.Checked(
            found.message, found.offset, tuple(found.methods), found.compile_us,
            found.compiled_bytes,
        )  # fmt: skip


def _to_cursor(place: messages.Place | None) -> pb.EventCursor | None:
    if place is None:
        return None
    return pb.EventCursor(height=place.height, position=place.position, index=place.number)
