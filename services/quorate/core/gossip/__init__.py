"""The pure part of gossip: the mempool, held batches, outgoing queues and scores of peers."""
