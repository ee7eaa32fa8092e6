"""What must hold at every step of every run, one rule per file, fed by what concerns it.

A checker has methods named after hooks; each gets the node and what happened.

When an engine has decided: `handled(node, event, effects)` always, `misplaced(node, effects)` when
a Persist does not stand first, `caught_up(node, block)`, `decided(node, commit)`, `moved(node)`
when its final head is another one.
Once what was decided can't be lost: `certified(node, certificate)`, `committed(node, commit)`.
When the driver acts (a crash may come between): `done(node, effect)`, and of these
`sent(node, message)` for votes and proposals, `signed(node, message)` for an honest node's own,
`accused(node, evidence)`, `reported(node, report)`.
Of storage: `applied(node, block)`, `executed(node, result)`, `balanced(node, height, state)`.
Of a node: `restarted(node, restored)`, `woken(node)`.
At the end of a run that held: `finished(world)` scans all of it once more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.sim.checkers.agreement import Agreement
from tests.sim.checkers.availability import Availability
from tests.sim.checkers.bounded import Bounded
from tests.sim.checkers.chains import Chains
from tests.sim.checkers.claims import Claims
from tests.sim.checkers.conservation import Conservation
from tests.sim.checkers.epochs import EpochRules
from tests.sim.checkers.final_or_null import FinalOrNull
from tests.sim.checkers.finalizing import Finalizing
from tests.sim.checkers.heads import Heads
from tests.sim.checkers.innocence import Innocence
from tests.sim.checkers.notarizations import Notarizations
from tests.sim.checkers.one_block import OneBlock
from tests.sim.checkers.one_final import OneFinal
from tests.sim.checkers.opposed import Opposed
from tests.sim.checkers.persisted import Persisted
from tests.sim.checkers.quiet import Quiet
from tests.sim.checkers.quorums import Quorums
from tests.sim.checkers.rebuilt import Rebuilt
from tests.sim.checkers.replay import Replay
from tests.sim.checkers.results import Results
from tests.sim.checkers.signed_once import SignedOnce
from tests.sim.checkers.skipped import Skipped
from tests.sim.checkers.violation import Violation

if TYPE_CHECKING:
    from tests.sim.world import World

ALL = (
    Agreement,
    Availability,
    Bounded,
    Chains,
    Claims,
    Conservation,
    EpochRules,
    FinalOrNull,
    Finalizing,
    Heads,
    Innocence,
    Notarizations,
    OneBlock,
    OneFinal,
    Opposed,
    Persisted,
    Quiet,
    Quorums,
    Rebuilt,
    Replay,
    Results,
    SignedOnce,
    Skipped,
)


def make_checkers(world: World) -> list[Any]:
    """Return one of each for a run."""
    return [checker(world) for checker in ALL]


__all__ = ["ALL", "Violation", "make_checkers"]
