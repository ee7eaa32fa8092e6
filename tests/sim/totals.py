"""What a run of many seeds saw, kept in a file so that a long run can be stopped and go on."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.sim.world import World


@dataclass
class Totals:
    """Counts of seeds from `first` on; `slowest` is the longest recovery, in ms, and its seed."""

    first: int = 0
    commit: str = ""
    seeds: int = 0
    views: int = 0
    blocks: int = 0
    full: int = 0
    crashes: int = 0
    messages: int = 0
    events: int = 0
    cpu_s: float = 0.0
    wall_s: float = 0.0
    slowest: tuple[int, int] = (0, 0)
    failures: list[str] = field(default_factory=list)

    def add_world(self, seed: int, world: World) -> None:
        """Count a seed that held."""
        self.views += max(n.replica.view if n.replica else 0 for n in world.nodes)
        self.blocks += max(node.storage.height for node in world.nodes)
        self.full += world.plan.full
        self.crashes += world.crashes
        self.messages += world.network.sent
        self.events += world.events
        self.slowest = max(self.slowest, (world.healing_ms, seed))

    def add(self, other: Totals) -> None:
        """Count what another worker saw of the seeds that follow."""
        for name in ("seeds", "views", "blocks", "full", "crashes", "messages", "events", "cpu_s"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.slowest = max(self.slowest, other.slowest)
        self.failures += other.failures

    def describe(self) -> str:
        """Return the closing line: what was run, of which commit, and what came of it."""
        healing_ms, seed = self.slowest
        last = self.first + self.seeds - 1
        return (
            f"seeds {self.first} to {last} at commit {self.commit}: {self.seeds} run, "
            f"{len(self.failures)} failed; {self.full} with full nodes; {self.views} views, "
            f"{self.blocks} blocks, {self.crashes} crashes, {self.messages} messages, "
            f"{self.events} events; slowest recovery {healing_ms} ms (seed {seed}); "
            f"{self.wall_s:.0f} s, {self.cpu_s:.0f} s of CPU"
        )

    def save(self, path: Path) -> None:
        """Write all counts to a file, whole or not at all."""
        draft = path.with_suffix(".new")
        draft.write_text(json.dumps(asdict(self), indent=1) + "\n")
        draft.replace(path)

    @classmethod
    def load(cls, path: Path) -> Totals:
        """Return the counts of a file."""
        values = json.loads(path.read_text())
        values["slowest"] = tuple(values["slowest"])
        return cls(**values)
