"""Keys, signed things, and a tiny storage and consensus of one node over real gRPC."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

from grpc import aio

from quorate.api.consensus.v1 import consensus_pb2, consensus_pb2_grpc
from quorate.api.storage.v1 import storage_pb2, storage_pb2_grpc
from quorate.api.transaction.v1 import transaction_pb2 as tx
from quorate.core import crypto
from quorate.core.batches import (
    HEADER_BYTES,
    SIGNED_HEADER_BYTES,
    Batch,
    BatchHeader,
    compute_batch_name,
    compute_content_hash,
)
from quorate.core.codec import U64, pack_list, split_hashes
from quorate.core.errors import Rejected
from quorate.core.genesis import Genesis, build_genesis, build_seat_entry
from quorate.core.params import Params
from quorate.core.seats import Seat, SeatSet
from quorate.core.state import Account
from quorate.core.transactions import Signature, Transfer
from quorate.core.values import format_address
from quorate.kit.config import NodeConfig
from quorate.kit.convert import decode_transaction, encode_body, encode_envelope
from quorate.kit.faults import abort

CHAIN = "gossip-test"
DEADLINE_S = 60.0
SEAT_KEYS = [crypto.SigningKey(bytes(31) + bytes((200 + i,))) for i in range(8)]
_NUMBERS = {key.public_key: number for number, key in enumerate(SEAT_KEYS)}
USERS = [crypto.SigningKey(bytes(30) + (300 + i).to_bytes(2, "big")) for i in range(16)]


def address_of(key: crypto.SigningKey) -> bytes:
    """Return a key's address."""
    return crypto.compute_address(crypto.SCHEME_ED25519, key.public_key)


def find_number(key: bytes) -> int | None:
    """Return which of SEAT_KEYS a public key is: its seat in the genesis of these tests."""
    return _NUMBERS.get(key)


def build_test_genesis(seats: int = 4, chain_id: str = CHAIN, **params: int) -> str:
    """Return the text of a genesis with so many seats."""
    entries = [build_seat_entry(chain_id, f"v{i}", SEAT_KEYS[i]) for i in range(seats)]
    balances = {format_address(address_of(key)): 10**12 for key in USERS}
    return build_genesis(chain_id, 1_700_000_000_000, Params(**params), entries, balances)


def sign_transfer(
    genesis: Genesis,
    sequence: int,
    *,
    user: int = 0,
    lane: int = 0,
    valid_until: int = 1_000,
    **extra: Any,
) -> bytes:
    """Return an encoded signed transfer of one user."""
    key, sender = USERS[user], address_of(USERS[user])
    transfer = Transfer(sender, bytes(32), extra.pop("amount", 1))
    fee_limit = extra.pop("fee_limit", 10_000)
    body = encode_body(
        sender, lane, sequence, [transfer], valid_until_height=valid_until, fee_limit=fee_limit,
        **extra,
    )  # fmt: skip
    signature = key.sign(crypto.TAG_TRANSACTION, genesis.domain, body)
    return encode_envelope(body, [Signature(crypto.SCHEME_ED25519, key.public_key, signature)])


