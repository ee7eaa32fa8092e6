"""Creates the parts of the contract-runner and joins them; holds no logic."""

from dataclasses import dataclass

from quorate.api.contracts.v1 import contracts_pb2, contracts_pb2_grpc
from quorate.contracts import sandbox
from quorate.contracts.artefacts import Cache
from quorate.contracts.child import EXECUTE, VIEW
from quorate.contracts.children import Spawner
from quorate.contracts.compiler import Compiler
from quorate.contracts.servicer import ContractsServicer
from quorate.contracts.streams import Desk
from quorate.kit.config import NodeConfig
from quorate.kit.rpc import Server
from quorate.kit.tasks import Tasks


@dataclass
class Contracts:
    """A running contract-runner."""

    spawner: Spawner
    compiler: Compiler
    execution: Desk
    views: Desk
    server: Server
    tasks: Tasks

    async def wait_failed(self) -> None:
        """Return only by raising the error of a background task that died."""
        await self.tasks.wait_failed()

    async def stop(self) -> None:
        """Stop serving, then end all processes."""
        await self.server.stop()
        await self.tasks.stop()
        await self.spawner.stop()


async def start(config: NodeConfig) -> Contracts:
    """Start the contract-runner; returns once it serves.

    Raises RefusedToStart where children can't be enclosed and `contracts_sandbox` wants it.
    """
    if config.contracts_sandbox:
        sandbox.check()
    # Before this process opens any channel: the spawner shall never see one.
    spawner = Spawner(sandboxed=config.contracts_sandbox)
    spawner.start()
    tasks = Tasks()
    tasks.start(spawner.run(), "spawner")
    compiler = Compiler(spawner, Cache(config.home / "contracts" / "cache"))
    execution, views = Desk(EXECUTE, spawner, compiler), Desk(VIEW, spawner, compiler)
    try:
        await execution.warm()
        await views.warm()
        server = Server([contracts_pb2.DESCRIPTOR.services_by_name["ContractsService"].full_name])
        contracts_pb2_grpc.add_ContractsServiceServicer_to_server(
            ContractsServicer(execution, views, compiler), server.server
        )
        server.server.add_insecure_port(config.socket("contracts"))
        await server.start()
        tasks.start(spawner.keep_told(server), "readiness")
    except BaseException:
        await tasks.stop()
        await spawner.stop()
        raise
    return Contracts(spawner, compiler, execution, views, server, tasks)
