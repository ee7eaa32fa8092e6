"""Reads of contracts: what they are, their state, what changed, what transactions did."""

from typing import Final

import grpc

from quorate.api.contract.v1 import contract_pb2 as pb
from quorate.api.contract.v1 import contract_pb2_grpc as rpc
from quorate.core.contracts.details import decode_detail
from quorate.core.contracts.payloads import KEY_BYTES_MAX
from quorate.core.contracts.records import (
    CONTRACT_PREFIX,
    ContractRecord,
    compute_code_key,
    compute_contract_key,
    compute_interface_key,
    decode_contract,
)
from quorate.core.errors import InvalidInput, NotFound, QuorateError
from quorate.core.outcomes import OUTCOMES
from quorate.core.records import Records
from quorate.core.state import compute_account_key, decode_account
from quorate.core.values import HASH_BYTES
from quorate.kit.faults import abort
from quorate.storage.chain import Chain
from quorate.storage.contract_messages import (
    build_changes,
    build_contract,
    build_detail,
    count_fitting,
)
from quorate.storage.contract_state import (
    Heights,
    Range,
    check_height,
    load_changes,
    read_page,
)
from quorate.storage.pacer import Pacer
from quorate.storage.paging import check_hash, compute_page_size, decode_page, encode_page
from quorate.storage.store import StateView

_PAGE_KIND: Final = b"c"
# Contracts that one page looks at, when it is of one creator.
_LOOKED_AT_MAX: Final = 10_000
_STEP: Final = 100


