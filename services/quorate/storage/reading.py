"""Reads runs of final blocks for peers that catch up."""

from typing import Final

from quorate.api.storage.v1 import storage_pb2 as pb
from quorate.storage.chain import Chain
from quorate.storage.pacer import Pacer

# What a peer may ask for at most, and what one answer holds of batches at most: a message is
# bounded by kit.rpc.MESSAGE_BYTES_MAX. Batches left out are fetched by name.
RUN_BYTES_MAX: Final = 4 * 1024 * 1024
BATCHES_BYTES_MAX: Final = 12 * 1024 * 1024


async def read_run(chain: Chain, from_height: int, size_bytes_max: int) -> pb.ReadBlocksResponse:
    """Return blocks from a height on that end in a certified one; empty when there are none.

    Holds at least one certified run, and further ones while all stay within `size_bytes_max` and
    their epoch lasts: who takes a run must know its set, which may depend on what is before it.
    """
    bound = min(size_bytes_max or RUN_BYTES_MAX, RUN_BYTES_MAX)
    response, size, epoch = pb.ReadBlocksResponse(), 0, None
    following = max(from_height, chain.store.root.header.height + 1)
    while following <= chain.certified_height:
        first = chain.store.get_block(following).header.epoch
        if epoch not in (None, first):
            break
        epoch = first
        closing = chain.store.find_certificate(following)
        if closing is None or closing[0] > chain.certified_height:
            break
        part = await _read_certified(chain, following, closing[0])
        if response.blocks and size + part.ByteSize() > bound:
            break
        size += part.ByteSize()
        part.certificate = closing[1]
        response.MergeFrom(part)
        following = closing[0] + 1
        if size >= bound:
            break
    return response


async def _read_certified(chain: Chain, first: int, last: int) -> pb.ReadBlocksResponse:
    response, size, pacer = pb.ReadBlocksResponse(), 0, Pacer()
    for height in range(first, last + 1):
        block = chain.store.get_block(height)
        response.blocks.append(block.encode())
        for name in block.batches:
            batch = chain.batches.load(name)
            size += len(batch)
            if batch and size <= BATCHES_BYTES_MAX:
                response.batches.append(batch)
            await pacer.pause()
    return response
