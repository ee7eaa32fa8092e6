"""Runs a storm on a network of real processes, then shows that nothing was lost or contradicted."""

import asyncio
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from quorate.core.errors import NotFound, QuorateError
from quorate.devnet.audit import merge_audit_logs
from quorate.devnet.faults.links import Links
from quorate.devnet.layout import Spec
from quorate.devnet.network import Network, temporary_network
from quorate.devnet.processes import Exit
from quorate.devnet.readiness import wait_engine, wait_ready
from quorate.kit import failpoints
from quorate.sdk.client import Client
from tests.devnet.agreement import assert_all_agree
from tests.devnet.traffic import Traffic
from tests.faults.lasting import last
from tests.faults.storm import Round, Strike, Victim, draw_rounds

RATE_TPS = 20
READY_S = 60.0
PROGRESS = 5
RESUMES_S = 60.0
SETTLES_S = 60.0
# A storm that takes longer than this has hung somewhere.
SECONDS_PER_KILL = 12.0
SECONDS_MORE = 120.0
READS_AT_ONCE = 16
LOOKS_EVERY_S = 0.03


class Broken(AssertionError):
    """Something that must hold through a storm does not."""


@dataclass
class Tally:
    """What a storm did so far, and what was looked at in the end."""

    strikes: Counter[str] = field(default_factory=Counter)
    fail_points: Counter[str] = field(default_factory=Counter)
    weathers: Counter[str] = field(default_factory=Counter)
    processes: int = 0
    slowest_s: float = 0.0
    last: str = ""
    executed: int = 0
    messages: int = 0
    views: int = 0

    @property
    def kills(self) -> int:
        """All kills: of one, several or all at a moment, and at fail-points."""
        return self.strikes.total() + self.fail_points.total()


Tell = Callable[[Tally], None]


class StormRunner:
    """One storm on one network that is up, with its links and traffic."""

    def __init__(self, network: Network, links: Links, traffic: Traffic) -> None:
        self.tally = Tally()
        self._network, self._links, self._traffic = network, links, traffic
        # Started with a fail-point: these may die by themselves, at that point.
        self._armed: dict[str, str] = {}
        # Killed and not started again yet.
        self._struck: set[str] = set()
        self._keeper: asyncio.Task[None] | None = None

    async def run(self, seed: int, kills: int, tell: Tell) -> None:
        """Go through rounds until there were so many kills; then nothing is armed any more."""
        self._keeper = asyncio.create_task(self._keep())
        try:
            for number, each in enumerate(draw_rounds(seed, self._links.names)):
                if self.tally.kills >= kills:
                    break
                try:
                    await self._run_round(each)
                except (QuorateError, TimeoutError) as error:
                    raise Broken(f"round {number}, {describe(each)}: {error!r}") from error
                self.tally.last = f"round {number}, {describe(each)}, {self.tally.last}"
                tell(self.tally)
            await self._disarm()
        finally:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)

    async def _run_round(self, each: Round) -> None:
        self.tally.weathers[each.weather] += 1
        await self._links.set(each.links)
        if each.paused:
            self._network.pause(each.paused)
        for strike in each.strikes:
            await self._pass_time(strike.after_s)
            await self._strike(strike, wiped=each.wiped)
        if each.paused:
            self._network.resume(each.paused)
        await self._links.heal()
        await self._wait_recovered()

    async def _strike(self, strike: Strike, *, wiped: str) -> None:
        names = [victim.name for victim in strike.victims]
        self._struck.update(names)
        count = sum(await asyncio.gather(*[self._kill(name) for name in names]))
        if count:
            size = "all" if count == len(self._links.names) else "one" if count == 1 else "several"
            self.tally.strikes[size] += 1
            self.tally.processes += count
        await self._pass_time(strike.down_s)
        if wiped:
            self._network.wipe_node(wiped)
        for victim in strike.victims:
            self._start(victim)
        self._struck.difference_update(names)

    async def _kill(self, name: str) -> bool:
        killed = await asyncio.to_thread(self._network.kill, name)
        point = self._armed.pop(name, "")
        if not killed and point:
            self._note_fail_point(point)  # it was quicker
        return bool(killed)

    def _start(self, victim: Victim) -> None:
        programs = self._network.processes.select(victim.name)
        if victim.point:
            self._armed[victim.name] = victim.point
            environment = failpoints.build_environment(victim.point, victim.count)
            self._network.processes.start(programs, environment)
        else:
            self._network.processes.start(programs)

    async def _keep(self) -> None:
        """Start again who died at its fail-point; whatever else ends is a failure."""
        while True:
            await last(LOOKS_EVERY_S)
            for ended in self._network.processes.find_exits():
                if ended.name not in self._struck:
                    self._revive(ended)

    def _revive(self, ended: Exit) -> None:
        point = self._armed.pop(ended.name, "")
        if not point or ended.code != -signal.SIGKILL:
            raise Broken(f"{ended.name} ended by itself ({ended.code}):\n{ended.last_words}")
        self._note_fail_point(point)
        self._network.start(ended.name)

    def _note_fail_point(self, point: str) -> None:
        self.tally.fail_points[point] += 1
        self.tally.processes += 1

    async def _disarm(self) -> None:
        """Replace whoever still waits for its fail-point, so that nobody dies any more."""
        for name in list(self._armed):
            self._struck.add(name)
            await self._kill(name)
            self._network.start(name)
            self._struck.discard(name)
        await self._wait_recovered()

    async def _wait_recovered(self) -> None:
        started_s = time.monotonic()
        recovery = asyncio.create_task(self._recover())
        await self._watch_out(recovery)
        recovered_s = time.monotonic() - started_s
        self.tally.slowest_s = max(self.tally.slowest_s, recovered_s)
        self.tally.last = f"all well again after {recovered_s:.1f} s"

    async def _recover(self) -> None:
        await self._traffic.wait_executed(PROGRESS, RESUMES_S)
        for node in self._network.layout.nodes:
            await wait_engine(node, ("voting",), RESUMES_S)

    async def _pass_time(self, seconds: float) -> None:
        """Let a fault last; ends early only when the storm is broken."""
        await self._watch_out(asyncio.create_task(last(seconds)))

    async def _watch_out(self, work: "asyncio.Task[None]") -> None:
        assert self._keeper is not None, "run() starts it"
        try:
            await asyncio.wait({work, self._keeper}, return_when=asyncio.FIRST_COMPLETED)
            if self._keeper.done():
                self._keeper.result()
            await work
        finally:
            work.cancel()


