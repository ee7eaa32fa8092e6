"""The gossip service: peers, mempool, batches; the only home of the node key."""
