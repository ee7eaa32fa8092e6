"""What seats may change by vote, and what is checked of it without state.

Rules: docs/protocol.md#G1 to G6.
"""

import re
from typing import Final, NamedTuple

from quorate.core.errors import InvalidTransaction
from quorate.core.governance.parameters import CHANGEABLE
from quorate.core.governance.upgrades import VERSION_BYTES_MAX
from quorate.core.params import SUPPLY_MAX, find_bounds
from quorate.core.staking.payloads import check_hashes

_VERSION: Final = re.compile(rf"[A-Za-z0-9._-]{{1,{VERSION_BYTES_MAX}}}", re.ASCII)


class ProposeChange(NamedTuple):
    """Proposes either a parameter's new value, or the rules of a version from a height on.

    What is not meant is empty: `parameter` and `value`, or `version` and `height`.
    """

    signer: bytes
    parameter: str
    value: int
    version: str
    height: int


class VoteChange(NamedTuple):
    """Sets the vote of the signer's seat on a proposal."""

    signer: bytes
    proposal: bytes
    approve: bool


def check_propose(payload: ProposeChange) -> None:
    """Raise InvalidTransaction unless a proposal is right in form (docs/protocol.md#G2)."""
    check_hashes(payload.signer)
    is_upgrade = bool(payload.version or payload.height)
    if is_upgrade == bool(payload.parameter) or (is_upgrade and payload.value):
        raise InvalidTransaction(
            "either a parameter with a value, or a version with a height", reason="PROPOSAL_FORM"
        )
    if is_upgrade:
        _check_upgrade(payload)
        return
    if payload.parameter not in CHANGEABLE:
        raise InvalidTransaction(
            f"'{payload.parameter[:64]}' is no parameter that a vote changes",
            reason="UNKNOWN_PARAMETER",
        )
    least, most = find_bounds(payload.parameter)
    if not least <= payload.value <= most:
        raise InvalidTransaction(
            f"{payload.parameter} must be {least} to {most}",
            reason="PARAMETER_OUT_OF_RANGE", least=least, most=most,
        )  # fmt: skip


def check_vote(payload: VoteChange) -> None:
    """Raise InvalidTransaction unless a vote is right in form."""
    check_hashes(payload.signer, payload.proposal)


def _check_upgrade(payload: ProposeChange) -> None:
    if not _VERSION.fullmatch(payload.version):
        raise InvalidTransaction(
            f"a version has 1 to {VERSION_BYTES_MAX} letters, digits, dots, dashes or underscores",
            reason="VERSION_FORM",
        )
    if not 1 <= payload.height <= SUPPLY_MAX:
        raise InvalidTransaction("a height is 1 to 2^63 - 1", reason="OUT_OF_RANGE")
