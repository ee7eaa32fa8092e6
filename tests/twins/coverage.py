"""What a long run covers: its units, and the file from which a stopped one goes on.

The file's first line says which run it is of, down to the text of engine and harness; each other
line is a finished unit. A file of another run is never continued.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import cache, partial
from hashlib import sha256
from multiprocessing import get_context
from pathlib import Path

from tests.twins.exhaustive import count_prefix_views, explore
from tests.twins.sampling import sample
from tests.twins.scenario import count_kinds, count_turns, list_prefixes
from tests.twins.tree import Totals

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Run:
    """Which scenarios to play; `seed` None: all of them."""

    views: tuple[int, int]
    blocks: int = 5
    seed: int | None = None
    trees: int = 0
    planted: str | None = None
    backwards: bool = False

    def count_units(self) -> int:
        """Return into how many units the run falls."""
        return self.trees if self.seed is not None else len(self._list_prefixes())

    def do_unit(self, unit: int) -> Totals:
        """Play one unit's scenarios."""
        if self.seed is not None:
            return sample(self.seed, unit, self.views)
        prefix, _ = self._list_prefixes()[unit]
        turns = count_turns(self.blocks)
        return explore(prefix, self.views[1], turns, backwards=self.backwards)

    def weigh(self, units: Iterable[int]) -> str:
        """Return for how many scenarios those of these units stand, renamings included."""
        if self.seed is not None:
            return ""
        prefixes, views = self._list_prefixes(), self.views[1]
        below = count_turns(self.blocks) ** (views - count_prefix_views(views))
        return f" stand for {sum(prefixes[unit][1] * below for unit in units):,}"

    def describe(self) -> str:
        """Return what the run is, in words."""
        views = "-".join(str(view) for view in dict.fromkeys(self.views))
        if self.seed is not None:
            return f"twins, {views} views, seed {self.seed}, trees 0 to {self.trees - 1}"
        turns = count_turns(self.blocks)
        kinds = count_kinds(self.views[1], turns)
        total = f"{turns ** self.views[1]:,} scenarios, {kinds:,} up to renaming"
        order = ", opposite order of arrival" if self.backwards else ""
        return f"twins, all of {views} views and at most {self.blocks} blocks{order} ({total})"

    def name_file(self) -> Path:
        """Return where the run's finished units are noted unless a file is given."""
        what = "all" if self.seed is None else f"seed{self.seed}"
        what += "-backwards" if self.backwards else ""
        views = "-".join(map(str, self.views))
        return ROOT / ".quorate" / "twins" / f"{what}-{views}-{self.blocks}.jsonl"

    def compute_key(self) -> dict[str, object]:
        """Return what must be the same for a file to be of this run."""
        key = asdict(self) | {"views": list(self.views), "sources": _hash_sources()}
        del key["trees"]  # more trees of one seed are the same run, only longer
        return key

    def _list_prefixes(self) -> tuple[tuple[tuple[int, ...], int], ...]:
        return list_prefixes(count_prefix_views(self.views[1]), count_turns(self.blocks))


class Ledger:
    """Finished units of a run, in memory and in its file."""

    def __init__(self, run: Run, path: Path | None) -> None:
        self.done: set[int] = set()
        self.totals = Totals()
        self._path = path
        if path is None:
            return
        lines = path.read_text().splitlines() if path.exists() else []
        if lines and json.loads(lines[0]) == run.compute_key():
            for line in lines[1:]:
                self._take(**json.loads(line))
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(run.compute_key()) + "\n")

    def add(self, unit: int, totals: Totals) -> None:
        """Note a finished unit; a failed one is played again next time."""
        self._take(unit, asdict(totals))
        if self._path is not None and not totals.failures:
            with self._path.open("a") as file:
                file.write(json.dumps({"unit": unit, "totals": asdict(totals)}) + "\n")

    def _take(self, unit: int, totals: dict[str, object]) -> None:
        self.done.add(unit)
        self.totals.add(Totals(**totals))  # type: ignore[arg-type]  # as asdict has written it


def do_units(run: Run, units: list[int], jobs: int) -> Iterator[tuple[int, Totals]]:
    """Play units in so many processes; yields each as it is finished."""
    if jobs == 1:
        for unit in units:
            yield unit, run.do_unit(unit)
        return
    with get_context("fork").Pool(jobs) as pool:
        yield from pool.imap_unordered(partial(_do_unit, run), units)


def _do_unit(run: Run, unit: int) -> tuple[int, Totals]:
    return unit, run.do_unit(unit)


@cache
def _hash_sources() -> str:
    # What is loaded of engine and scenarios, which is what an outcome depends on.
    digest = sha256()
    for name, module in sorted(sys.modules.items()):
        if name.startswith(("quorate.core", "tests.twins")) and module.__file__ is not None:
            digest.update(name.encode() + Path(module.__file__).read_bytes())
    return digest.hexdigest()[:16]
