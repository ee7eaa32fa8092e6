"""Health says SERVING near the best peer with a healthy disk; else reads go on all the same."""

import asyncio

from grpc_health.v1 import health_pb2, health_pb2_grpc

from quorate.api.ledger.v1 import ledger_pb2

SERVING = health_pb2.HealthCheckResponse.SERVING


async def wait_health(node, wanted):
    stub = health_pb2_grpc.HealthStub(node.channel)
    async with asyncio.timeout(60):
        async for answer in stub.Watch(health_pb2.HealthCheckRequest(service="")):
            if (answer.status == SERVING) == wanted:
                return


async def test_ready_alone_and_not_while_far_behind(node, make_gossip):
    await wait_health(node, True)
    gossip = await make_gossip(node)
    gossip.announce(1_000)
    await wait_health(node, False)
    assert (await node.ledger.GetBlock(ledger_pb2.GetBlockRequest())).block.height == 0


async def test_not_ready_while_storage_is_at_fault(node):
    await wait_health(node, True)
    node.chain.set_fault("DAMAGED_DATABASE: test")
    await wait_health(node, False)
