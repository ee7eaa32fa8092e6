"""A storage node whose chain has a counter, a contract-runner beside it, and ways to go on."""

from typing import Any

import grpc
import pytest

from quorate.api.contract.v1 import contract_pb2 as pb
from quorate.api.contract.v1 import contract_pb2_grpc
from quorate.core.blocks import Block
from quorate.core.contracts.payloads import CallContract, DeployContract
from quorate.core.contracts.records import compute_contract_address
from quorate.core.errors import QuorateError
from quorate.kit.faults import from_rpc_error
from tests.unit.quorate.storage.forge import Forge
from tests.unit.quorate.storage.runner import COUNTER, INTERFACE, Runner

FUEL = 50_000_000
NOBODY = b"n" * 32


class Scene:
    """A node whose chain has a counter at `contract`, its runner, and the means to go on."""

    def __init__(self, node: Any, forge: Forge, runner: Runner) -> None:
        self.node, self.forge, self.runner = node, forge, runner
        self.api = contract_pb2_grpc.ContractServiceStub(node.channel)
        self.contract = b""

    async def commit(self, *raws: bytes) -> Block:
        batch = self.forge.batch(raws)
        block = self.forge.block(self.node.chain.head, [batch])
        await self.node.commit([(block, [batch])])
        return block

    async def deploy(self, user: int = 0) -> bytes:
        signer = self.forge.addresses[user]
        raw = self.forge.act(
            DeployContract(signer, COUNTER, INTERFACE, 0, False, b"", 0, FUEL),
            user=user, fee_limit=10**9,
        )  # fmt: skip
        await self.commit(raw)
        return compute_contract_address(self.forge.identify(raw), 0)

    def count(self, by: int, user: int = 0) -> bytes:
        signer = self.forge.addresses[user]
        call = CallContract(
            signer, self.contract, "count", by.to_bytes(8, "little"), 0, FUEL, ()
        )  # fmt: skip
        return self.forge.act(call, user=user, fee_limit=10**9)

    async def view(self, method: str = "total", **how: Any) -> pb.ViewResponse:
        call = pb.CallRequest(**{"contract": self.contract, "method": method, **how})
        return await self.api.View(pb.ViewRequest(call=call))


async def refuse(call: Any) -> QuorateError:
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await call
    return from_rpc_error(raised.value)


def number(data: bytes) -> int:
    return int.from_bytes(data, "little")
