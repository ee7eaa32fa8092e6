"""Reads of tokens, locks and changes by vote (the rest of ledger.v1.LedgerService)."""

from typing import Final

import grpc

from quorate.api.ledger.v1 import ledger_pb2 as pb
from quorate.api.ledger.v1 import ledger_pb2_grpc as rpc
from quorate.core.epochs import EpochStart
from quorate.core.errors import NotFound, QuorateError
from quorate.core.governance.actions import count_approving
from quorate.core.governance.parameters import CHANGEABLE, CHANGES_KEY, compute_params
from quorate.core.governance.records import (
    OPEN_KEY,
    PROPOSAL_EPOCHS,
    Opened,
    compute_proposal_key,
    decode_opened,
    decode_proposal,
    is_expired,
)
from quorate.core.governance.upgrades import (
    KNOWN_VERSIONS,
    UPGRADES_KEY,
    decode_upgrades,
    find_version,
)
from quorate.core.locks.records import compute_lock_key, decode_lock
from quorate.core.params import Params
from quorate.core.seats import SeatSet
from quorate.core.state import EPOCH_START_KEY, compute_set_key
from quorate.core.tokens.records import (
    compute_balances_prefix,
    compute_token_key,
    decode_balance,
    decode_token,
)
from quorate.core.values import HASH_BYTES, compute_quorum
from quorate.kit.faults import abort
from quorate.storage.chain import Chain
from quorate.storage.pacer import Pacer
from quorate.storage.paging import check_hash, compute_page_size, decode_page, encode_page
from quorate.storage.store import StateView

_PAGE_KIND: Final = b"t"


