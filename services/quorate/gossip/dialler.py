"""Dials every known peer and keeps one stream to each; all that this node sends goes there.

The server is authenticated by its certificate, which is learnt by a plain handshake, pinned as the
channel's only root, and believed when the node's signed record carries its hash. The caller proves
itself by signing that hash and the server's nonce (docs/adr/001-node-streams.md).
"""

import asyncio
import random
import ssl
from contextlib import suppress
from hashlib import sha256
from typing import Any, Final

import grpc
from grpc import aio

from quorate.api.peers.v1 import peers_pb2 as pb
from quorate.api.peers.v1 import peers_pb2_grpc as rpc
from quorate.core import crypto
from quorate.core.errors import QuorateError, Rejected, Unavailable
from quorate.core.genesis import Genesis
from quorate.gossip.identity import TLS_NAME, Identity
from quorate.gossip.peers import Peer, PeerTable
from quorate.gossip.records import check_record, parse_address
from quorate.kit import failpoints, metrics
from quorate.kit.faults import from_rpc_error
from quorate.kit.logs import get_logger
from quorate.kit.rpc import open_channel
from quorate.kit.tasks import Tasks

ATTACH: Final = "/quorate.api.peers.v1.PeerService/Attach"
HANDSHAKE_S: Final = 3.0
# A first packet that is lost is repeated ever more slowly: rather than wait for it, dial beside it.
HEDGE_S: Final = 0.75
# How long held names, requests and batches wait for more of them.
GATHER_S: Final = 0.006
BACKOFF_S: Final = 0.05
BACKOFF_S_MAX: Final = 1.0

_FRAME_TAG: Final = b"\x12"

log = get_logger("gossip")
Call = aio.StreamStreamCall[Any, Any]


class Dialler:
    """Owns one task per known peer."""

    def __init__(
        self, table: PeerTable, identity: Identity, record: pb.SignedRecord, genesis: Genesis
    ) -> None:
        self._table, self._identity, self._genesis = table, identity, genesis
        self._record = record
        self._reach = failpoints.open_failpoints()
        self._tasks: Tasks | None = None

    def start(self, tasks: Tasks) -> None:
        """Dial all known peers, and each new one."""
        self._tasks = tasks
        for peer in self._table.peers.values():
            self.add(peer)
        self._table.on_new = self.add

    def add(self, peer: Peer) -> None:
        """Keep a stream to this peer from now on."""
        if self._tasks is not None:
            self._tasks.start(self._run(peer), f"dial {peer.short_id}")

    async def _run(self, peer: Peer) -> None:
        backoff_s, last_reason = BACKOFF_S, ""
        while not self._table.forget_if_lost(peer):
            was_up = False
            try:
                await self._hold_stream(peer)
            except (QuorateError, aio.AioRpcError, OSError, TimeoutError) as error:
                was_up = peer.is_up
                reason = _describe(error)
                if reason != last_reason or was_up:
                    log.info("no stream to peer", peer=peer.short_id, why=reason)
                last_reason = reason
            finally:
                self._table.set_down(peer)
            backoff_s = BACKOFF_S if was_up else min(backoff_s * 2, BACKOFF_S_MAX)
            peer.failures += 1
            await self._wait(peer, backoff_s)

    async def _wait(self, peer: Peer, backoff_s: float) -> None:
        ban_ms = self._table.get_ban_ms(peer)
        if ban_ms:
            await asyncio.sleep(ban_ms / 1_000)
            return
        peer.poke.clear()
        wait_s = backoff_s * _jitter()
        try:
            # A peer that calls is there: dial it at once, but never in a tight circle.
            await asyncio.sleep(BACKOFF_S * _jitter())
            async with asyncio.timeout(wait_s):
                await peer.poke.wait()
        except TimeoutError:
            return

    async def _hold_stream(self, peer: Peer) -> None:
        address = peer.pick_address()
        certificate = await _fetch_soon(address)
        pem = ssl.DER_cert_to_PEM_cert(certificate).encode()
        credentials = grpc.ssl_channel_credentials(pem)
        async with open_channel(address, credentials, override=TLS_NAME) as channel:
            certificate_hash = sha256(certificate).digest()
            await self._identify(channel, peer, certificate_hash)
            call: Call = channel.stream_stream(
                ATTACH, response_deserializer=pb.AttachResponse.FromString
            )()
            try:
                async with asyncio.timeout(HANDSHAKE_S):
                    await self._introduce(call, certificate_hash)
                await self._use(call, peer)
            finally:
                call.cancel()

    async def _identify(self, channel: aio.Channel, peer: Peer, certificate_hash: bytes) -> None:
        request = pb.IdentifyRequest(genesis_hash=self._genesis.hash)
        answer = await rpc.PeerServiceStub(channel).Identify(request, timeout=HANDSHAKE_S)
        record = check_record(answer.record, self._genesis)
        if record.node_id != peer.node_id:
            raise Rejected("another node answers there", reason="OTHER_NODE")
        if record.certificate_hash != certificate_hash:
            raise Rejected("it serves another certificate", reason="OTHER_CERTIFICATE")
        if self._table.learn(record):
            self._table.broadcast_note(record.fragment, besides=peer.node_id)

    async def _introduce(self, call: Call, certificate_hash: bytes) -> None:
        first: Any = await call.read()
        if first is aio.EOF or len(first.nonce) != 32:
            raise Unavailable("the peer sent no nonce")
        signature = self._identity.key.sign(
            crypto.TAG_NODE_STREAM, self._genesis.domain, certificate_hash + first.nonce
        )
        hello = pb.Hello(record=self._record, signature=signature)
        await call.write(pb.AttachRequest(hello=hello).SerializeToString())
        accepted = await call.read()
        if accepted is aio.EOF:
            await _raise_end(call)

    async def _use(self, call: Call, peer: Peer) -> None:
        peer.hang_up = call.cancel
        self._table.set_up(peer)
        writing = asyncio.create_task(_write_frames(call, peer, self._reach))
        # The server says nothing more: what is read here is the end of the stream.
        ending = asyncio.create_task(_raise_end(call))
        try:
            done, _ = await asyncio.wait({writing, ending}, return_when=asyncio.FIRST_COMPLETED)
            done.pop().result()
        except asyncio.CancelledError as error:
            if asyncio.current_task().cancelling():  # type: ignore[union-attr]
                raise
            raise Unavailable("hung up") from error
        finally:
            peer.hang_up = lambda: None
            writing.cancel()
            ending.cancel()
            await asyncio.gather(writing, ending, return_exceptions=True)


