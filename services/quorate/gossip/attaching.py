"""Serves other nodes: proves who answers, checks who calls, and reads the frames they send.

Requests come as raw bytes, so that garbage and oversized frames are seen, counted and scored.
"""

import asyncio
from secrets import token_bytes
from typing import Any, Final

import grpc
from google.protobuf.message import DecodeError
from grpc import aio

from quorate.api.peers.v1 import peers_pb2 as pb
from quorate.core import crypto
from quorate.core.errors import InvalidInput, Overloaded, QuorateError, Rejected, Unavailable
from quorate.core.genesis import Genesis
from quorate.gossip.fetcher import Fetcher
from quorate.gossip.frames import FrameHandler
from quorate.gossip.identity import Identity
from quorate.gossip.peers import Peer, PeerTable
from quorate.gossip.records import NodeRecord, check_record
from quorate.kit import metrics
from quorate.kit.faults import abort
from quorate.kit.logs import get_logger

# What a peer may send unasked, and what it may answer (a block with all its batches).
FRAME_BYTES_MAX: Final = 2 * 1024 * 1024
ANSWER_BYTES_MAX: Final = 14 * 1024 * 1024
HELLO_S: Final = 5.0
HELLOS_MAX: Final = 64

_OPTIONS: Final = (
    # Larger than a frame may be: what is too large is to be scored, not only refused.
    ("grpc.max_receive_message_length", 16 * 1024 * 1024),
    ("grpc.so_reuseport", 0),
    ("grpc.max_concurrent_streams", 16),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 4_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.http2.ping_timeout_ms", 5_000),
    ("grpc.http2.max_pings_without_data", 0),
)
log = get_logger("gossip")
Context = aio.ServicerContext[Any, Any]


class _Stream:
    """An accepted stream that can be ended from outside."""

    def __init__(self, reading: asyncio.Task[None]) -> None:
        self._reading = reading
        self.error: QuorateError | None = None

    def close(self, error: QuorateError) -> None:
        self.error = error
        self._reading.cancel()


class PeerServer:
    """The server of the peer port."""

    def __init__(
        self,
        table: PeerTable,
        identity: Identity,
        genesis: Genesis,
        frames: FrameHandler,
        fetcher: Fetcher,
    ) -> None:
        self._table, self._identity, self._genesis = table, identity, genesis
        self._frames, self._fetcher = frames, fetcher
        self._record = pb.SignedRecord()
        self._hellos = 0
        self._server = aio.server(options=_OPTIONS)
        identify = grpc.unary_unary_rpc_method_handler(
            self._identify,
            request_deserializer=pb.IdentifyRequest.FromString,
            response_serializer=pb.IdentifyResponse.SerializeToString,
        )
        attach: grpc.RpcMethodHandler[Any, Any] = grpc.stream_stream_rpc_method_handler(
            self._attach, response_serializer=pb.AttachResponse.SerializeToString
        )
        service = "quorate.api.peers.v1.PeerService"
        handlers = {"Identify": identify, "Attach": attach}
        self._server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(service, handlers),)
        )

    def bind(self, address: str) -> int:
        """Bind the TLS port; returns the port number."""
        pair = (self._identity.tls_key_pem, self._identity.certificate_pem)
        return self._server.add_secure_port(address, grpc.ssl_server_credentials([pair]))

    async def start(self, record: pb.SignedRecord) -> None:
        """Serve, showing this record."""
        self._record = record
        await self._server.start()

    async def stop(self) -> None:
        """End all streams."""
        await self._server.stop(None)

    async def _identify(self, request: pb.IdentifyRequest, context: Context) -> pb.IdentifyResponse:
        if request.genesis_hash != self._genesis.hash:
            error = Rejected(
                "this node runs another genesis",
                reason="WRONG_GENESIS",
                expected=self._genesis.hash.hex(),
                found=request.genesis_hash.hex(),
            )
            await abort(context, error)
        return pb.IdentifyResponse(record=self._record)

    async def _attach(self, requests: Any, context: Context) -> None:
        try:
            peer = await self._greet(context)
        except QuorateError as error:
            log.info("a node was not let in", why=error.reason, caller=context.peer())
            await abort(context, error)
        reading = asyncio.create_task(self._read_frames(peer, context))
        stream = _Stream(reading)
        if peer.stream is not None:
            peer.stream.close(Rejected("the node attached anew", reason="REPLACED"))
        peer.stream = stream
        try:
            await asyncio.wait({reading})
        finally:
            reading.cancel()
            if peer.stream is stream:
                peer.stream = None
        if stream.error is not None:
            await abort(context, stream.error)
        reading.result()

    async def _greet(self, context: Context) -> Peer:
        if self._hellos >= HELLOS_MAX:
            raise Overloaded("the door of this node")
        self._hellos += 1
        try:
            nonce = token_bytes(32)
            await context.write(pb.AttachResponse(nonce=nonce))
            async with asyncio.timeout(HELLO_S):
                data = await context.read()
            record = self._check_hello(data, nonce)
        except TimeoutError as error:
            raise Unavailable("no hello came", reason="NO_HELLO") from error
        finally:
            self._hellos -= 1
        self._table.check_welcome(record.node_id)
        if self._table.learn(record):
            self._table.broadcast_note(record.fragment, besides=record.node_id)
        peer = self._table.peers.get(record.node_id)
        if peer is None:
            raise Overloaded("the peer table", retry_after_ms=5_000)
        peer.poke.set()
        return peer

    def _check_hello(self, data: Any, nonce: bytes) -> NodeRecord:
        message = pb.AttachRequest()
        try:
            if data is aio.EOF:
                raise InvalidInput("the stream ended before its hello", reason="BAD_HELLO")
            message.ParseFromString(data)
        except DecodeError as error:
            raise InvalidInput("the hello does not parse", reason="BAD_HELLO") from error
        record = check_record(message.hello.record, self._genesis)
        signed = self._identity.certificate_hash + nonce
        tag, signature = crypto.TAG_NODE_STREAM, message.hello.signature
        domain = self._genesis.domain
        if not crypto.is_signed(record.public_key, signature, tag, domain, signed):
            raise InvalidInput("the hello is not signed by its node", reason="BAD_HELLO")
        return record

    async def _read_frames(self, peer: Peer, context: Context) -> None:
        await context.write(pb.AttachResponse(accepted=True))
        received = metrics.PEER_BYTES.labels("in")
        node_id, frames = peer.node_id, self._frames
        while True:
            data = await context.read()
            if data is aio.EOF:
                return
            received.inc(len(data))
            if len(data) > FRAME_BYTES_MAX and not self._may_be_large(node_id, len(data)):
                self._table.add_fault(node_id, "OVERSIZED_FRAME")
                continue
            message = pb.AttachRequest()
            try:
                message.ParseFromString(data)
            except DecodeError:
                self._table.add_fault(node_id, "MALFORMED_FRAME")
                continue
            frames.handle(peer, message.frame)
            await asyncio.sleep(0)

    def _may_be_large(self, node_id: bytes, size_bytes: int) -> bool:
        return size_bytes <= ANSWER_BYTES_MAX and self._fetcher.has_asked(node_id)