class Siblings(
    storage_pb2_grpc.StorageServiceServicer,
    storage_pb2_grpc.ExecutedServiceServicer,
    consensus_pb2_grpc.ConsensusServiceServicer,
):
    """Storage and consensus of one node, reduced to what gossip sees of them."""

    def __init__(self, genesis: Genesis, seat: int | None) -> None:
        self.genesis, self.seat = genesis, seat
        # What storage has executed up to; an engine that a test attaches may tell more.
        self.epoch, self.sets = 0, list(genesis.sets)
        self.batches: dict[bytes, bytes] = {}
        self.final: set[bytes] = set()
        self.accounts = {a: Account(b, {}) for a, b in genesis.balances}
        self.height, self.base_fee, self.epoch = 0, 1, 0
        self.marks: dict[tuple[int, int], bytes] = {}
        self.updates: list[storage_pb2.WatchExecutedResponse] = []
        self.refuses_to_sign = False
        self.asked: list[BatchHeader] = []
        self.reads = self.puts = 0
        self.blocks: list[bytes] = []
        self.changed = asyncio.Event()
        self._servers: list[aio.Server] = []

    async def start(self, config: NodeConfig) -> None:
        for role in ("storage", "consensus"):
            server = aio.server()
            if role == "storage":
                storage_pb2_grpc.add_StorageServiceServicer_to_server(self, server)
                storage_pb2_grpc.add_ExecutedServiceServicer_to_server(self, server)
            else:
                consensus_pb2_grpc.add_ConsensusServiceServicer_to_server(self, server)
            server.add_insecure_port(config.socket(role))
            await server.start()
            self._servers.append(server)

    async def stop(self) -> None:
        for server in self._servers:
            await server.stop(None)
        self._servers.clear()

    def wake(self) -> None:
        self.changed.set()
        self.changed = asyncio.Event()

    async def wait(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(DEADLINE_S):
            while not condition():
                await self.changed.wait()

    def execute(self, names: list[bytes], skip: dict[bytes, str] | None = None) -> None:
        """Execute batches as the next block; `skip` maps ids to reasons."""
        skip = skip or {}
        self.height += 1
        update = storage_pb2.WatchExecutedResponse(
            batches=b"".join(names), base_fee=self.base_fee, epoch=self.epoch
        )
        frame = update.executed
        frame.height, frame.block = self.height, bytes(32)
        senders = []
        for name in names:
            self.final.add(name)
            for raw in Batch.decode(self.batches[name]).transactions():
                t = decode_transaction(raw, self.genesis.domain)
                account = self.accounts.setdefault(t.sender, Account(0, {}))
                reason = skip.get(t.id, "")
                frame.ids += t.id
                frame.positions.append(len(frame.fees))
                frame.outcomes.append(tx.OUTCOME_SKIPPED if reason else tx.OUTCOME_SUCCEEDED)
                fee = 0 if reason or t.report else t.weight
                frame.fees.append(fee)
                frame.reasons.append(reason)
                senders.append(t.sender)
                update.lanes.append(t.lane)
                update.sequences.append(t.sequence)
                if not reason:
                    account.lanes[t.lane] = t.sequence + 1
                    moved = [p.amount for p in t.payloads if isinstance(p, Transfer)]
                    account.balance -= fee + sum(moved)
        update.senders = b"".join(senders)
        self.updates.append(update)
        self.wake()

    async def PutBatches(self, request: Any, context: Any) -> Any:
        self.puts += 1
        for encoded in request.batches:
            self.batches[compute_batch_name(encoded[:HEADER_BYTES])] = encoded
        self.wake()
        return storage_pb2.PutBatchesResponse()

    async def GetBatches(self, request: Any, context: Any) -> Any:
        names = split_hashes(request.names, "names")
        return storage_pb2.GetBatchesResponse(batches=[self.batches.get(n, b"") for n in names])

    async def ReadState(self, request: Any, context: Any) -> Any:
        self.reads += 1
        found = [self.accounts.get(a) for a in split_hashes(request.addresses, "addresses")]
        return storage_pb2.ReadStateResponse(
            height=self.height,
            accounts=[b"" if a is None else a.encode() for a in found],
            idempotency=[b"" for _ in request.idempotency_keys],
            base_fee=self.base_fee,
            marks=[self.marks.get((each.epoch, each.seat), b"") for each in request.accused],
            epoch=self.epoch,
        )

    async def OpenChain(self, request: Any, context: Any) -> Any:
        headers = [b[:SIGNED_HEADER_BYTES] for n, b in self.batches.items() if n not in self.final]
        start = replace(self.genesis.start, epoch=self.epoch)
        return storage_pb2.OpenChainResponse(
            held_headers=headers,
            epoch_start=start.encode(),
            sets=[each.encode() for each in self.sets],
        )

    async def ReadBlocks(self, request: Any, context: Any) -> Any:
        blocks = self.blocks[request.from_height - 1 :]
        return storage_pb2.ReadBlocksResponse(blocks=blocks, certificate=b"c" if blocks else b"")

    async def Commit(self, requests: Any, context: Any) -> Any:
        raise NotImplementedError

    async def WatchExecuted(self, request: Any, context: Any) -> AsyncIterator[Any]:
        at = request.from_height or self.height + 1
        while True:
            changed = self.changed
            while at <= self.height:
                yield self.updates[at - 1]
                at += 1
            await changed.wait()

    async def SignBatch(self, request: Any, context: Any) -> Any:
        self.asked.append(BatchHeader.decode(request.header))
        if self.refuses_to_sign or self.seat is None:
            await abort(context, Rejected("must not", reason="MUST_NOT_SIGN"))
        key = SEAT_KEYS[self.seat]
        signature = key.sign(crypto.TAG_BATCH, self.genesis.domain, request.header)
        return consensus_pb2.SignBatchResponse(signature=signature)

    async def SignNode(self, request: Any, context: Any) -> Any:
        if self.seat is None:
            return consensus_pb2.SignNodeResponse(epoch=self.epoch)
        key, message = SEAT_KEYS[self.seat], U64.pack(self.epoch) + request.node_id
        signature = key.sign(crypto.TAG_SEAT_NODE, self.genesis.domain, message)
        return consensus_pb2.SignNodeResponse(
            public_key=key.public_key, epoch=self.epoch, signature=signature
        )

    async def GetStatus(self, request: Any, context: Any) -> Any:
        state = "observing" if self.seat is None else "voting"
        return consensus_pb2.GetStatusResponse(view=7, seat=self.seat, state=state)


def build_set(epoch: int, *numbers: int) -> SeatSet:
    """Return the set of an epoch in which these of SEAT_KEYS hold the seats."""
    seats = [Seat(i, f"v{n}", SEAT_KEYS[n].public_key) for i, n in enumerate(numbers)]
    return SeatSet(epoch, tuple(seats))


def build_batch(
    genesis: Genesis, raws: list[bytes], seat: int, key: int | None = None, **fields: int
) -> Batch:
    """Return a sealed batch; `fields` replace what its header should say, `key` who signs."""
    content = pack_list(raws)
    values = {"epoch": 0, "author": seat, "number": 1, "count": len(raws), "expiry_height": 100}
    if "weight" not in fields:
        weights = [decode_transaction(raw, genesis.domain).weight for raw in raws]
        values["weight"] = sum(weights)
    values |= {"size_bytes": len(content)} | fields
    header = BatchHeader(**values, content_hash=compute_content_hash(content))
    encoded = header.encode()
    signer = SEAT_KEYS[seat if key is None else key]
    signature = signer.sign(crypto.TAG_BATCH, genesis.domain, encoded)
    return Batch(header, signature, content, compute_batch_name(encoded))
