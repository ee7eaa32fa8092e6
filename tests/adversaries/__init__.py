"""Seats that break the protocol, for the simulation: an honest engine whose effects are rewritten.

Each is one small file; `ADVERSARIES` names them. A later file needs only a line here.
"""

from tests.adversaries.amnesiac import Amnesiac
from tests.adversaries.bad_sealer import BadSealer
from tests.adversaries.base import Adversary
from tests.adversaries.catchup_liar import CatchUpLiar
from tests.adversaries.certificate_replayer import CertificateReplayer
from tests.adversaries.double_voter import DoubleVoter
from tests.adversaries.epoch_replayer import EpochReplayer
from tests.adversaries.equivocator import Equivocator
from tests.adversaries.false_result import FalseResult
from tests.adversaries.future_flooder import FutureFlooder
from tests.adversaries.late_voter import LateVoter
from tests.adversaries.leader_favourer import LeaderFavourer
from tests.adversaries.replayer import Replayer
from tests.adversaries.seat_repeater import SeatRepeater
from tests.adversaries.selective import SelectiveSender
from tests.adversaries.silent_leader import SilentLeader
from tests.adversaries.skipper import Skipper
from tests.adversaries.twice_namer import TwiceNamer
from tests.adversaries.withholder import Withholder

ADVERSARIES: dict[str, type[Adversary]] = {
    "amnesiac": Amnesiac,
    "bad_sealer": BadSealer,
    "catchup_liar": CatchUpLiar,
    "certificate_replayer": CertificateReplayer,
    "double_voter": DoubleVoter,
    "epoch_replayer": EpochReplayer,
    "equivocator": Equivocator,
    "false_result": FalseResult,
    "future_flooder": FutureFlooder,
    "late_voter": LateVoter,
    "leader_favourer": LeaderFavourer,
    "replayer": Replayer,
    "seat_repeater": SeatRepeater,
    "selective": SelectiveSender,
    "silent_leader": SilentLeader,
    "skipper": Skipper,
    "twice_namer": TwiceNamer,
    "withholder": Withholder,
}

__all__ = ["ADVERSARIES", "Adversary"]
