"""What must hold at every step of every run, one rule per file, fed by what engines do.

A checker has methods named after hooks; each gets the node and what happened:
`handled(node, event, effects)` when the engine has decided, `done(node, effect)` when the driver
does an effect (a crash may come between), `sent(node, message)` for votes and proposals that leave,
`applied(node, block)`, `accused(node, evidence)`, `restarted(node, restored)`, `woken(node)`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.sim.checkers.agreement import Agreement
from tests.sim.checkers.availability import Availability
from tests.sim.checkers.bounded import Bounded
from tests.sim.checkers.certificates import Certificates
from tests.sim.checkers.chains import Chains
from tests.sim.checkers.claims import Claims
from tests.sim.checkers.finalizing import Finalizing
from tests.sim.checkers.innocence import Innocence
from tests.sim.checkers.persisted import Persisted
from tests.sim.checkers.quiet import Quiet
from tests.sim.checkers.replay import Replay
from tests.sim.checkers.signing import SignedOnce
from tests.sim.checkers.violation import Violation

if TYPE_CHECKING:
    from tests.sim.world import World

ALL = (
    Agreement,
    Availability,
    Bounded,
    Certificates,
    Chains,
    Claims,
    Finalizing,
    Innocence,
    Persisted,
    Quiet,
    Replay,
    SignedOnce,
)


def make_checkers(world: World) -> list[Any]:
    """Return one of each for a run."""
    return [checker(world) for checker in ALL]


__all__ = ["ALL", "Violation", "make_checkers"]
