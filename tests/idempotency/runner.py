"""Sends a plan's payments through kills, then shows that each took effect exactly once."""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field

from quorate.core.errors import QuorateError
from quorate.core.genesis import Genesis, parse_genesis
from quorate.core.values import compute_faults
from quorate.devnet import checks
from quorate.devnet.accounts import load_accounts
from quorate.devnet.audit import merge_audit_logs
from quorate.devnet.layout import Spec
from quorate.devnet.network import Network, temporary_network
from quorate.devnet.readiness import wait_engine, wait_ready
from tests.faults.lasting import last
from tests.idempotency import kills as draws
from tests.idempotency.clients import Clients
from tests.idempotency.effects import Verdict, judge, read_facts
from tests.idempotency.gateways import Gateways
from tests.idempotency.kills import Kill, draw_kills
from tests.idempotency.plan import Plan

ACCOUNTS = 5
READY_S = 60.0
VOTING_S = 60.0
AGREES_S = 30.0


@dataclass
class Report:
    """What was done so far, and what was found in the end."""

    sends: int = 0
    done: int = 0
    work: int = 0
    connections: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    transactions: int = 0
    height: int = 0
    messages: int = 0
    verdict: Verdict = field(default_factory=Verdict)


Tell = Callable[[Report], None]


class Sending:
    """One plan on one network that is up."""

    def __init__(self, network: Network, gateways: Gateways, clients: Clients) -> None:
        self._network, self._gateways, self._clients = network, gateways, clients
        self.report = Report(
            sends=clients.plan.sends,
            work=clients.work,
            connections=clients.plan.processes * clients.plan.connections,
        )

    def draw(self, seed: int, count: int) -> list[Kill]:
        """Return the kills of a seed for this network and these clients."""
        validators = [node.name for node in self._network.layout.nodes]
        names = {
            draws.CLIENT: self._clients.names,
            draws.GATEWAY: self._gateways.names,
            draws.VALIDATOR: validators,
        }
        return draw_kills(seed, count, names, self._clients.work, compute_faults(len(validators)))

    async def run(self, kills: list[Kill], tell: Tell) -> None:
        """Send everything, with these kills on the way; raises ClientFailed."""
        telling = asyncio.create_task(self._keep_telling(tell))
        try:
            for kill in kills:
                await self._clients.wait(kill.due)
                await self._strike(kill)
            await self._clients.wait_end()
        finally:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)
            self._note(tell)

    async def _strike(self, kill: Kill) -> None:
        struck = await asyncio.gather(*[self._kill(kill.kind, name) for name in kill.names])
        if any(struck):
            self.report.kills[kill.kind] += sum(struck)
        await last(kill.down_s)
        for name in kill.names:
            if kill.kind == draws.CLIENT:
                await self._clients.start(name)
            elif kill.kind == draws.GATEWAY:
                self._gateways.start(name)
            else:
                self._network.start(name)
        if kill.kind in (draws.VALIDATOR, draws.EVERY_VALIDATOR):
            for name in kill.names:
                # Who is killed next finds all the others voting: never more than f are away.
                await wait_engine(self._network.layout.find_node(name), ("voting",), VOTING_S)

    async def _kill(self, kind: str, name: str) -> bool:
        if kind == draws.CLIENT:
            return await self._clients.kill(name)
        kill = self._gateways.kill if kind == draws.GATEWAY else self._kill_node
        return await asyncio.to_thread(kill, name)

    def _kill_node(self, name: str) -> bool:
        return bool(self._network.kill(name))

    async def _keep_telling(self, tell: Tell) -> None:
        while True:
            self._note(tell)
            await last(0.5)

    def _note(self, tell: Tell) -> None:
        self.report.done = self._clients.done
        tell(self.report)


def make_plan(network: Network, endpoints: tuple[str, ...], seed: int, sends: int) -> Plan:
    """Return a plan for a network whose load accounts pay."""
    accounts = load_accounts(network.layout.directory)
    seeds = tuple(accounts.load_seed(number).hex() for number in range(ACCOUNTS))
    return Plan(seed=seed, sends=sends, endpoints=endpoints, account_seeds=seeds)


async def run_sends(seed: int, sends: int, kills: int, tell: Tell, limit_s: float) -> Report:
    """Do it all on a network of its own; raises AssertionError, QuorateError, TimeoutError."""
    with temporary_network(Spec()) as network, ExitStack() as stack:
        network.up()
        await wait_ready(network, READY_S)
        gateways = Gateways(network)
        stack.callback(gateways.stop)
        gateways.start(gateways.names[1])
        plan = make_plan(network, gateways.endpoints, seed, sends)
        try:
            async with asyncio.timeout(limit_s), Clients(plan, network.layout.directory) as clients:
                sending = Sending(network, gateways, clients)
                await sending.run(sending.draw(seed, kills), tell)
            await agree(network)
            gateways.stop()
            assert network.down() == [], "something did not stop in time"
            await asyncio.to_thread(conclude, network, plan, sending.report)
        except (AssertionError, QuorateError, TimeoutError) as error:
            error.add_note(collect_last_words(network))
            raise
    return sending.report


async def agree(network: Network) -> None:
    """Raise AssertionError unless all validators have one write digest."""
    nodes = network.layout.nodes
    height = max(await asyncio.gather(*[checks.read_height(node) for node in nodes]))
    digests = await checks.compare_digests(nodes, height, AGREES_S)
    assert len(set(digests.values())) == 1, digests


def conclude(network: Network, plan: Plan, report: Report) -> None:
    """Judge a network that is down; raises AssertionError with what is wrong."""
    audit = merge_audit_logs([network.layout.home(node) for node in network.layout.nodes])
    report.messages = audit.messages
    assert audit.messages > 0 and audit.conflicts == 0, audit.findings
    report.verdict = check_effects(network, plan, report)
    assert not report.verdict.problems, f"\n{report.verdict}"
    assert report.verdict.effects == plan.sends


def check_effects(network: Network, plan: Plan, report: Report) -> Verdict:
    """Return what the chain of a network that is down did with a plan."""
    genesis: Genesis = parse_genesis(network.layout.genesis.read_text())
    homes = [network.layout.home(node) for node in network.layout.nodes]
    # Stopped one after the other, they are at different heights; up to the lowest they agree.
    facts = max((read_facts(home, genesis) for home in homes), key=lambda each: each.height)
    report.transactions, report.height = len(facts.rows), facts.height
    return judge(plan, facts, dict(genesis.balances))


def collect_last_words(network: Network) -> str:
    """Return the end of every log."""
    words = []
    for log in sorted((network.layout.directory / "logs").glob("*.log")):
        words.append(f"— {log.stem}")
        words += log.read_text(errors="replace").splitlines()[-8:]
    return "\n".join(words)
