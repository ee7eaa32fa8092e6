"""Seats that break the protocol, for the simulation: an honest engine whose effects are rewritten.

Each is one small file; `ADVERSARIES` names them. A later file needs only a line here.
"""

from tests.adversaries.amnesiac import Amnesiac
from tests.adversaries.base import Adversary
from tests.adversaries.double_voter import DoubleVoter
from tests.adversaries.equivocator import Equivocator
from tests.adversaries.false_result import FalseResult
from tests.adversaries.replayer import Replayer
from tests.adversaries.selective import SelectiveSender
from tests.adversaries.silent_leader import SilentLeader
from tests.adversaries.skipper import Skipper

ADVERSARIES: dict[str, type[Adversary]] = {
    "amnesiac": Amnesiac,
    "double_voter": DoubleVoter,
    "equivocator": Equivocator,
    "false_result": FalseResult,
    "replayer": Replayer,
    "selective": SelectiveSender,
    "silent_leader": SilentLeader,
    "skipper": Skipper,
}

__all__ = ["ADVERSARIES", "Adversary"]