class AssetReads(rpc.LedgerServiceServicer):
    """Tokens, locks, proposals and parameters at the latest executed height.

    A base of the ledger's servicer, which has the chain and the genesis' parameters.
    """

    _chain: Chain
    _params: Params

    async def GetToken(
        self,
        request: pb.GetTokenRequest,
        context: grpc.aio.ServicerContext[pb.GetTokenRequest, pb.GetTokenResponse],
    ) -> pb.GetTokenResponse:
        """Read a token."""
        try:
            check_hash(request.token, "token id")
            height, values = await self._chain.reader.read([compute_token_key(request.token)])
            if not values[0]:
                raise NotFound("there is no such token", reason="NO_TOKEN", height=height)
            found = decode_token(values[0])
        except QuorateError as error:
            await abort(context, error)
        token = pb.Token(
            token=request.token, owner=found.owner, symbol=found.symbol, name=found.name,
            decimals=found.decimals, cap=found.cap, supply=found.supply,
            freezable=found.freezable, is_frozen=found.is_frozen, is_final=found.is_final,
        )  # fmt: skip
        return pb.GetTokenResponse(token=token, height=height)

    async def ListTokenBalances(
        self,
        request: pb.ListTokenBalancesRequest,
        context: grpc.aio.ServicerContext[
            pb.ListTokenBalancesRequest, pb.ListTokenBalancesResponse
        ],
    ) -> pb.ListTokenBalancesResponse:
        """List what an account holds of tokens, ascending by their ids."""
        balances, pacer = list[pb.TokenBalance](), Pacer()
        try:
            check_hash(request.holder, "address")
            after = b""
            if request.page_token:
                after = decode_page(_PAGE_KIND, request.page_token, HASH_BYTES)
            size = compute_page_size(request.page_size)
            view, prefix = self._chain.store.open_state(), compute_balances_prefix(request.holder)
            found = view.scan(prefix, prefix + after, size + 1)
            for key, value in found[:size]:
                balances.append(_build_balance(view, key, value))
                await pacer.pause()
        except QuorateError as error:
            await abort(context, error)
        response = pb.ListTokenBalancesResponse(balances=balances, height=view.height)
        if len(found) > size:
            response.next_page_token = encode_page(_PAGE_KIND, balances[-1].token)
        return response

    async def GetLock(
        self,
        request: pb.GetLockRequest,
        context: grpc.aio.ServicerContext[pb.GetLockRequest, pb.GetLockResponse],
    ) -> pb.GetLockResponse:
        """Read a lock."""
        try:
            check_hash(request.lock, "lock id")
            height, values = await self._chain.reader.read([compute_lock_key(request.lock)])
            if not values[0]:
                raise NotFound(
                    "there is no such lock: it never was, or it was claimed or taken back",
                    reason="NO_LOCK", height=height,
                )  # fmt: skip
            found = decode_lock(values[0])._asdict()
        except QuorateError as error:
            await abort(context, error)
        return pb.GetLockResponse(lock=pb.Lock(lock=request.lock, **found), height=height)

    async def ListProposals(
        self,
        request: pb.ListProposalsRequest,
        context: grpc.aio.ServicerContext[pb.ListProposalsRequest, pb.ListProposalsResponse],
    ) -> pb.ListProposalsResponse:
        """List the proposals that take votes, and how many seats approve each."""
        try:
            view = self._chain.store.open_state()
            epoch = EpochStart.decode(view[EPOCH_START_KEY]).epoch
            seats = SeatSet.decode(view[compute_set_key(epoch)])
            proposals = [
                _build_proposal(each, view[compute_proposal_key(each.id)], seats)
                for each in decode_opened(view[OPEN_KEY])
                if not is_expired(each.epoch, epoch)
            ]
        except QuorateError as error:
            await abort(context, error)
        count = len(seats.seats)
        return pb.ListProposalsResponse(
            proposals=proposals, epoch=epoch, quorum=compute_quorum(count), seats=count,
            height=view.height,
        )  # fmt: skip

    async def GetParams(
        self,
        request: pb.GetParamsRequest,
        context: grpc.aio.ServicerContext[pb.GetParamsRequest, pb.GetParamsResponse],
    ) -> pb.GetParamsResponse:
        """Read what is in force for the block after the executed ones, and what comes."""
        try:
            keys = [EPOCH_START_KEY, CHANGES_KEY, UPGRADES_KEY]
            height, (start, changes, upgrades) = await self._chain.reader.read(keys)
            epoch = EpochStart.decode(start).epoch
            coming = [each for each in decode_upgrades(upgrades) if each.height > height + 1]
            version = find_version(upgrades, height + 1)
            parameters = _build_parameters(changes, epoch, self._params)
        except QuorateError as error:
            await abort(context, error)
        response = pb.GetParamsResponse(
            parameters=parameters, epoch=epoch, height=height, version=version,
            known_versions=KNOWN_VERSIONS,
        )  # fmt: skip
        if coming:
            response.next_version_height, response.next_version = coming[0]
        return response


def _build_balance(view: StateView, key: bytes, record: bytes) -> pb.TokenBalance:
    identity = key[-HASH_BYTES:]
    token = decode_token(view[compute_token_key(identity)])
    return pb.TokenBalance(
        token=identity, balance=decode_balance(record), symbol=token.symbol,
        decimals=token.decimals,
    )  # fmt: skip


def _build_proposal(opened: Opened, record: bytes, seats: SeatSet) -> pb.Proposal:
    found = decode_proposal(record)
    seated = {seat.candidate for seat in seats.seats}
    votes = [(each, vote) for each, vote in sorted(found.votes.items()) if each in seated]
    return pb.Proposal(
        proposal=opened.id, proposer=found.proposer, last_epoch=found.epoch + PROPOSAL_EPOCHS,
        parameter=found.parameter, value=found.value, version=found.version, height=found.height,
        votes=[pb.ProposalVote(candidate=each, approve=vote) for each, vote in votes],
        approving=count_approving(found, seats),
    )  # fmt: skip


def _build_parameters(changes: bytes, epoch: int, genesis: Params) -> list[pb.Parameter]:
    now, coming = (compute_params(changes, each, genesis) for each in (epoch, epoch + 1))
    following = coming.to_document()
    values = now.to_document()
    return [
        pb.Parameter(
            name=name, value=values[name], genesis_value=first, next_value=following[name],
            is_changeable=name in CHANGEABLE,
        )
        for name, first in genesis.to_document().items()
    ]  # fmt: skip
