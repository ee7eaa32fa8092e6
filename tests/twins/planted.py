"""Broken rules to plant in the engine, so that the scenarios can be seen to catch them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from quorate.core.bft import quorum
from quorate.core.bft.messages import Kind
from quorate.core.bft.signing import Signing
from quorate.core.bft.views import View
from quorate.core.bft.waiting import Waiter
from quorate.core.values import compute_quorum

Patch = tuple[Any, str, Callable[..., Any]]


def _finalize_after_nullify(signing: Signing, view: int, digest: bytes) -> bool:
    signed = signing.signed.get(view, {})
    return Kind.FINALIZE not in signed and signed.get(Kind.NOTARIZE, digest) == digest


def _finalize_what_was_not_notarized(signing: Signing, view: int, digest: bytes) -> bool:
    signed = signing.signed.get(view, {})
    return Kind.FINALIZE not in signed and Kind.NULLIFY not in signed


PLANTED: dict[str, tuple[Patch, ...]] = {
    "finalize-after-nullify": ((Signing, "may_finalize", _finalize_after_nullify),),
    "finalize-another-block": ((Signing, "may_finalize", _finalize_what_was_not_notarized),),
    "quorum-off-by-one": ((quorum, "compute_quorum", lambda n: compute_quorum(n) - 1),),
    "no-evidence": ((View, "find_conflict", lambda *_: None),),
    "never-again": ((Waiter, "resend_own", lambda *_: None),),
}


@contextmanager
def plant(name: str | None) -> Iterator[None]:
    """Have the engine break a rule within; None breaks none."""
    with ExitStack() as stack:
        for target, attribute, broken in PLANTED[name] if name else ():
            stack.enter_context(patch.object(target, attribute, broken))
        yield
