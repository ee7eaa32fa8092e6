"""Which pairs of signed messages no honest seat makes (docs/protocol.md#V1).

Exactly, within one epoch and view: two proposals, two notarizes or two finalizes with different
digests; finalize with nullify; finalize(d) with notarize(d′ ≠ d). Notarize with nullify is lawful.
"""

from collections.abc import Callable, Iterable
from operator import attrgetter

from quorate.core.bft.messages import Kind, Proposal, Vote

Signed = Vote | Proposal


# What a signed message is, which view it belongs to and what it is about. In C, because every vote
# is asked for them several times.
get_kind: Callable[[Signed], Kind] = attrgetter("kind")
get_view: Callable[[Signed], int] = attrgetter("view")
get_digest: Callable[[Signed], bytes] = attrgetter("digest")


def is_conflict(first: Signed, second: Signed) -> bool:
    """Tell whether one seat's two messages of one epoch and view are evidence against it."""
    one, two = get_kind(first), get_kind(second)
    if one is not two:
        if one is not Kind.FINALIZE and two is not Kind.FINALIZE:
            return False
        if one is Kind.NULLIFY or two is Kind.NULLIFY:
            return True
        if one is Kind.PROPOSAL or two is Kind.PROPOSAL:
            return False
    return get_digest(first) != get_digest(second)


def find_conflict(known: Iterable[Signed], message: Signed) -> Signed | None:
    """Return one of a seat's known messages of the view that conflicts with a new one."""
    return next((each for each in known if is_conflict(each, message)), None)
