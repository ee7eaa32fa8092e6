"""The storage service: batches, blocks, world state, receipts; applies final blocks; catches up."""