class ContractReads(rpc.ContractServiceServicer):
    """Contracts at the latest executed height; a base of their servicer, which has the chain."""

    _chain: Chain

    async def GetContract(
        self,
        request: pb.GetContractRequest,
        context: grpc.aio.ServicerContext[pb.GetContractRequest, pb.GetContractResponse],
    ) -> pb.GetContractResponse:
        """Read a contract and its interface."""
        try:
            view = self._chain.store.open_state()
            record = get_contract(view, request.address)
            contract = build_contract(request.address, record)
            contract.code_bytes = len(view[compute_code_key(record.code_hash)])
            account = decode_account(view[compute_account_key(request.address)])
            interface = view[compute_interface_key(record.interface_hash)]
        except QuorateError as error:
            await abort(context, error)
        return pb.GetContractResponse(
            contract=contract, interface=interface, balance=account.balance, height=view.height
        )

    async def GetCode(
        self,
        request: pb.GetCodeRequest,
        context: grpc.aio.ServicerContext[pb.GetCodeRequest, pb.GetCodeResponse],
    ) -> pb.GetCodeResponse:
        """Read code."""
        try:
            check_hash(request.code_hash, "code hash")
            code = self._chain.store.open_state()[compute_code_key(request.code_hash)]
            if not code:
                raise NotFound("no contract here has code of this hash", reason="NO_CODE")
        except QuorateError as error:
            await abort(context, error)
        return pb.GetCodeResponse(code=code)

    async def ListContracts(
        self,
        request: pb.ListContractsRequest,
        context: grpc.aio.ServicerContext[pb.ListContractsRequest, pb.ListContractsResponse],
    ) -> pb.ListContractsResponse:
        """List contracts by address."""
        size, after = compute_page_size(request.page_size), b""
        try:
            if request.creator:
                check_hash(request.creator, "creator")
            if request.page_token:
                after = decode_page(_PAGE_KIND, request.page_token, HASH_BYTES)
            view = self._chain.store.open_state()
            found, following = await _list_contracts(view, request.creator, after, size)
        except QuorateError as error:
            await abort(context, error)
        token = encode_page(_PAGE_KIND, following) if following else ""
        contracts = [build_contract(address, record) for address, record in found]
        return pb.ListContractsResponse(
            contracts=contracts, height=view.height, next_page_token=token
        )

    async def ListState(
        self,
        request: pb.ListStateRequest,
        context: grpc.aio.ServicerContext[pb.ListStateRequest, pb.ListStateResponse],
    ) -> pb.ListStateResponse:
        """List records of a contract, now or as they were."""
        wanted = Range(request.contract, request.prefix, request.after)
        try:
            _check_keys(request.prefix, request.after)
            view, history = self._chain.store.open_state(), self._chain.store.history
            get_contract(view, request.contract)
            height = request.height or view.height
            check_height(history, height, view.height)
            past = await load_changes(history, wanted, Heights(height, view.height))
            records, more = await read_page(
                view, wanted, compute_page_size(request.page_size), past
            )
        except QuorateError as error:
            await abort(context, error)
        return pb.ListStateResponse(
            records=[pb.StateRecord(key=key, value=value) for key, value in records],
            height=height,
            more=more,
        )

    async def ListChanges(
        self,
        request: pb.ListChangesRequest,
        context: grpc.aio.ServicerContext[pb.ListChangesRequest, pb.ListChangesResponse],
    ) -> pb.ListChangesResponse:
        """Compare a contract's state at two heights."""
        try:
            _check_keys(request.prefix)
            view, history = self._chain.store.open_state(), self._chain.store.history
            get_contract(view, request.contract)
            heights = Heights(request.from_height, request.to_height or view.height)
            for height in heights:
                check_height(history, height, view.height)
            if heights.first > heights.last:
                raise InvalidInput(
                    "the first height is above the last", reason="HEIGHT_OUT_OF_RANGE"
                )
            wanted = Range(request.contract, request.prefix)
            changes = await load_changes(history, wanted, heights)
        except QuorateError as error:
            await abort(context, error)
        ordered = build_changes(request.contract, [changes[key] for key in sorted(changes)])
        kept = count_fitting(ordered)
        return pb.ListChangesResponse(
            changes=ordered[:kept], from_height=heights.first, to_height=heights.last,
            lowest_height=history.compute_lowest(view.height), cut=kept < len(ordered),
        )  # fmt: skip

    async def GetDetail(
        self,
        request: pb.GetDetailRequest,
        context: grpc.aio.ServicerContext[pb.GetDetailRequest, pb.GetDetailResponse],
    ) -> pb.GetDetailResponse:
        """Read what the contract payloads of an executed transaction did."""
        try:
            check_hash(request.id, "transaction id")
            store, head = self._chain.store, self._chain.height
            place = store.find_places([request.id])[0]
            if place is None or place.height > head:
                raise NotFound(
                    "no such transaction was executed here", id=request.id.hex(), height=head
                )
            encoded = store.history.load_detail(place.height, place.position)
            if encoded is None:
                raise NotFound("this transaction called no contract", reason="NO_DETAIL")
            detail = build_detail(decode_detail(encoded), OUTCOMES[place.code][1])
        except QuorateError as error:
            await abort(context, error)
        return pb.GetDetailResponse(detail=detail, height=place.height, position=place.position)


def get_contract(records: Records, address: bytes) -> ContractRecord:
    """Return a contract's record; raises InvalidInput, or NotFound (NO_CONTRACT)."""
    check_hash(address, "contract address")
    record = records[compute_contract_key(address)]
    if not record:
        raise NotFound("there is no contract at this address", reason="NO_CONTRACT")
    return decode_contract(record)


async def _list_contracts(
    view: StateView, creator: bytes, after: bytes, size: int
) -> tuple[list[tuple[bytes, ContractRecord]], bytes]:
    """Return up to `size` contracts above an address, and the last address looked at or b""."""
    found, looked_at, pacer = list[tuple[bytes, ContractRecord]](), 0, Pacer()
    while looked_at < _LOOKED_AT_MAX:
        # The prefix alone is the key of the executed height.
        page = view.scan_from(CONTRACT_PREFIX, CONTRACT_PREFIX + after + b"\0", _STEP)
        for key, value in page:
            after, record = key[1:], decode_contract(value)
            if not creator or record.creator == creator:
                found.append((after, record))
            if len(found) == size:
                return found, after
        if len(page) < _STEP:
            return found, b""
        looked_at += len(page)
        await pacer.pause()
    return found, after


def _check_keys(*keys: bytes) -> None:
    for key in keys:
        if len(key) > KEY_BYTES_MAX:
            raise InvalidInput(f"a key has at most {KEY_BYTES_MAX} bytes", reason="OVERSIZED")