async def run_storm(seed: int, kills: int, tell: Tell) -> Tally:
    """Run a storm on a network of its own; raises Broken, or AssertionError of the checks."""
    limit_s = SECONDS_MORE + SECONDS_PER_KILL * kills
    with temporary_network(Spec()) as network:
        try:
            async with asyncio.timeout(limit_s), Links.open(network, seed) as links:
                network.up()
                await links.aim()
                await wait_ready(network, READY_S)
                transfers = round(limit_s * RATE_TPS)
                async with Traffic(network, RATE_TPS, transfers) as traffic:
                    runner = StormRunner(network, links, traffic)
                    await runner.run(seed, kills, tell)
                    outcome = await traffic.settle(SETTLES_S)
                ends = (outcome.lost, outcome.rejected, outcome.dropped, outcome.failed)
                require(ends == (0, {}, {}, 0), f"lost, rejected, dropped, failed: {ends}")
                runner.tally.executed = outcome.executed
                await check_receipts(network, set(traffic.ids), outcome.executed)
                await assert_all_agree(network)
                require(network.down() == [], "a validator did not stop in time")
            await asyncio.to_thread(check_audit, network, runner.tally)
        except (AssertionError, QuorateError, TimeoutError) as error:
            error.add_note(collect_last_words(network))
            raise
    return runner.tally


async def check_receipts(network: Network, ids: set[bytes], executed: int) -> None:
    """Find a receipt for as many transfers as were heard to be executed."""
    room = asyncio.Semaphore(READS_AT_ONCE)
    async with Client(network.layout.endpoint) as client:

        async def has_receipt(id_: bytes) -> bool:
            async with room:
                try:
                    await client.receipt(id_)
                except NotFound:
                    return False
                return True

        found = sum(await asyncio.gather(*[has_receipt(id_) for id_ in ids]))
    require(found == executed, f"{executed} were executed, {found} have a receipt")


def check_audit(network: Network, tally: Tally) -> None:
    """Merge what every validator signed and heard: no seat may have contradicted itself."""
    report = merge_audit_logs([network.layout.home(node) for node in network.layout.nodes])
    tally.messages, tally.views = report.messages, report.views
    require(report.messages > 0, "the audit logs are empty")
    require(report.conflicts == 0, f"conflicting messages: {report.findings}")


def require(holds: bool, why: str) -> None:
    """Raise Broken with the reason unless it holds."""
    if not holds:
        raise Broken(why)


def describe(each: Round) -> str:
    """Return a round in a few words."""
    strikes = "; ".join(
        ", ".join(f"{v.name} {v.point}".strip() for v in strike.victims) for strike in each.strikes
    )
    return f"{each.weather} {each.paused or each.wiped}: kill {strikes}"


def collect_last_words(network: Network) -> str:
    """Return the end of every log."""
    words = []
    for program in network.processes.programs():
        log = network.layout.directory / "logs" / f"{program.name}.log"
        if log.exists():
            words.append(f"— {program.name}")
            words += log.read_text(errors="replace").splitlines()[-8:]
    return "\n".join(words)
