"""NetworkService: the chain, and the validators as this gateway sees them."""

from collections.abc import Sequence
from typing import Final

from quorate import __version__
from quorate.api.ledger.v1.ledger_pb2 import Block, GetBlockRequest, ListSeatsRequest
from quorate.api.network.v1 import network_pb2 as pb
from quorate.api.network.v1 import network_pb2_grpc
from quorate.core.blocks import compute_base_fee
from quorate.core.errors import QuorateError
from quorate.core.genesis import Genesis
from quorate.core.seats import Seat
from quorate.gateway.backends import Backend
from quorate.gateway.ledger import Reads
from quorate.gateway.limits import Context

_STATES: Final = {
    "voting": pb.VALIDATOR_STATE_VOTING,
    "observing": pb.VALIDATOR_STATE_OBSERVING,
    "catching_up": pb.VALIDATOR_STATE_CATCHING_UP,
    "halted": pb.VALIDATOR_STATE_HALTED,
    # The validator answers, but its engine does not: it cannot vote, and detail says so.
    "down": pb.VALIDATOR_STATE_HALTED,
}


class NetworkServicer(network_pb2_grpc.NetworkServiceServicer):
    """Tells about the network and how it does."""

    def __init__(self, backends: Sequence[Backend], genesis: Genesis, reads: Reads) -> None:
        self._backends, self._genesis, self._reads = backends, genesis, reads
        # The set that was read last; a chain of which nothing was read yet may be at its start.
        self._seats = genesis.seats

    async def Status(self, request: pb.StatusRequest, context: Context) -> pb.StatusResponse:
        """Tell what a client needs in order to make transactions; answers in any case."""
        genesis, params = self._genesis, self._genesis.params
        try:
            block = (await self._reads.get_block(GetBlockRequest())).block
            base_fee = params.base_fee_min
            if block.height:
                base_fee = compute_base_fee(block.base_fee, block.weight, params)
        except QuorateError:
            block, base_fee = Block(height=self._find_height()), params.base_fee_min
        return pb.StatusResponse(
            chain_id=genesis.chain_id,
            domain=genesis.domain,
            genesis_hash=genesis.hash,
            height=max(block.height, self._find_height()),
            view=block.view,
            epoch=block.epoch,
            time_ms=block.time_ms,
            base_fee=base_fee,
            validity_max_blocks=params.validity_max_blocks,
            validators_reachable=sum(backend.is_up for backend in self._backends),
            validators_total=len(self._backends),
            version=__version__,
        )

    async def ListValidators(
        self, request: pb.ListValidatorsRequest, context: Context
    ) -> pb.ListValidatorsResponse:
        """List all seats of the running epoch, then others behind this gateway."""
        seats = await self._read_seats()
        holders = {seat.index: self._find_holder(seat) for seat in seats}
        found = [_describe(holders[seat.index], seat) for seat in seats]
        taken = {id(backend) for backend in holders.values() if backend is not None}
        found.extend(_describe(b, None) for b in self._backends if id(b) not in taken)
        return pb.ListValidatorsResponse(validators=found)

    async def _read_seats(self) -> tuple[Seat, ...]:
        try:
            answer = await self._reads.list_seats(ListSeatsRequest())
        except QuorateError:
            return self._seats
        self._seats = tuple([Seat(each.seat, each.name, each.public_key) for each in answer.seats])
        return self._seats

    def _find_height(self) -> int:
        return max([backend.height for backend in self._backends], default=0)

    def _find_holder(self, seat: Seat) -> Backend | None:
        by_name = None
        for backend in self._backends:
            info = backend.info
            if info is not None and info.seat_key == seat.public_key:
                return backend
            if backend.name == seat.name and (info is None or not info.seat_key):
                by_name = backend
        return by_name


def _describe(backend: Backend | None, seat: Seat | None) -> pb.Validator:
    validator = pb.Validator(name=seat.name if seat else "", detail="not behind this gateway")
    if seat is not None:
        validator.seat, validator.public_key = seat.index, seat.public_key
    if backend is None:
        return validator
    validator.name = validator.name or backend.name
    info = backend.info
    if info is not None and seat is None:
        validator.public_key = info.seat_key
    if info is None or not backend.is_up:
        validator.state = pb.VALIDATOR_STATE_UNREACHABLE
        validator.detail = "serves another chain" if backend.is_foreign else "does not answer"
        validator.height = backend.executed_height
        return validator
    validator.state = _STATES.get(info.engine, pb.VALIDATOR_STATE_UNSPECIFIED)
    validator.height, validator.view = backend.height, info.view
    validator.detail, validator.peers = info.detail, info.peers
    validator.contracts = backend.runner
    if info.engine == "down" and not info.detail:
        validator.detail = "its consensus service does not answer"
    return validator
