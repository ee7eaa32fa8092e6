"""What consensus answers to its siblings: signatures of the seat key, and its status."""

import grpc

from quorate.api.consensus.v1 import consensus_pb2 as pb
from quorate.api.consensus.v1 import consensus_pb2_grpc as rpc
from quorate.consensus.candidacy import Candidacy
from quorate.consensus.driver import Driver
from quorate.consensus.storage_link import StorageLink
from quorate.core import crypto
from quorate.core.batches import BatchHeader
from quorate.core.codec import U64
from quorate.core.errors import QuorateError, Rejected
from quorate.kit.faults import abort


class ConsensusServicer(rpc.ConsensusServiceServicer):
    """Signs for gossip what a seat may sign besides votes; tells how the engine does."""

    def __init__(self, driver: Driver, storage: StorageLink, candidacy: Candidacy) -> None:
        self._driver = driver
        self._storage = storage
        self._candidacy = candidacy

    async def SignBatch(
        self,
        request: pb.SignBatchRequest,
        context: grpc.aio.ServicerContext[pb.SignBatchRequest, pb.SignBatchResponse],
    ) -> pb.SignBatchResponse:
        """Sign a batch header as its author, while this seat may sign at all."""
        try:
            setup, key = self._driver.engine.replica.setup, self._get_key()
            header = BatchHeader.decode(request.header)
            if header.author != setup.seat or header.epoch != setup.epoch:
                raise Rejected("the header names another author or epoch", reason="NOT_THE_AUTHOR")
        except QuorateError as error:
            await abort(context, error)
        return pb.SignBatchResponse(
            signature=key.sign(crypto.TAG_BATCH, setup.domain, request.header)
        )

    async def SignNode(
        self,
        request: pb.SignNodeRequest,
        context: grpc.aio.ServicerContext[pb.SignNodeRequest, pb.SignNodeResponse],
    ) -> pb.SignNodeResponse:
        """Sign which node speaks for this seat key; an observer gets an answer without a key."""
        engine = self._driver.engine
        epoch, key = engine.seats.epoch, engine.setup.key
        if key is None:
            return pb.SignNodeResponse(epoch=epoch)
        message = U64.pack(epoch) + request.node_id
        signature = key.sign(crypto.TAG_SEAT_NODE, engine.setup.domain, message)
        return pb.SignNodeResponse(epoch=epoch, public_key=key.public_key, signature=signature)

    async def GetSeatProof(
        self,
        request: pb.GetSeatProofRequest,
        context: grpc.aio.ServicerContext[pb.GetSeatProofRequest, pb.GetSeatProofResponse],
    ) -> pb.GetSeatProofResponse:
        """Prove that the seat key stands for the configured candidate."""
        try:
            return self._candidacy.prove()
        except QuorateError as error:
            await abort(context, error)

    async def SignReady(
        self,
        request: pb.SignReadyRequest,
        context: grpc.aio.ServicerContext[pb.SignReadyRequest, pb.SignReadyResponse],
    ) -> pb.SignReadyResponse:
        """Sign that the machine behind the seat key is ready in the running epoch, if it is."""
        try:
            return await self._candidacy.sign_ready()
        except QuorateError as error:
            await abort(context, error)

    async def GetStatus(
        self,
        request: pb.GetStatusRequest,
        context: grpc.aio.ServicerContext[pb.GetStatusRequest, pb.GetStatusResponse],
    ) -> pb.GetStatusResponse:
        """Tell epoch, view and state."""
        replica = self._driver.engine.replica
        state, detail = replica.get_state()
        if self._driver.fault:
            state, detail = "halted", self._driver.fault
        elif self._storage.catching_up and state in ("voting", "observing"):
            state, detail = "catching_up", "storage fetches blocks it missed"
        return pb.GetStatusResponse(
            epoch=replica.setup.epoch,
            view=replica.view,
            seat=replica.setup.seat,
            state=state,
            detail=detail,
            final_height=replica.chain.head.header.height,
        )

    def _get_key(self) -> crypto.SigningKey:
        replica = self._driver.engine.replica
        setup, signing = replica.setup, replica.signing
        if setup.key is None:
            raise Rejected("who has no seat in this epoch signs nothing", reason="OBSERVER")
        if not signing.may_sign() or self._driver.fault:
            raise Rejected("this seat must not sign now", reason="MUST_NOT_SIGN")
        return setup.key
