"""A chain of one real storage with a gateway before it, on which every submission is a block."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from grpc import aio

from quorate.api.gossip.v1 import gossip_pb2 as pb
from quorate.api.gossip.v1 import gossip_pb2_grpc
from quorate.gateway import wiring
from quorate.kit.config import GatewayConfig, ValidatorAddress
from quorate.sdk.keys import Key
from tests.unit.quorate.storage.conftest import Node
from tests.unit.quorate.storage.forge import Forge
from tests.unit.quorate.storage.runner import Runner


class Ingress(gossip_pb2_grpc.IngressServiceServicer):
    """Takes transactions, and has each chunk executed in a block of its own."""

    def __init__(self, node: Node, forge: Forge) -> None:
        self._node, self._forge, self._lock = node, forge, asyncio.Lock()

    async def Describe(self, request: pb.DescribeRequest, context: Any) -> pb.DescribeResponse:
        return pb.DescribeResponse(
            node_id=bytes(32), seat=0, domain=self._forge.genesis.domain, peers=3, view=1,
            engine="voting", height=self._node.chain.height,
        )  # fmt: skip

    async def Submit(
        self, request_iterator: AsyncIterator[pb.SubmitRequest], context: Any
    ) -> AsyncIterator[pb.SubmitResponse]:
        async for request in request_iterator:
            async with self._lock:
                batch = self._forge.batch(list(request.transactions))
                block = self._forge.block(self._node.chain.head, [batch])
                await self._node.commit([(block, [batch])])
            yield pb.SubmitResponse(chunk=request.chunk)

    async def ReportQueue(
        self, request: pb.ReportQueueRequest, context: Any
    ) -> pb.ReportQueueResponse:
        return pb.ReportQueueResponse()

    async def WatchStages(
        self, request: pb.WatchStagesRequest, context: Any
    ) -> AsyncIterator[pb.WatchStagesResponse]:
        await asyncio.Event().wait()
        yield pb.WatchStagesResponse()


class World:
    """The services, and keys of its rich accounts; `target` is the gateway."""

    def __init__(self, directory: Path) -> None:
        self.forge, self.runner = Forge(), Runner()
        self.node = Node(self.forge, directory / "home", directory)
        self._ingress = aio.server()

    async def start(self) -> None:
        await self.runner.start(self.node.config.socket("contracts"))
        await self.node.start()
        ingress = Ingress(self.node, self.forge)
        gossip_pb2_grpc.add_IngressServiceServicer_to_server(ingress, self._ingress)
        port = self._ingress.add_insecure_port("127.0.0.1:0")
        await self._ingress.start()
        assert self.node.service is not None
        address = ValidatorAddress(
            name="v0",
            gossip=f"127.0.0.1:{port}",
            storage=f"127.0.0.1:{self.node.service.api_port}",
        )
        genesis = self.node.home / "genesis.json"
        config = GatewayConfig(genesis=genesis, listen="127.0.0.1:0", validators=[address])
        self._gateway = await wiring.start(config)
        await self._gateway.wait_ready()
        self.target = f"127.0.0.1:{self._gateway.port}"

    def load_key(self, user: int) -> Key:
        return Key((1_000 + user).to_bytes(32, "big"))

    async def stop(self) -> None:
        await self._gateway.stop()
        await self._ingress.stop(None)
        await self.node.stop()
        await self.runner.stop()
