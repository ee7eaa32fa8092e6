"""An honest seat signs each kind once in a view, and never finalize beside nullify.

Across restarts too: what counts is what ever left. Neither does it finalize one block having
notarized another, which would be evidence against it (docs/protocol.md#V1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from quorate.core.bft.evidence import get_digest, get_kind, get_view
from quorate.core.bft.messages import Kind, Proposal, Vote
from tests.sim.checkers.violation import expect

if TYPE_CHECKING:
    from tests.sim.node import Node
    from tests.sim.world import World


class SignedOnce:
    """Remembers what each seat signed in each view."""

    def __init__(self, world: World) -> None:
        self._signed: dict[tuple[int, int], dict[Kind, bytes]] = {}

    def sent(self, node: Node, message: Vote | Proposal) -> None:
        seat = message.seat if isinstance(message, Vote) else message.block.header.proposer
        if not node.obeys or seat != node.seat:
            return
        view, kind = get_view(message), get_kind(message)
        signed = self._signed.setdefault((seat, view), {})
        where = f"seat {seat} in view {view}"
        first = signed.setdefault(kind, get_digest(message))
        expect(first == get_digest(message), f"one {kind.name} per view", where)
        both = Kind.NULLIFY in signed and Kind.FINALIZE in signed
        expect(not both, "never finalize and nullify in one view", where)
        final, notarized = signed.get(Kind.FINALIZE), signed.get(Kind.NOTARIZE)
        same = final is None or notarized is None or final == notarized
        expect(same, "never finalize one block having notarized another", where)
