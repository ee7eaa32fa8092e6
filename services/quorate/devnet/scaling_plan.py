"""From what is there and how many seats are wanted to the next steps: pure, the same every time.

Whoever was interrupted asks again and goes on; when nothing is left to do, the plan is done.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

SEATS_MIN: Final = 4


class Member(NamedTuple):
    """A validator of this network as the chain and this machine see it.

    `is_seated` and `is_coming` tell of the running epoch's set and of the newest that is known;
    `ready_epoch` is the last epoch, plus one, for which the chain has its Ready, 0 without one.
    """

    name: str
    runs: bool
    is_registered: bool
    is_standing: bool
    is_seated: bool
    is_coming: bool
    ready_epoch: int = 0
    jailed_until: int = 0

    @property
    def number(self) -> int:
        """The number in its name: the newest has the highest."""
        return int(self.name.rpartition("-")[2])


class Plan(NamedTuple):
    """What to do now, by names, and for whom or what to wait."""

    add: int = 0
    start: tuple[str, ...] = ()
    register: tuple[str, ...] = ()
    ready: tuple[str, ...] = ()
    resign: tuple[str, ...] = ()
    retire: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to do or to wait for."""
        return self == Plan()


def plan_scaling(members: Sequence[Member], wanted: int, epoch: int) -> Plan:
    """Return the next steps towards `wanted` seats, in the running epoch."""
    by_age = sorted(members, key=lambda member: member.number)
    gone = [each for each in by_age if each.is_registered and not each.is_standing]
    here = [each for each in by_age if each not in gone]
    staying, surplus = here[:wanted], here[wanted:]
    jailed = [each for each in staying if each.jailed_until]
    joining = [each for each in staying if not each.is_coming and each not in jailed]
    said = [each for each in joining if each.is_registered and each.ready_epoch > epoch]
    elected = [each for each in staying if each.is_coming and not each.is_seated]
    leaving = [*gone, *[each for each in surplus if each.is_registered]]
    return Plan(
        add=max(wanted - len(here), 0),
        start=_names(each for each in [*staying, *leaving] if not each.runs and _is_used(each)),
        register=_names(each for each in joining if each.runs and not each.is_registered),
        ready=_names(
            each
            for each in joining
            if each.runs and each.is_registered and each.ready_epoch <= epoch
        ),
        resign=_names(each for each in surplus if each.is_registered),
        retire=_names(
            [
                *[each for each in gone if not _is_used(each)],
                *[each for each in surplus if not each.is_registered],
            ]
        ),
        waiting=(
            *[f"{each.name} is jailed until epoch {each.jailed_until}" for each in jailed],
            *_join("to be elected at the end of this epoch", said),
            *_join("elected, seated from the next epoch on", elected),
            *_join("leaving the set", [each for each in gone if _is_used(each)]),
        ),
    )


def _is_used(member: Member) -> bool:
    """Tell whether its process is needed: a newcomer's, or a seat's until it has left every set."""
    return member.is_standing or not member.is_registered or member.is_seated or member.is_coming


def _join(what: str, members: Sequence[Member]) -> list[str]:
    """Return one phrase about all of them; none when there are none."""
    return [f"{what}: {', '.join(_names(members))}"] if members else []


def _names(members: Iterable[Member]) -> tuple[str, ...]:
    return tuple([each.name for each in members])
