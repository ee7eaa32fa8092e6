"""Asks a node of this machine what only its seat key can say; refusals name the node."""

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from quorate.core.errors import QuorateError, Rejected, Unavailable
from quorate.devnet.layout import Layout, Node
from quorate.sdk import seats
from quorate.sdk.payloads import SeatProof, SeatReady

Word = TypeVar("Word", SeatProof, SeatReady)


async def prove_seat(layout: Layout, node: Node) -> SeatProof:
    """Return a node's proof of its seat key; raises Rejected or Unavailable."""
    return await _ask(seats.prove_seat, layout, node)


async def sign_ready(layout: Layout, node: Node) -> SeatReady:
    """Return a node's word that it is ready in the running epoch; raises Rejected, Unavailable."""
    return await _ask(seats.sign_ready, layout, node)


async def _ask(
    ask: Callable[[Path], Coroutine[Any, Any, Word]], layout: Layout, node: Node
) -> Word:
    try:
        return await ask(layout.sockets_dir / node.name / "consensus.sock")
    except Rejected as error:
        raise Rejected(f"{node.name}: {error.message}", reason=error.reason) from error
    except QuorateError as error:
        raise Unavailable(f"{node.name} does not answer yet") from error