async def fetch_certificate(address: str) -> bytes:
    """Return the certificate (DER) that a TLS server shows; nothing of it is believed yet."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    host, port = parse_address(address)
    _, writer = await asyncio.open_connection(host, port, ssl=context)
    try:
        shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    finally:
        writer.transport.abort()
    if not shown:
        raise Unavailable("the peer shows no certificate")
    return bytes(shown)


async def _fetch_soon(address: str) -> bytes:
    """Fetch a certificate; while attempts hang, begin more, and take the first that ends."""
    attempts: set[asyncio.Task[bytes]] = set()
    try:
        async with asyncio.timeout(HANDSHAKE_S):
            while True:
                attempts.add(asyncio.create_task(fetch_certificate(address)))
                done, _ = await asyncio.wait(
                    attempts, timeout=HEDGE_S, return_when=asyncio.FIRST_COMPLETED
                )
                if done:
                    return done.pop().result()
    finally:
        for attempt in attempts:
            attempt.cancel()
        await asyncio.gather(*attempts, return_exceptions=True)


async def gather(urgent: asyncio.Event, wait_s: float) -> None:
    """Wait for company, but not once something urgent has come."""
    if urgent.is_set():
        await asyncio.sleep(0)
        return
    with suppress(TimeoutError):
        async with asyncio.timeout(wait_s):
            await urgent.wait()


async def _write_frames(call: Call, peer: Peer, reach: failpoints.Reach) -> None:
    outbox, wake = peer.outbox, peer.wake
    sent = metrics.PEER_BYTES.labels("out")
    while True:
        while not outbox:
            wake.clear()
            await wake.wait()
        # A frame costs the same whatever is in it: what is not urgent waits for company, and an
        # urgent one takes along whoever has something to say in this turn of the loop.
        await gather(peer.urgent, GATHER_S)
        peer.urgent.clear()
        draft = outbox.take()
        frame = draft.fragments
        if draft.held:
            frame += pb.Frame(held=draft.held).SerializeToString()
        data = _FRAME_TAG + _encode_varint(len(frame)) + frame
        sent.inc(len(data))
        try:
            await call.write(data)
            reach(failpoints.AMID_SENDS)
        except asyncio.InvalidStateError as error:
            raise Unavailable("the stream is over") from error


async def _raise_end(call: Call) -> None:
    while await call.read() is not aio.EOF:
        continue
    code, details = await call.code(), await call.details()
    raise aio.AioRpcError(
        code, await call.initial_metadata(), await call.trailing_metadata(), details
    )


def _jitter() -> float:
    return random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, hides nothing


def _encode_varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def _describe(error: Exception) -> str:
    if isinstance(error, aio.AioRpcError):
        error = from_rpc_error(error)
    if isinstance(error, QuorateError):
        return f"{error.reason}: {error.message}"
    return f"{type(error).__name__}: {error}"
