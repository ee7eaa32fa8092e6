"""Which fee gets a transaction into one of the next blocks: asked of all validators with a seat.

The base fee is exact for the next block and bounded exactly for those after it. The tip comes of
what waits at each validator, since nobody knows beforehand which one a lane goes to
(docs/protocol.md#F4).
"""

import asyncio
from collections.abc import Sequence
from typing import Final, NamedTuple

from grpc import aio

from quorate.api.gossip.v1 import gossip_pb2
from quorate.api.ledger.v1.ledger_pb2 import Block, GetBlockRequest
from quorate.api.transaction.v1 import transaction_pb2 as pb
from quorate.core.blocks import compute_base_fee
from quorate.core.errors import InvalidInput, Unavailable
from quorate.core.fees import BLOCKS_MAX, compute_base_fee_max, compute_tip
from quorate.core.genesis import Genesis
from quorate.core.gossip.market import Figures
from quorate.core.kinds import KINDS
from quorate.core.transactions import WEIGHT_PER_PAYLOAD, compute_weight
from quorate.core.values import UINT64_MAX
from quorate.gateway.backends import Backend
from quorate.gateway.ledger import Reads

WITHIN_BLOCKS: Final = 12
# Answers are this old at most: an estimate per transaction must not cost a round of calls each.
FRESH_S: Final = 0.2
ASK_S: Final = 1.0
TRANSFER: Final = "transfer"


class Readings(NamedTuple):
    """What the validators and the chain said, at one moment."""

    block: Block
    reports: dict[str, pb.QueueReport]
    read_at_s: float


class Estimator:
    """Answers EstimateFee."""

    def __init__(self, backends: Sequence[Backend], genesis: Genesis, reads: Reads) -> None:
        self._backends, self._reads = backends, reads
        self._params = genesis.params
        self._lock = asyncio.Lock()
        self._readings: Readings | None = None

    async def estimate(self, request: pb.EstimateFeeRequest) -> pb.EstimateFeeResponse:
        """Return fee limit and tip with their basis; raises InvalidInput or Unavailable."""
        weight, within = self._find_weight(request), request.within_blocks or WITHIN_BLOCKS
        if within > BLOCKS_MAX:
            raise InvalidInput(
                f"within {within} blocks: 1 to {BLOCKS_MAX}", reason="OUT_OF_RANGE", most=BLOCKS_MAX
            )
        block, reports, _ = await self._read()
        params = self._params
        base_fee = compute_base_fee(block.base_fee, block.weight, params)
        base_fee_max = compute_base_fee_max(base_fee, within, params)
        bases = [
            _judge(name, report, within, params.block_weight_max)
            for name, report in sorted(reports.items())
        ]
        price = max(basis.price for basis in bases)
        tip = min(compute_tip(price, weight), UINT64_MAX)
        return pb.EstimateFeeResponse(
            fee_limit=min(weight * base_fee_max, UINT64_MAX - tip),
            tip=tip,
            weight=weight,
            within_blocks=within,
            blocks=max(basis.blocks for basis in bases),
            height=block.height,
            base_fee=base_fee,
            base_fee_max=base_fee_max,
            block_weight=block.weight,
            block_weight_max=params.block_weight_max,
            price=price,
            validators=bases,
        )

    def _find_weight(self, request: pb.EstimateFeeRequest) -> int:
        weight, most = request.weight, self._params.block_weight_max
        if not weight:
            if not (request.size_bytes and request.signatures and request.payloads):
                raise InvalidInput(
                    "give a weight, or size, signatures and payloads", reason="NO_WEIGHT"
                )
            weight = _compute_weight(request)
        if weight > most:
            raise InvalidInput(
                f"weighs {weight}, a block at most {most}", reason="OVERSIZED", weight_max=most
            )
        return weight

    async def _read(self) -> Readings:
        """Return readings that are fresh; whoever asks meanwhile waits for the same ones."""
        loop = asyncio.get_running_loop()
        async with self._lock:
            found = self._readings
            if found is None or loop.time() - found.read_at_s > FRESH_S:
                answer, reports = await asyncio.gather(
                    self._reads.get_block(GetBlockRequest()), self._ask()
                )
                if not reports:
                    raise Unavailable("no validator with a seat answers")
                found = self._readings = Readings(answer.block, reports, loop.time())
            return found

    async def _ask(self) -> dict[str, pb.QueueReport]:
        now_s = asyncio.get_running_loop().time()
        asked = [backend for backend in self._backends if backend.is_candidate(now_s)]
        request = gossip_pb2.ReportQueueRequest()
        calls = [backend.ingress.ReportQueue(request, timeout=ASK_S) for backend in asked]
        answers = await asyncio.gather(*calls, return_exceptions=True)
        found: dict[str, pb.QueueReport] = {}
        for backend, answer in zip(asked, answers, strict=True):
            if isinstance(answer, gossip_pb2.ReportQueueResponse):
                found[backend.name] = answer.report
            elif not isinstance(answer, aio.AioRpcError):
                raise answer
        return found


def _compute_weight(request: pb.EstimateFeeRequest) -> int:
    weight = compute_weight(request.size_bytes, request.signatures, [])
    for name in request.payloads:
        if name != TRANSFER and name not in KINDS:
            raise InvalidInput(
                f"'{name}' is no kind of payload that pays", reason="UNKNOWN_PAYLOAD"
            )
        weight += WEIGHT_PER_PAYLOAD + (0 if name == TRANSFER else KINDS[name].weight)
    return weight


def _judge(name: str, report: pb.QueueReport, within: int, block_weight_max: int) -> pb.QueueBasis:
    figures = Figures(
        ladder=tuple(zip(report.prices, report.weights, strict=True)),
        unfinalized_weight=report.unfinalized_weight,
        lag_blocks=report.lag_blocks,
        block_weight=report.block_weight,
        paid=report.paid_prices,
        is_shut=report.ready_bytes >= report.ready_bytes_max,
    )
    price, blocks = figures.find_price(within, block_weight_max)
    return pb.QueueBasis(validator=name, report=report, price=price, blocks=blocks)
