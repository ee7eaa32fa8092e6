"""Which pairs of signed messages no honest seat makes (docs/protocol.md#V1).

Exactly, within one epoch and view: two proposals, two notarizes or two finalizes with different
digests; finalize with nullify; finalize(d) with notarize(d′ ≠ d). Notarize with nullify is lawful.
"""

from collections.abc import Iterable

from quorate.core.bft.messages import Kind, Proposal, Vote

Signed = Vote | Proposal


def get_kind(message: Signed) -> Kind:
    """Return what a signed message is."""
    return Kind.PROPOSAL if isinstance(message, Proposal) else message.kind


def get_view(message: Signed) -> int:
    """Return the view a signed message belongs to."""
    return message.block.header.view if isinstance(message, Proposal) else message.view


def get_digest(message: Signed) -> bytes:
    """Return the digest a signed message is about."""
    return message.block.digest if isinstance(message, Proposal) else message.digest


def is_conflict(first: Signed, second: Signed) -> bool:
    """Tell whether one seat's two messages of one epoch and view are evidence against it."""
    kinds = {get_kind(first), get_kind(second)}
    if kinds == {Kind.FINALIZE, Kind.NULLIFY}:
        return True
    if len(kinds) == 1:
        return get_digest(first) != get_digest(second)
    if kinds == {Kind.FINALIZE, Kind.NOTARIZE}:
        return get_digest(first) != get_digest(second)
    return False


def find_conflict(known: Iterable[Signed], message: Signed) -> Signed | None:
    """Return one of a seat's known messages of the view that conflicts with a new one."""
    return next((each for each in known if is_conflict(each, message)), None)
