"""What the ledger's reads tell of stake: candidates, delegations, supply (ledger.v1)."""

from typing import Final

import grpc

from quorate.api.ledger.v1 import ledger_pb2 as pb
from quorate.api.ledger.v1 import ledger_pb2_grpc as rpc
from quorate.core.codec import U64
from quorate.core.epochs import EpochStart, compute_end
from quorate.core.errors import NotFound, QuorateError
from quorate.core.governance.issue import ISSUED_KEY, load_issued
from quorate.core.governance.parameters import load_params
from quorate.core.seats import SeatSet
from quorate.core.staking.concentration import compute_concentration
from quorate.core.staking.records import (
    COUNT_KEY,
    compute_candidate_key,
    decode_candidate,
    decode_count,
)
from quorate.core.staking.rewards import compute_issue, compute_issued
from quorate.core.state import (
    EPOCH_START_KEY,
    compute_account_key,
    compute_set_key,
    decode_account,
)
from quorate.core.values import HASH_BYTES, TREASURY, format_address
from quorate.kit.faults import abort
from quorate.storage.chain import Chain
from quorate.storage.delegation_reads import Reading, build_delegation, list_candidates
from quorate.storage.pacer import Pacer
from quorate.storage.paging import check_hash, decode_page, encode_page
from quorate.storage.stake_messages import build_candidate, build_chances
from quorate.storage.standings import Board, Place, Standings
from quorate.storage.store import StateView

CANDIDATES: Final = 100
CANDIDATES_MAX: Final = 500
DELEGATIONS: Final = 50
DELEGATIONS_MAX: Final = 100


class StakeServicer(rpc.LedgerServiceServicer):
    """Candidates, delegations, supply: each answer is of one executed height."""

    def __init__(self, chain: Chain, board: Board) -> None:
        self._chain, self._board = chain, board
        self._params = chain.store.genesis.params

    async def GetCandidate(
        self,
        request: pb.GetCandidateRequest,
        context: grpc.aio.ServicerContext[pb.GetCandidateRequest, pb.GetCandidateResponse],
    ) -> pb.GetCandidateResponse:
        """Read a candidate by its owner's address."""
        try:
            check_hash(request.candidate, "candidate")
            standings = await self._board.get()
            height, record = standings.height, standings.records.get(request.candidate, b"")
            if not record or height < self._chain.reader.height:
                key = compute_candidate_key(request.candidate)
                height, (record,) = await self._chain.reader.read([key])
            if not record:
                raise NotFound(
                    "no candidate is owned by this address",
                    reason="NO_CANDIDATE",
                    candidate=format_address(request.candidate),
                )
            found = self._build(request.candidate, record, standings)
        except QuorateError as error:
            await abort(context, error)
        return pb.GetCandidateResponse(candidate=found, height=height)

    async def ListCandidates(
        self,
        request: pb.ListCandidatesRequest,
        context: grpc.aio.ServicerContext[pb.ListCandidatesRequest, pb.ListCandidatesResponse],
    ) -> pb.ListCandidatesResponse:
        """List candidates by stake."""
        size, pacer = min(request.page_size or CANDIDATES, CANDIDATES_MAX), Pacer()
        try:
            after = _decode_place(request.page_token) if request.page_token else None
            standings = await self._board.get()
            owners = standings.list_after(after, size + 1)
            response = pb.ListCandidatesResponse(
                height=standings.height,
                total=len(standings.order),
                electable=len(standings.ranks),
                epoch=standings.running.epoch,
            )
            for owner in owners[:size]:
                record = standings.records[owner]
                response.candidates.append(self._build(owner, record, standings))
                await pacer.pause()
        except QuorateError as error:
            await abort(context, error)
        if len(owners) > size:
            last = response.candidates[-1]
            response.next_page_token = encode_page(b"c", U64.pack(last.stake) + last.owner)
        return response

    async def ListDelegations(
        self,
        request: pb.ListDelegationsRequest,
        context: grpc.aio.ServicerContext[pb.ListDelegationsRequest, pb.ListDelegationsResponse],
    ) -> pb.ListDelegationsResponse:
        """List what an account has bonded, earned and takes back."""
        size, pacer = min(request.page_size or DELEGATIONS, DELEGATIONS_MAX), Pacer()
        try:
            check_hash(request.delegator, "delegator")
            after = decode_page(b"d", request.page_token, HASH_BYTES) if request.page_token else b""
            view = self._chain.store.open_state()
            epoch = EpochStart.decode(view[EPOCH_START_KEY]).epoch
            params = load_params(view, self._params)
            reading = Reading(view, request.delegator, epoch, params)
            found = list_candidates(reading, after, size + 1)
            response = pb.ListDelegationsResponse(height=view.height, epoch=epoch)
            for owner in found[:size]:
                response.delegations.append(build_delegation(reading, owner))
                await pacer.pause()
        except QuorateError as error:
            await abort(context, error)
        if len(found) > size:
            response.next_page_token = encode_page(b"d", found[size - 1])
        return response

    async def GetEconomy(
        self,
        request: pb.GetEconomyRequest,
        context: grpc.aio.ServicerContext[pb.GetEconomyRequest, pb.GetEconomyResponse],
    ) -> pb.GetEconomyResponse:
        """Read supply, the running epoch, and how spread the seats are."""
        try:
            view = self._chain.store.open_state()
            start = EpochStart.decode(view[EPOCH_START_KEY])
            seats = SeatSet.decode(view[compute_set_key(start.epoch)])
            spread = compute_concentration(seats, lambda owner: _find_operator(view, owner))
            response = pb.GetEconomyResponse(
                height=view.height,
                supply=self._build_supply(view),
                epoch=self._build_epoch(view, start),
                concentration=pb.Concentration(**spread._asdict()),
                candidates=decode_count(view[COUNT_KEY]),
            )
        except QuorateError as error:
            await abort(context, error)
        return response

    def _build(self, owner: bytes, record: bytes, standings: Standings) -> pb.Candidate:
        found = build_candidate(owner, decode_candidate(record))
        found.chances.CopyFrom(build_chances(owner, record, standings))
        return found

    def _build_supply(self, view: StateView) -> pb.Supply:
        treasury = decode_account(view[compute_account_key(TREASURY)])
        genesis, params = self._chain.store.genesis, load_params(view, self._params)
        issued = load_issued(view[ISSUED_KEY], view.height, params)
        return pb.Supply(
            genesis=genesis.supply,
            issued=issued - compute_issued(genesis.height, genesis.params),
            issue_per_block=compute_issue(view.height + 1, params),
            treasury=treasury.balance,
        )

    def _build_epoch(self, view: StateView, start: EpochStart) -> pb.Epoch:
        end = compute_end(start, self._params)
        head = self._chain.store.get_block(view.height).header
        return pb.Epoch(
            epoch=start.epoch,
            start_height=start.height,
            start_ms=start.time_ms,
            end_height=end.height,
            end_ms=end.time_ms,
            time_ms=head.time_ms,
        )


def _find_operator(view: StateView, owner: bytes) -> bytes:
    record = view[compute_candidate_key(owner)]
    return decode_candidate(record).operator if record else owner


def _decode_place(token: str) -> Place:
    data = decode_page(b"c", token, U64.size + HASH_BYTES)
    return -int(U64.unpack_from(data)[0]), data[U64.size :]
