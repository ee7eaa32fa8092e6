"""A test chain: its genesis, its signed transfers, and the blocks all nodes agree on."""

import asyncio

from quorate.api.storage.v1 import storage_pb2
from quorate.api.transaction.v1 import transaction_pb2 as pb
from quorate.core import crypto
from quorate.core.genesis import Genesis, build_genesis, build_seat_entry
from quorate.core.params import Params
from quorate.core.seats import Seat
from quorate.core.transactions import Signature, Transfer
from quorate.core.values import format_address
from quorate.kit.convert import decode_transaction, encode_body, encode_envelope

CHAIN = "quorate-test"
USER = crypto.SigningKey(bytes(31) + b"\x07")
USER_ADDRESS = crypto.compute_address(crypto.SCHEME_ED25519, USER.public_key)


def build_test_genesis(chain_id: str = CHAIN, seats: int = 4) -> str:
    """Return the text of a genesis with so many seats."""
    keys = [crypto.SigningKey(bytes(31) + bytes((100 + i,))) for i in range(seats)]
    entries = [build_seat_entry(chain_id, f"v{i}", key) for i, key in enumerate(keys)]
    balances = {format_address(USER_ADDRESS): 10**15}
    return build_genesis(chain_id, 1_700_000_000_000, Params(), entries, balances)


def sign_transfer(
    domain: bytes, sequence: int, lane: int = 0, key: crypto.SigningKey = USER, memo: bytes = b""
) -> bytes:
    """Return an encoded signed transfer."""
    sender = crypto.compute_address(crypto.SCHEME_ED25519, key.public_key)
    transfer = Transfer(sender, bytes(32), 1)
    body = encode_body(
        sender, lane, sequence, [transfer], valid_until_height=1_000, fee_limit=10_000, memo=memo
    )
    signature = key.sign(crypto.TAG_TRANSACTION, domain, body)
    return encode_envelope(body, [Signature(crypto.SCHEME_ED25519, key.public_key, signature)])


class Chain:
    """What all nodes of a test agree on: executed blocks."""

    def __init__(self, genesis: Genesis) -> None:
        self.genesis = genesis
        self.updates: list[storage_pb2.WatchExecutedResponse] = []
        self.receipts: dict[bytes, pb.Receipt] = {}
        # Finality receipts, and how often the next one is not claimed yet.
        self.proofs: dict[bytes, bytes] = {}
        self.unclaimed = 0
        self.pruned_below = 0
        self.epoch = 0
        self.sets: dict[int, tuple[Seat, ...]] = {}
        self._changed = asyncio.Event()

    @property
    def height(self) -> int:
        return len(self.updates)

    def skip(self, raws: list[bytes]) -> int:
        """Append a block that skips these because of a gap; returns its height."""
        height = self.execute(raws)
        frame = self.updates[-1].executed
        frame.outcomes[:] = [pb.OUTCOME_SKIPPED] * len(raws)
        frame.reasons[:] = ["SEQUENCE_GAP"] * len(raws)
        return height

    def execute(self, raws: list[bytes], batch: bytes = b"") -> int:
        """Append a block that executes these; returns its height."""
        height = self.height + 1
        found = [decode_transaction(raw, self.genesis.domain) for raw in raws]
        count = len(found)
        frame = pb.ExecutedFrame(
            height=height,
            block=height.to_bytes(32, "big"),
            ids=b"".join(t.id for t in found),
            positions=list(range(count)),
            outcomes=[pb.OUTCOME_SUCCEEDED] * count,
            fees=[1] * count,
            reasons=[""] * count,
        )
        self.updates.append(
            storage_pb2.WatchExecutedResponse(
                executed=frame,
                senders=b"".join(t.sender for t in found),
                lanes=[t.lane for t in found],
                sequences=[t.sequence for t in found],
                batches=batch,
                base_fee=1,
            )
        )
        for position, transaction in enumerate(found):
            self.receipts[transaction.id] = pb.Receipt(
                id=transaction.id, height=height, position=position, outcome=pb.OUTCOME_SUCCEEDED
            )
        self.wake()
        return height

    def execute_duplicate(self, raw: bytes, first_id: bytes) -> int:
        """Append a block in which this one comes after another one with its key."""
        height, id_ = self.execute([raw]), decode_transaction(raw, self.genesis.domain).id
        frame, receipt = self.updates[-1].executed, self.receipts[id_]
        frame.outcomes[:], frame.reasons[:] = [pb.OUTCOME_FAILED], ["DUPLICATE"]
        receipt.outcome, receipt.reason, receipt.first_id = (
            pb.OUTCOME_FAILED, "DUPLICATE", first_id,
        )  # fmt: skip
        return height

    def find_lanes(self, address: bytes) -> dict[int, int]:
        """Return an account's lanes with the sequence that must come next."""
        found: dict[int, int] = {}
        for update in self.updates:
            rows = enumerate(zip(update.lanes, update.sequences, strict=True))
            for position, (lane, sequence) in rows:
                if update.senders[32 * position :][:32] == address:
                    found[lane] = sequence + 1
        return found

    def wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def wait_change(self) -> None:
        await self._changed.wait()
